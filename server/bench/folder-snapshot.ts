import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import type { Host } from "../host.ts";
import { nodeHost } from "../node-host.ts";
import { packageFile } from "../package-files.ts";
import { openSegment, type Snapshot } from "../store/segment.ts";
import { buildSegment, type SegmentFile } from "../store/segment-build.ts";
import { VectorArena } from "../vectors/arena.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { type Chunker, createChunker } from "../workspace/chunk-file.ts";
import { classifyContent } from "../workspace/classify.ts";
import { decode } from "../workspace/decode.ts";
import { contentKey, recordOf } from "../workspace/index-file.ts";
import { walk } from "../workspace/walk.ts";

const MAX_FILE_BYTES = 1_000_000;

/** Indexes folders into memory as the indexer would, on this thread and without a store. For measurements and tests. */
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
    const files: SegmentFile[] = [];
    for (const batch of walk(host, root, { exclude: [], maxFileBytes: MAX_FILE_BYTES })) {
      for (const { path } of batch.files) {
        const file = await this.#fileOf(host, root, path);
        if (file) files.push(file);
      }
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

  async #fileOf(host: Host, root: string, path: string): Promise<SegmentFile | undefined> {
    const bytes = host.files.read(`${root}/${path}`);
    const text = decode(bytes)?.text;
    if (text === undefined || classifyContent(path, text)) return undefined;
    await this.#chunker.ready();
    const chunked = this.#chunker.chunk(path, text);
    const count = chunked.chunks.length;
    const codes = new Int8Array(count * this.#encoder.dims);
    const scales = new Float32Array(count);
    const bodies = this.#encoder.bodies(chunked.chunks.map((chunk) => chunk.text));
    this.#encoder.place(bodies, this.#encoder.path(path), codes, scales, 0);
    return { path, content: contentKey(chunked.language, bytes), record: recordOf(chunked), codes, scales };
  }
}
