import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../node-host.ts";
import { tokenize } from "../text/tokens.ts";
import { createChunker } from "../workspace/chunk-file.ts";
import { walk } from "../workspace/walk.ts";
import type { Benchmark } from "./benchmark.ts";
import { measureChunking } from "./chunking.ts";
import { bringCorpus } from "./corpus.ts";
import { measureScan, measureStatic } from "./embedding.ts";

const MOST_FILE_BYTES = 1_000_000;

/** The parts of indexing and searching, each alone and on one thread. */
export const parts: Benchmark = {
  name: "parts",
  about: "each part alone, on one thread",
  async run({ quick }, note) {
    note("walking");
    const { root } = bringCorpus("small");
    const [paths, walking] = timed(() =>
      [...walk(nodeHost(), root, { exclude: [], maxFileBytes: MOST_FILE_BYTES })].flatMap((batch) =>
        batch.files.map((file) => file.path),
      ),
    );
    const files = paths.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
    const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);

    note("parsing and chunking");
    const chunking = await measureChunking(files);
    const chunker = await createChunker();
    const texts = files.flatMap(({ path, text }) => chunker.chunk(path, text).chunks.map((chunk) => chunk.text));
    chunker.close();
    note("tokenising");
    const [terms, tokenising] = timed(() => texts.reduce((sum, text) => sum + tokenize(text).length, 0));
    note("embedding");
    const embedding = measureStatic(quick ? texts.slice(0, 2_000) : texts);
    return [
      { name: "walk", value: paths.length / walking, unit: "files/s" },
      { name: "parse and chunk", value: chunking.megabytesPerSecond, unit: "MB/s" },
      { name: "tokenise", value: bytes / 1e6 / tokenising, unit: "MB/s" },
      { name: "terms per chunk", value: Math.round(terms / texts.length), unit: "terms" },
      { name: "embed", value: embedding.chunksPerSecond, unit: "chunks/s", target: { atLeast: 1_000 } },
      { name: "embed a query", value: embedding.queryMicroseconds / 1000, unit: "ms" },
      { name: "load the model", value: embedding.loadMilliseconds, unit: "ms" },
      { name: "vector kernel with SIMD", value: embedding.simd ? 1 : 0, unit: embedding.simd ? "(yes)" : "(no)" },
      { name: "compare a query with 10,000 vectors", value: measureScan(10_000), unit: "ms" },
      { name: "compare a query with 100,000 vectors", value: measureScan(100_000), unit: "ms" },
    ];
  },
};

/** Seconds. */
function timed<T>(action: () => T): [result: T, seconds: number] {
  const started = performance.now();
  const result = action();
  return [result, (performance.now() - started) / 1000];
}
