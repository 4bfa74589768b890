import { setImmediate } from "node:timers/promises";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import { FileError, type Host } from "../host.ts";
import { nodeHost } from "../node-host.ts";
import { packageFile } from "../package-files.ts";
import { openSegment, type Snapshot } from "../store/segment.ts";
import { buildSegment, type SegmentFile } from "../store/segment-build.ts";
import { VectorArena } from "../vectors/arena.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import type { ChunkedFile } from "../workspace/chunk.ts";
import { type Chunker, createChunker } from "../workspace/chunk-file.ts";
import { classifyContent } from "../workspace/classify.ts";
import { decode } from "../workspace/decode.ts";
import { contentKey, recordOf } from "../workspace/index-file.ts";
import { type WalkOptions, walkBelow } from "../workspace/walk.ts";

/** Files to index: all below a folder, or those of a part of it. */
export interface Source {
  /** Absolute. */
  readonly root: string;
  /** A folder or a file, relative to the root; everything without it. */
  readonly below?: string;
  /** Stands before each path, which is relative to the root; nothing without it. */
  readonly prefix?: string;
}

export interface SourceText {
  readonly path: string;
  readonly text: string;
}

export interface IndexingOptions {
  /** Which files; all of up to a million bytes without it. */
  readonly walk?: WalkOptions;
  readonly signal?: AbortSignal;
  /** Called after each file. */
  onFile?(done: number, total: number): void;
}

const EVERYTHING: WalkOptions = { exclude: [], maxFileBytes: 1_000_000 };

/** Indexes files into memory as the indexer would, on this thread and without a store. For measurements and tests. */
export class FolderIndexer {
  readonly #chunker: Chunker;
  readonly #encoder: StaticEncoder;
  readonly #kernels: ReturnType<typeof loadKernels>;

  private constructor(chunker: Chunker) {
    const { files } = nodeHost();
    this.#chunker = chunker;
    this.#kernels = loadKernels(files);
    this.#encoder = new StaticEncoder(loadStaticModel(files, packageFile("models", "static"), this.#kernels));
  }

  static async create(): Promise<FolderIndexer> {
    return new FolderIndexer(await createChunker());
  }

  /** @param root absolute */
  async snapshotOf(host: Host, root: string): Promise<Snapshot> {
    return this.index(await this.read(host, [{ root }]));
  }

  /** The files that would be indexed, in the order of the walk; one that is gone when it is read is left out. */
  async read(host: Host, sources: readonly Source[], options: IndexingOptions = {}): Promise<SourceText[]> {
    const texts: SourceText[] = [];
    for (const { root, below = "", prefix = "" } of sources) {
      for (const batch of walkBelow(host, root, below, options.walk ?? EVERYTHING, options.signal)) {
        for (const { path } of batch.files) {
          const text = textOf(host, `${root}/${path}`);
          if (text !== undefined && !classifyContent(path, text)) texts.push({ path: `${prefix}${path}`, text });
        }
        await breathe(options.signal);
      }
    }
    return texts;
  }

  /** The chunks of one file, as the index has them. */
  async chunk({ path, text }: SourceText): Promise<ChunkedFile> {
    await this.#chunker.ready();
    return this.#chunker.chunk(path, text);
  }

  /** Lays out what was read, or other texts in its place. */
  async index(texts: readonly SourceText[], { signal, onFile }: IndexingOptions = {}): Promise<Snapshot> {
    const files: SegmentFile[] = [];
    for (const text of texts) {
      files.push(this.#placed(text, await this.chunk(text)));
      onFile?.(files.length, texts.length);
      if (files.length % FILES_BETWEEN_BREATHS === 0) await breathe(signal);
    }
    const segment = openSegment(buildSegment(files));
    const arena = VectorArena.create(segment.vectorCodes.length, this.#kernels);
    const at = arena.place(segment.vectorCodes);
    const view = {
      segment,
      dead: new Uint8Array(segment.fileCount),
      dots: (query: Int8Array) => arena.dots(at, segment.chunkCount, query),
    };
    return { views: [view], fileCount: segment.fileCount, chunkCount: segment.chunkCount };
  }

  /** The query's vector as searches take it. */
  vectorOf(query: string): Int8Array | undefined {
    return this.#encoder.query(query)?.codes;
  }

  close(): void {
    this.#chunker.close();
  }

  #placed({ path, text }: SourceText, chunked: ChunkedFile): SegmentFile {
    const count = chunked.chunks.length;
    const codes = new Int8Array(count * this.#encoder.dims);
    const scales = new Float32Array(count);
    const bodies = this.#encoder.bodies(chunked.chunks.map((chunk) => chunk.text));
    this.#encoder.place(bodies, this.#encoder.path(path), codes, scales, 0);
    const content = contentKey(chunked.language, Buffer.from(text));
    return { path, content, record: recordOf(chunked), codes, scales };
  }
}

/** A second or less passes between two turns. */
export const FILES_BETWEEN_BREATHS = 20;

/** Signals are only noticed between turns of the event loop. Throws the signal's reason when aborted. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

function textOf(host: Host, path: string): string | undefined {
  try {
    return decode(host.files.read(path))?.text;
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}
