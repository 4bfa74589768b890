import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { IndexStatus } from "../../shared/search-types.ts";
import { rootDirectoryOf } from "../opening.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bringCorpus, type Corpus } from "./corpus.ts";
import { LanguageServer } from "./language-server.ts";
import { cairn } from "./measured-process.ts";

/** Asked for while nothing is indexed yet; the file that answers is among the last that the walk meets. */
const EARLY = {
  small: { query: "connection options of the replica set", answer: /^mongoose\/lib\/.*connection/ },
  standard: { query: "autosave monitor", answer: /^wordpress-editor\/.*\/autosave-monitor\// },
};

/** A first index in an empty cache, as `cairn index` and as an editor sees it. */
export const indexing: Benchmark = {
  name: "indexing",
  about: "a cold index from start to exit, and the first useful answer",
  async run({ quick }, note) {
    const corpus = bringCorpus(quick ? "small" : "standard");
    note(`indexing ${corpus.files.toLocaleString("en-US")} files`);
    const figures = await withEmptyCache((cache) => wholeIndex(corpus, cache));
    note("asking while it is being indexed");
    const early = quick ? EARLY.small : EARLY.standard;
    figures.push(...(await withEmptyCache((cache) => firstAnswer(corpus, cache, early))));
    return figures;
  },
};

async function wholeIndex({ root }: Corpus, cache: string): Promise<Figure[]> {
  const { seconds, cpuSeconds, peakMB, stdout } = await cairn(cache, ["index", root, "--json"]);
  const status = JSON.parse(stdout) as IndexStatus;
  const sourceMB = indexedBytes(cache, root) / 1e6;
  const diskMB = (status.indexBytes + status.vectorBytes) / 1e6;
  return [
    { name: "files indexed", value: status.files, unit: "files" },
    { name: "chunks", value: status.chunks, unit: "chunks" },
    { name: "source indexed", value: sourceMB, unit: "MB" },
    { name: "cold index, start to exit", value: seconds, unit: "s" },
    { name: "cold index, source per second", value: sourceMB / seconds, unit: "MB/s", target: { atLeast: 3 } },
    { name: "processor time of all threads", value: cpuSeconds, unit: "s" },
    { name: "processor time per MB of source", value: cpuSeconds / sourceMB, unit: "s/MB" },
    { name: "peak memory of the process", value: peakMB, unit: "MB" },
    { name: "index and vectors on disk", value: diskMB, unit: "MB" },
    { name: "disk against source", value: diskMB / sourceMB, unit: "x", target: { atMost: 2 } },
  ];
}

/** Asks the language server again and again from its start on, until the right file is among the hits. */
async function firstAnswer(
  { root, files }: Corpus,
  cache: string,
  { query, answer }: { query: string; answer: RegExp },
): Promise<Figure[]> {
  const started = performance.now();
  const server = await LanguageServer.start(cache, root);
  let asked = 0;
  for (;;) {
    const { hits, complete } = await server.search({ query, limit: 10 });
    asked++;
    if (hits.some((hit) => answer.test(hit.path))) break;
    if (complete) throw new Error(`"${query}" finds no file that matches ${answer}`);
  }
  const seconds = (performance.now() - started) / 1000;
  await server.stop();
  return [
    {
      name: `first useful answer in ${files.toLocaleString("en-US")} files, from the server's start`,
      value: seconds,
      unit: "s",
      target: { atMost: 1 },
    },
    { name: "questions asked until then", value: asked, unit: "questions" },
  ];
}

/** The size of the files that are in the index: what was left out does not count. */
function indexedBytes(cache: string, root: string): number {
  const database = new DatabaseSync(join(rootDirectoryOf(cache, root), "index.db"), { readOnly: true });
  try {
    const row = database.prepare("SELECT sum(size) AS bytes FROM files WHERE content IS NOT NULL").get();
    return Number(row?.bytes);
  } finally {
    database.close();
  }
}

async function withEmptyCache<T>(work: (cache: string) => Promise<T>): Promise<T> {
  const cache = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  try {
    return await work(cache);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}
