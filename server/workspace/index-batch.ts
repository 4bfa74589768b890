import { join } from "node:path";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { StaticEncoder } from "../embed/static.ts";
import { FileError, type Host } from "../host.ts";
import type { FileRecord } from "../store/file-record.ts";
import { decodeRecord, encodeRecord } from "../store/record-codec.ts";
import { SEGMENT_DIMS, type SegmentBytes } from "../store/segment.ts";
import { buildSegment, type SegmentFile } from "../store/segment-build.ts";
import type { PackedRecords, StoredFile, StoreMethods } from "../store/store.ts";
import type { Caller } from "../thread-rpc.ts";
import type { Chunker } from "./chunk-file.ts";
import { classifyContent } from "./classify.ts";
import { decode } from "./decode.ts";
import { contentKey, recordOf } from "./index-file.ts";
import type { FileToProcess, ProcessedFile } from "./index-jobs.ts";
import { languageOf } from "./languages.ts";
import { requireRoot } from "./walk.ts";

/** A file that changed within this time before it was read may change again without its time or size showing it. */
const RACY_MS = 50;
/** The same on file systems that keep whole seconds. */
const RACY_COARSE_MS = 2_100;

/** What a batch needs around it. */
export interface BatchTools {
  host: Host;
  root: string;
  store: Caller<StoreMethods>;
  encoder: StaticEncoder;
  chunker: Chunker;
}

interface ReadFile {
  outcome: ProcessedFile;
  text: string;
  /** The content is the one under which the path can be found already. */
  unchanged: boolean;
}

/**
 * Reads, chunks and embeds files, stores what is new durably, and only then lays out their segment.
 * Content that the store knows is neither parsed nor embedded again.
 * @throws {CairnError} `gone` when the root went away with its files.
 */
export async function indexBatch(
  tools: BatchTools,
  files: readonly FileToProcess[],
): Promise<{ files: ProcessedFile[]; segment: SegmentBytes | null }> {
  const { store, chunker, encoder } = tools;
  const read = files.map((file) => readFile(tools, file));
  if (read.some(({ outcome }) => outcome.content === "")) requireRoot(tools.host, tools.root);
  const usable = read.filter(({ outcome, unchanged }) => outcome.content !== "" && !unchanged);

  const records = new Map<string, FileRecord>();
  const contents = [...new Set(usable.map(({ outcome }) => outcome.content))];
  for (const { content, data } of await store.call("records", contents)) {
    const record = readableRecord(data);
    if (record) records.set(content, record);
  }
  const fresh: { content: string; data: Uint8Array }[] = [];
  const texts = new Map<string, string>();
  const parse = async ({ outcome, text }: ReadFile) => {
    // A parser that crashed on the file before is replaced first.
    await chunker.ready();
    const chunked = chunker.chunk(outcome.path, text);
    const record = recordOf(chunked);
    for (const [i, { hash }] of record.chunks.entries()) texts.set(hash, chunked.chunks[i].text);
    return record;
  };
  for (const file of usable) {
    const { outcome } = file;
    if (records.has(outcome.content)) continue;
    const record = await parse(file);
    records.set(outcome.content, record);
    fresh.push({ content: outcome.content, data: encodeRecord(record) });
  }

  const vectors = await knownVectors(tools, records.values());
  const missing = vectors.missing();
  if (missing.some((hash) => !texts.has(hash))) for (const file of usable) await parse(file);
  const embedded = encoder.bodies(missing.map((hash) => texts.get(hash) ?? ""));
  vectors.fill(missing, embedded.codes, embedded.scales);

  const outcomes = read.map(({ outcome }) => outcome);
  const packed = packRecords(fresh);
  await store.call(
    "put",
    {
      files: outcomes.filter(({ gone }) => !gone).map(storedFile),
      records: packed,
      model: encoder.model,
      hashes: bytesOfHashes(missing),
      codes: embedded.codes,
      scales: embedded.scales,
    },
    [packed.data.buffer, packed.ends.buffer as ArrayBuffer],
  );
  const laidOut = usable.map(({ outcome }) => {
    const record = records.get(outcome.content) as FileRecord;
    return place(encoder, vectors, outcome.path, outcome.content, record);
  });
  return { files: outcomes, segment: laidOut.length > 0 ? buildSegment(laidOut) : null };
}

/** Lays out a segment from what the store has of the files; those it has not are named. */
export async function restoreBatch(
  tools: Pick<BatchTools, "store" | "encoder">,
  files: readonly { path: string; content: string }[],
): Promise<{ segment: SegmentBytes | null; missing: string[] }> {
  const records = new Map<string, FileRecord>();
  for (const { content, data } of await tools.store.call("records", [...new Set(files.map((file) => file.content))])) {
    const record = readableRecord(data);
    if (record) records.set(content, record);
  }
  const vectors = await knownVectors(tools, records.values());
  const unembedded = new Set(vectors.missing());
  const missing: string[] = [];
  const laidOut: SegmentFile[] = [];
  for (const { path, content } of files) {
    const record = records.get(content);
    if (record === undefined || record.chunks.some(({ hash }) => unembedded.has(hash))) missing.push(path);
    else laidOut.push(place(tools.encoder, vectors, path, content, record));
  }
  return { segment: laidOut.length > 0 ? buildSegment(laidOut) : null, missing };
}

