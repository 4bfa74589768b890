import type { EncodeJob, FitJob } from "./block-jobs.ts";
import { BLOCK_BYTES, BLOCK_VALUES } from "./codec-memory.ts";
import { isPredictable } from "./factors.ts";
import type { Part } from "./manifest.ts";
import { type Located, sampleOf, TensorMatcher } from "./match-tensors.ts";
import type { Model, ModelFile } from "./model-files.ts";
import { numberFormat } from "./number-format.ts";
import { FileReader, type Span } from "./read-file.ts";
import { LONGEST_ROW_BLOCK, ROW_BLOCK_BYTES } from "./row-codec.ts";
import { type RowKind, RowScanner, rowKindOf } from "./rows.ts";

/** What is to be done to code a model against a base: the same whenever the files are the same. */
export interface Plan {
  /** For each file of the fine-tune its parts, all but their hashes filled in. */
  files: Part[][];
  /** In the order in which their blocks will lie in the delta: job n makes block n. */
  jobs: PlannedJob[];
}

/** A block to code, or factors to look for before the blocks that they predict. */
export type PlannedJob =
  | (EncodeJob & {
      kind: "encode" /** The job that looks for its factors, and its first row. */;
      fit?: { job: number; fromRow: number };
    })
  | (FitJob & { kind: "fit" })
  | { kind: "rows"; fine: Span[]; rowKind: RowKind };

/** Tensors with fewer rows or columns are not predicted: factors would be as long as they. */
const LEAST_SIDE = 64;

/** Smaller tensors share blocks: tables of their own would cost more than they save. */
const SMALL_BYTES = 64 << 10;
/** A shared block is closed when it has so many bytes. */
const POOL_BYTES = 512 << 10;
/** Files without tensors are taken as bytes, in pieces of this size. */
const OPAQUE_BYTES = 1 << 20;

/**
 * Decides what is compared with what, and what makes up each block.
 *
 * @param predicts whether factors are to be looked for
 */
export function makePlan(base: Model, fine: Model, predicts: boolean): Plan {
  const reader = new FileReader();
  try {
    return new Planner(base, fine, reader, predicts).plan();
  } finally {
    reader.close();
  }
}

/** Files of the base whose rows a dataset may refer to, by their numbers. */
function rowFilesOf({ files }: Model, kind: RowKind): number[] {
  return files.flatMap(({ name, bytes }, number) => (bytes > 0 && rowKindOf(name) === kind ? [number] : []));
}

/** Rows of the base are held in memory, together with an index: beyond this, a dataset is taken as bytes. */
const MOST_ROW_BYTES = 1 << 30;

interface Pool {
  members: { part: Part; fine: Span; base: Span | undefined }[];
  bytes: number;
}

class Planner {
  readonly #base: Model;
  readonly #fine: Model;
  readonly #reader: FileReader;
  readonly #matcher: TensorMatcher;
  readonly #predicts: boolean;
  readonly #jobs: PlannedJob[] = [];
  /** Tensors that have been met, by a sample of their bytes: what is identical is stored once. */
  readonly #met = new Map<string, { file: number; part: number; span: Span }>();
  #pools = new Map<string, Pool>();

  constructor(base: Model, fine: Model, reader: FileReader, predicts: boolean) {
    this.#base = base;
    this.#predicts = predicts;
    this.#fine = fine;
    this.#reader = reader;
    this.#matcher = new TensorMatcher(base, reader);
  }

  plan(): Plan {
    const files = this.#fine.files.map((file, number) => {
      const parts = file.tensors.length > 0 ? this.#tensorParts(file, number) : this.#opaqueParts(file);
      for (const [key, pool] of this.#pools) this.#closePool(key, pool);
      return parts;
    });
    return { files, jobs: this.#jobs };
  }

  /** The header, the tensors, and whatever lies between them. */
  #tensorParts(file: ModelFile, number: number): Part[] {
    const parts: Part[] = [];
    let end = 0;
    const fillTo = (at: number) => {
      if (at > end) parts.push(this.#between(file, end, at - end));
      end = at;
    };
    for (const tensor of file.tensors) {
      fillTo(tensor.at);
      const span = { path: file.path, at: tensor.at, bytes: tensor.bytes };
      const part: Part = { name: tensor.name, dtype: tensor.dtype, shape: [...tensor.shape], bytes: tensor.bytes };
      parts.push(part);
      end = tensor.at + tensor.bytes;
      if (tensor.bytes === 0) continue;
      const twin = this.#twin(tensor.dtype, span, number, parts.length - 1);
      if (twin) part.as = twin;
      else this.#tensor(part, span, this.#matcher.find(tensor, file.path));
    }
    fillTo(file.bytes);
    return parts;
  }

