import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import { nodeHost } from "../node-host.ts";
import { packageFile } from "../package-files.ts";
import { VectorArena } from "../vectors/arena.ts";
import { loadKernels } from "../vectors/load-kernels.ts";

export interface StaticFigures {
  /** False when the plain kernels did the work: `dist/` is not built, or the processor has no SIMD. */
  simd: boolean;
  chunks: number;
  /** Mean length of a chunk in UTF-16 units. */
  meanLength: number;
  /** Tokenised, pooled, quantised and placed under a path, on one thread. */
  chunksPerSecond: number;
  /** Median time from a query of seven words to its vector. */
  queryMicroseconds: number;
  /** What loading costs a process once, and each further thread. */
  loadMilliseconds: number;
  threadMilliseconds: number;
}

/** Embeds the texts with the bundled model on this thread, after a round to warm up. */
export function measureStatic(texts: readonly string[]): StaticFigures {
  const { files } = nodeHost();
  const kernels = loadKernels(files);
  const [model, loadMilliseconds] = timed(() => loadStaticModel(files, packageFile("models", "static"), kernels));
  const [encoder, threadMilliseconds] = timed(() => new StaticEncoder(model));
  const codes = new Int8Array(texts.length * encoder.dims);
  const scales = new Float32Array(texts.length);
  const embedAll = () => {
    for (let from = 0; from < texts.length; from += CHUNKS_PER_FILE) {
      const bodies = encoder.bodies(texts.slice(from, from + CHUNKS_PER_FILE));
      encoder.place(bodies, encoder.path(`src/part/file${from}.ts`), codes, scales, from);
    }
  };
  const embedding = medianOf(ROUNDS, embedAll);
  const query = medianOf(QUERIES, (i) => encoder.query(`how are routes registered in router ${i}`));
  return {
    simd: kernels !== undefined,
    chunks: texts.length,
    meanLength: texts.reduce((sum, text) => sum + text.length, 0) / texts.length,
    chunksPerSecond: texts.length / (embedding / 1000),
    queryMicroseconds: query * 1000,
    loadMilliseconds,
    threadMilliseconds,
  };
}

/** Median milliseconds of one query against `count` vectors of 256 dimensions, all of them compared. */
export function measureScan(count: number): number {
  const arena = VectorArena.create(count * 256, loadKernels(nodeHost().files));
  const codes = Int8Array.from({ length: count * 256 }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 24) - 128);
  const offset = arena.place(codes);
  const query = codes.slice(0, 256);
  return medianOf(SCANS, () => arena.dots(offset, count, query));
}

const CHUNKS_PER_FILE = 8;
const ROUNDS = 5;
const QUERIES = 2_000;
const SCANS = 50;

/** Median milliseconds of a call, after a first one that does not count. */
function medianOf(rounds: number, call: (round: number) => void): number {
  call(0);
  const times = Array.from({ length: rounds }, (_, round) => timed(() => call(round))[1]).sort((a, b) => a - b);
  return times[Math.floor(rounds / 2)];
}

function timed<T>(action: () => T): [result: T, milliseconds: number] {
  const started = performance.now();
  const result = action();
  return [result, performance.now() - started];
}
