import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, percentile } from "../measure/statistics.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { benchFolder, bringCorpus, type Corpus } from "./corpus.ts";
import { LanguageServer } from "./language-server.ts";
import { cairn, timeCairn } from "./measured-process.ts";

/** Where the indexes of the corpora are kept from run to run. */
export const INDEXES = benchFolder("indexes");

const QUESTION = "how is a request retried";
/** A file of ordinary size of the `small` corpus, and so of all. */
export const SAVED_FILE = "rxjs/src/internal/operators/mergeMap.ts";
const STARTS = 7;
const SAVES = 20;

/** A start on an index that exists already, and a file saved while the server runs. */
export const warmStart: Benchmark = {
  name: "warm-start",
  about: "an index exists and nothing changed; then one file is saved",
  async run({ quick }, note) {
    const corpus = bringCorpus(quick ? "small" : "standard");
    note("bringing the index up to date");
    await cairn(INDEXES, ["index", corpus.root]);
    note("starting");
    const commands: number[] = [];
    for (let i = 0; i < STARTS; i++) commands.push(await timeCairn(INDEXES, ["search", QUESTION, corpus.root]));
    return [
      ...(await starts(INDEXES, corpus, 300)),
      { name: "cairn search, start to exit, every file checked", value: median(commands), unit: "ms" },
      ...(await saves(INDEXES, corpus, SAVED_FILE, 150)),
    ];
  },
};

/** Starts the server on a finished index, asks at once, and waits until every file is checked. */
export async function starts(cache: string, { root, files }: Corpus, targetMs: number): Promise<Figure[]> {
  const answers: number[] = [];
  const readies: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const started = performance.now();
    const server = await LanguageServer.start(cache, root);
    const { hits } = await server.search({ query: QUESTION });
    if (hits.length === 0) throw new Error(`the first answer to "${QUESTION}" is empty`);
    answers.push(performance.now() - started);
    await server.ready();
    readies.push(performance.now() - started);
    await server.stop();
  }
  const of = `${files.toLocaleString("en-US")} files`;
  return [
    { name: `server, start to first answer, ${of}`, value: median(answers), unit: "ms", target: { atMost: targetMs } },
    { name: "  slowest", value: Math.max(...answers), unit: "ms" },
    { name: "server, start until every file is checked", value: median(readies), unit: "ms" },
  ];
}

/**
 * Adds a function with a new name to a file of ordinary size and asks for it until it is found; puts the file back.
 * @param path of the file, relative to the corpus
 */
export async function saves(cache: string, { root }: Corpus, path: string, targetMs: number): Promise<Figure[]> {
  const absolute = join(root, path);
  const before = readFileSync(absolute, "utf8");
  const server = await LanguageServer.start(cache, root);
  const times: number[] = [];
  try {
    await server.ready();
    for (let i = 0; i < SAVES; i++) {
      const name = `settleQuorum${"abcdefghijklmnopqrst"[i]}Lantern`;
      writeFileSync(
        absolute,
        `${before}\nexport function ${name}(votes: number[]) {\n  return votes.length > ${i};\n}\n`,
      );
      const saved = performance.now();
      server.saved(absolute);
      while (
        !(await server.search({ query: name, limit: 5 })).hits.some((hit) => hit.path === path && hit.name === name)
      );
      times.push(performance.now() - saved);
      await server.ready();
    }
  } finally {
    writeFileSync(absolute, before);
    server.saved(absolute);
    await server.ready();
    await server.stop();
  }
  return [
    { name: "saved file can be found, median", value: median(times), unit: "ms", target: { atMost: targetMs } },
    { name: "  p95", value: percentile(times, 0.95), unit: "ms" },
  ];
}