  /** A header, or what fills up the space between tensors: there may be some behind each of them. */
  #between(file: ModelFile, at: number, bytes: number): Part {
    if (bytes >= SMALL_BYTES) return this.#bytesPart(file, at, bytes, undefined);
    const part: Part = { dtype: "U8", shape: [bytes], bytes };
    this.#pool(part, { path: file.path, at, bytes }, undefined);
    return part;
  }

  #opaqueParts(file: ModelFile): Part[] {
    if (file.bytes === 0) return [];
    const rows = this.#rowsPart(file);
    if (rows) return [rows];
    const at = this.#base.isFolder
      ? this.#base.files.findIndex(({ name, bytes }) => name === file.name && bytes === file.bytes)
      : this.#base.files.findIndex(({ bytes }) => bytes === file.bytes);
    return [this.#bytesPart(file, 0, file.bytes, at < 0 ? undefined : at)];
  }

  /** A dataset, when the base has rows of its kind and they fit into memory. */
  #rowsPart(file: ModelFile): Part | undefined {
    const kind = rowKindOf(file.name);
    const base = kind === undefined ? [] : rowFilesOf(this.#base, kind);
    const baseBytes = base.reduce((sum, number) => sum + this.#base.files[number].bytes, 0);
    if (kind === undefined || baseBytes === 0 || baseBytes > MOST_ROW_BYTES) return undefined;
    const first = this.#jobs.length;
    const jobs: PlannedJob[] = [];
    let start = 0;
    for (const end of this.#rowBlocks(file, kind)) {
      if (end - start > LONGEST_ROW_BLOCK) return undefined;
      jobs.push({ kind: "rows", fine: [{ path: file.path, at: start, bytes: end - start }], rowKind: kind });
      start = end;
    }
    this.#jobs.push(...jobs);
    return { dtype: "U8", shape: [file.bytes], bytes: file.bytes, rows: { kind, base, blocks: [first, jobs.length] } };
  }

  /** Where blocks of whole rows end. */
  #rowBlocks({ path, bytes }: ModelFile, kind: RowKind): number[] {
    const scanner = new RowScanner(kind);
    const piece = new Uint8Array(OPAQUE_BYTES);
    const ends: number[] = [];
    let last = 0;
    for (let at = 0; at < bytes; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, bytes - at));
      this.#reader.read(path, at, part);
      scanner.scan(part, (end) => {
        if (at + end - (ends.at(-1) ?? 0) > ROW_BLOCK_BYTES && last > (ends.at(-1) ?? 0)) ends.push(last);
        last = at + end;
      });
    }
    return ends.at(-1) === bytes ? ends : [...ends, bytes];
  }

  #bytesPart(file: ModelFile, at: number, bytes: number, baseFile: number | undefined): Part {
    const part: Part = {
      dtype: "U8",
      shape: [bytes],
      bytes,
      blocks: [this.#jobs.length, Math.ceil(bytes / OPAQUE_BYTES)],
    };
    if (baseFile !== undefined) part.base = [baseFile, 0, bytes];
    for (let from = 0; from < bytes; from += OPAQUE_BYTES) {
      const length = Math.min(OPAQUE_BYTES, bytes - from);
      const base =
        baseFile === undefined ? undefined : [{ path: this.#base.files[baseFile].path, at: from, bytes: length }];
      this.#jobs.push({
        kind: "encode",
        fine: [{ path: file.path, at: at + from, bytes: length }],
        base,
        dtype: "U8",
        rows: 1,
        cols: length,
      });
    }
    return part;
  }

  #twin(dtype: string, span: Span, file: number, part: number): [number, number] | undefined {
    const key = sampleOf(this.#reader, span.path, { name: "", dtype, shape: [], at: span.at, bytes: span.bytes });
    const met = this.#met.get(key);
    if (met && this.#equal(met.span, span)) return [met.file, met.part];
    if (!met) this.#met.set(key, { file, part, span });
    return undefined;
  }

  #equal(a: Span, b: Span): boolean {
    const [one, other] = [
      new Uint8Array(Math.min(OPAQUE_BYTES, a.bytes)),
      new Uint8Array(Math.min(OPAQUE_BYTES, a.bytes)),
    ];
    for (let done = 0; done < a.bytes; done += one.length) {
      const length = Math.min(one.length, a.bytes - done);
      this.#reader.read(a.path, a.at + done, one.subarray(0, length));
      this.#reader.read(b.path, b.at + done, other.subarray(0, length));
      if (Buffer.compare(one.subarray(0, length), other.subarray(0, length)) !== 0) return false;
    }
    return true;
  }

  #tensor(part: Part, fine: Span, found: Located | undefined): void {
    let base: Span | undefined;
    if (found) {
      const { at, bytes } = found.tensor;
      base = { path: this.#base.files[found.file].path, at, bytes: Math.min(bytes, part.bytes) };
      part.base = [found.file, at, base.bytes];
    }
    if (part.bytes < SMALL_BYTES) this.#pool(part, fine, base);
    else this.#blocks(part, fine, base);
  }

  #pool(part: Part, fine: Span, base: Span | undefined): void {
    // A small tensor is compared as a whole or not at all.
    const whole = base?.bytes === fine.bytes ? base : undefined;
    if (!whole) delete part.base;
    const key = `${part.dtype} ${whole !== undefined}`;
    const pool = this.#pools.get(key) ?? { members: [], bytes: 0 };
    pool.members.push({ part, fine, base: whole });
    pool.bytes += part.bytes;
    this.#pools.set(key, pool);
    if (pool.bytes >= POOL_BYTES) this.#closePool(key, pool);
  }

  #closePool(key: string, { members, bytes }: Pool): void {
    const { dtype } = members[0].part;
    let at = 0;
    for (const { part } of members) {
      part.pool = [this.#jobs.length, at];
      at += part.bytes;
    }
    const base = members.flatMap((member) => member.base ?? []);
    this.#jobs.push({
      kind: "encode",
      fine: members.map(({ fine }) => fine),
      base: base.length > 0 ? base : undefined,
      dtype,
      rows: 1,
      cols: bytes / numberFormat(dtype).width,
    });
    this.#pools.delete(key);
  }

  /** Whole rows, as many as fit; a row that is too long, or a tensor without rows, is cut where it has to be. */
  #blocks(part: Part, fine: Span, base: Span | undefined): void {
    const { width } = numberFormat(part.dtype);
    const most = Math.min(BLOCK_BYTES, BLOCK_VALUES * width);
    const rowBytes = (part.shape.at(-1) ?? 1) * width;
    const isRows = part.shape.length > 1 && rowBytes > 0 && rowBytes <= most && part.bytes % rowBytes === 0;
    const step = isRows ? Math.floor(most / rowBytes) * rowBytes : most;
    const matrix = isRows ? { rows: part.bytes / rowBytes, cols: rowBytes / width } : undefined;
    if (matrix && base && this.#isPredictable(part, base, matrix)) {
      part.factors = this.#jobs.length;
      this.#jobs.push({ kind: "fit", fine, base, dtype: part.dtype, ...matrix });
    }
    const first = this.#jobs.length;
    let from = 0;
    while (from < part.bytes) {
      let bytes = Math.min(step, part.bytes - from);
      // Where the base ends, a block ends.
      if (base && from < base.bytes) bytes = Math.min(bytes, base.bytes - from);
      const cols = isRows && bytes % rowBytes === 0 ? rowBytes / width : bytes / width;
      this.#jobs.push({
        kind: "encode",
        fit: part.factors === undefined ? undefined : { job: part.factors, fromRow: from / rowBytes },
        fine: [{ path: fine.path, at: fine.at + from, bytes }],
        base: base && from < base.bytes ? [{ path: base.path, at: base.at + from, bytes }] : undefined,
        dtype: part.dtype,
        rows: bytes / width / cols,
        cols,
      });
      from += bytes;
    }
    part.blocks = [first, this.#jobs.length - first];
  }
  #isPredictable(part: Part, base: Span, { rows, cols }: { rows: number; cols: number }): boolean {
    const isWhole = base.bytes === part.bytes;
    return this.#predicts && isWhole && isPredictable(part.dtype) && Math.min(rows, cols) >= LEAST_SIDE;
  }
}