function readFile({ host, root }: BatchTools, file: FileToProcess): ReadFile {
  const absolute = join(root, file.path);
  const left = (size: number, mtimeMs: number, code: string, reason: Phrase): ReadFile => ({
    outcome: { path: file.path, size, mtimeMs, content: "", skip: { code, reason }, gone: false },
    text: "",
    unchanged: false,
  });
  try {
    const before = host.files.stat(absolute);
    const bytes = host.files.read(absolute);
    const after = host.files.stat(absolute);
    const steady = before.size === after.size && before.mtimeMs === after.mtimeMs && bytes.length === after.size;
    const mtimeMs = steady && isSettled(after.mtimeMs, host.now()) ? after.mtimeMs : -1;
    const decoded = decode(bytes);
    const skip = classifyContent(file.path, decoded?.text);
    if (skip || !decoded)
      return left(after.size, mtimeMs, skip?.code ?? "binary", skip?.reason ?? phrase("it is not text"));
    const language = languageOf(file.path, firstLine(decoded.text)).id;
    const content = contentKey(language, bytes);
    return {
      outcome: { path: file.path, size: after.size, mtimeMs, content, gone: false },
      text: decoded.text,
      unchanged: content === file.content,
    };
  } catch (error) {
    if (error instanceof FileError && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      const outcome = { path: file.path, size: 0, mtimeMs: -1, content: "", gone: true };
      return { outcome, text: "", unchanged: false };
    }
    const why = phrase("it cannot be read ({0})", error instanceof FileError ? error.code : String(error));
    return left(file.size, -1, "unreadable", why);
  }
}

/** Whether the time is far enough in the past that a later change of the file must show in it. */
function isSettled(mtimeMs: number, now: number): boolean {
  const window = mtimeMs % 1000 === 0 ? RACY_COARSE_MS : RACY_MS;
  return mtimeMs <= now - window;
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text.slice(0, 200) : text.slice(0, Math.min(end, 200));
}

function storedFile({ path, size, mtimeMs, content, skip }: ProcessedFile): StoredFile {
  return { path, size, mtimeMs, content, skip };
}

function packRecords(records: readonly { content: string; data: Uint8Array }[]): PackedRecords {
  const ends = new Uint32Array(records.length);
  const data = new Uint8Array(records.reduce((sum, record) => sum + record.data.length, 0));
  let at = 0;
  records.forEach((record, i) => {
    data.set(record.data, at);
    at += record.data.length;
    ends[i] = at;
  });
  return { contents: records.map((record) => record.content), ends, data };
}

/** An array of exactly the hashes' bytes: a Buffer would bring its whole pool along to another thread. */
export function bytesOfHashes(hashes: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(hashes.join(""), "hex"));
}

/** A record that cannot be read is as good as none: the file is parsed again. */
export function readableRecord(data: Uint8Array): FileRecord | undefined {
  try {
    return decodeRecord(data);
  } catch {
    return undefined;
  }
}

/** The body vectors of some records' chunks, looked up in the store and completed with new ones. */
class BodyVectors {
  readonly #positions: ReadonlyMap<string, number>;
  readonly #found: Uint8Array;
  readonly codes: Int8Array;
  readonly scales: Float32Array;

  constructor(positions: ReadonlyMap<string, number>, found: Uint8Array, codes: Int8Array, scales: Float32Array) {
    this.#positions = positions;
    this.#found = found;
    this.codes = codes;
    this.scales = scales;
  }

  missing(): string[] {
    return [...this.#positions.keys()].filter((_, i) => this.#found[i] === 0);
  }

  fill(hashes: readonly string[], codes: Int8Array, scales: Float32Array): void {
    hashes.forEach((hash, i) => {
      const at = this.#positions.get(hash) as number;
      this.codes.set(codes.subarray(i * SEGMENT_DIMS, (i + 1) * SEGMENT_DIMS), at * SEGMENT_DIMS);
      this.scales[at] = scales[i];
    });
  }

  at(hash: string): number {
    return this.#positions.get(hash) as number;
  }
}

async function knownVectors(
  { store, encoder }: Pick<BatchTools, "store" | "encoder">,
  records: Iterable<FileRecord>,
): Promise<BodyVectors> {
  const positions = new Map<string, number>();
  for (const record of records) {
    for (const { hash } of record.chunks) if (!positions.has(hash)) positions.set(hash, positions.size);
  }
  const hashes = bytesOfHashes([...positions.keys()]);
  const known = await store.call("vectors", { model: encoder.model, dims: SEGMENT_DIMS, hashes });
  return new BodyVectors(positions, known.found, known.codes, known.scales);
}

/** Gives each chunk its unit vector: what its text says plus what its path says. */
function place(
  encoder: StaticEncoder,
  vectors: BodyVectors,
  path: string,
  content: string,
  record: FileRecord,
): SegmentFile {
  const count = record.chunks.length;
  const bodies = {
    model: encoder.model,
    dims: SEGMENT_DIMS,
    codes: new Int8Array(count * SEGMENT_DIMS),
    scales: new Float32Array(count),
  };
  record.chunks.forEach(({ hash }, i) => {
    const at = vectors.at(hash);
    bodies.codes.set(vectors.codes.subarray(at * SEGMENT_DIMS, (at + 1) * SEGMENT_DIMS), i * SEGMENT_DIMS);
    bodies.scales[i] = vectors.scales[at];
  });
  const codes = new Int8Array(count * SEGMENT_DIMS);
  const scales = new Float32Array(count);
  encoder.place(bodies, encoder.path(path), codes, scales, 0);
  return { path, content, record, codes, scales };
}
