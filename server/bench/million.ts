import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import { median, percentile } from "../measure/statistics.ts";
import { nodeHost } from "../node-host.ts";
import { rootDirectoryOf } from "../opening.ts";
import { packageFile } from "../package-files.ts";
import { parseQuery } from "../search/query.ts";
import { searchSnapshot } from "../search/search.ts";
import { offerClosest } from "../search/semantic.ts";
import { TopList } from "../search/top-list.ts";
import { LiveIndex } from "../store/live-index.ts";
import type { SegmentView } from "../store/segment.ts";
import { readSnapshot, snapshotPathOf } from "../store/snapshot-file.ts";
import { VectorArena } from "../vectors/arena.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { benchFolder, type Corpus } from "./corpus.ts";
import { LanguageServer } from "./language-server.ts";
import { cairn, peakMB, proportionalMB, residentMB } from "./measured-process.ts";
import { HITS } from "./peers.ts";
import { timesOf } from "./queries.ts";
import { QUERIES } from "./query-set.ts";
import { bringCopies } from "./renamed-copies.ts";
import { SAVED_FILE, saves, starts } from "./warm-start.ts";

const { files } = nodeHost();

/** So many copies of 147,000 chunks each. */
const COPIES = 7;

/** Rounds over all queries that count. */
const ROUNDS = 3;

/**
 * One folder of a million chunks. The code base and its index take minutes to make and 2.5 GB, so both are kept from run
 * to run; when the folder of the index is deleted, the cold index is measured as well.
 */
export const million: Benchmark = {
  name: "million",
  about: "one folder of a million chunks: start, queries, a saved file, memory",
  async run({ quick }, note) {
    const copies = quick ? 1 : COPIES;
    note("bringing the code base");
    const corpus = bringCopies(copies);
    const cache = benchFolder(`index-of-${copies}-copies`);
    const wait = quick ? 5 : 60;
    const figures: Figure[] = [];
    if (!existsSync(cache)) {
      note(`indexing ${corpus.files.toLocaleString("en-US")} files`);
      figures.push(...(await coldIndex(cache, corpus, wait)));
    }
    note("bringing the index up to date");
    await cairn(cache, ["index", corpus.root]);
    note("starting");
    figures.push(...(await starts(cache, corpus, 3_000)));
    note("asking");
    figures.push(...(await searches(cache, corpus)), ...(await answers(cache, corpus, wait)));
    note("saving");
    figures.push(...(await saves(cache, corpus, `part-0/${SAVED_FILE}`, 500)));
    return figures;
  },
};

async function coldIndex(cache: string, { root, bytes }: Corpus, wait: number): Promise<Figure[]> {
  const started = performance.now();
  const server = await LanguageServer.start(cache, root);
  try {
    await server.ready();
    const seconds = (performance.now() - started) / 1000;
    await delay(wait * 1000);
    return [
      { name: "cold index in the server", value: seconds, unit: "s" },
      { name: "files of the folder per second", value: bytes / 1e6 / seconds, unit: "MB/s" },
      ...memoryOf(server, `${wait} s after it`),
    ];
  } finally {
    await server.stop();
  }
}

/** The search alone, on one thread, and how much of what an exact scan finds it finds. */
async function searches(cache: string, { root }: Corpus): Promise<Figure[]> {
  const kernels = loadKernels(files);
  const encoder = new StaticEncoder(loadStaticModel(files, packageFile("models", "static"), kernels));
  const base = await readSnapshot(snapshotPathOf(rootDirectoryOf(cache, root)));
  if (base === undefined) throw new Error(`there is no snapshot of ${root}`);
  const live = new LiveIndex(VectorArena.create(0, kernels));
  live.open(base.segment, VectorArena.adopt(base.memory, kernels));
  const { snapshot } = live;

  let asked = 0;
  const search = (query: string) => {
    const parsed = parseQuery(query);
    searchSnapshot(snapshot, { query, limit: HITS }, encoder.query(parsed.text)?.codes, {}, parsed);
    asked++;
  };
  const before = process.threadCpuUsage();
  const times = await timesOf(ROUNDS, search);
  const { user, system } = process.threadCpuUsage(before);
  const [view] = snapshot.views;
  const exact: SegmentView = { segment: view.segment, dead: view.dead, dots: (query) => view.dots(query) };
  const found: number[] = [];
  const [bySigns, byAll]: number[][] = [[], []];
  for (const query of QUERIES) {
    const vector = encoder.query(parseQuery(query).text)?.codes;
    if (vector === undefined) continue;
    const expected = timed(byAll, () => closest(exact, vector));
    const among = timed(bySigns, () => closest(view, vector));
    found.push(expected.filter((chunk) => among.includes(chunk)).length / expected.length);
  }
  return [
    { name: "chunks", value: snapshot.chunkCount, unit: "chunks", target: { atLeast: 1_000_000 } },
    { name: "search: p50", value: median(times), unit: "ms", target: { atMost: 25 } },
    { name: "  p95", value: percentile(times, 0.95), unit: "ms" },
    { name: "  p99", value: percentile(times, 0.99), unit: "ms" },
    { name: "  its processor time, mean, warming up included", value: (user + system) / 1000 / asked, unit: "ms" },
    {
      name: `the ${CLOSEST} chunks closest in meaning that it finds, all queries together`,
      value: (100 * found.reduce((sum, share) => sum + share, 0)) / found.length,
      unit: "%",
      target: { atLeast: 99 },
    },
    { name: "  worst query", value: 100 * Math.min(...found), unit: "%" },
    { name: "finding these among the int8 vectors: p50", value: median(bySigns), unit: "ms", target: { atMost: 15 } },
    { name: "  p95", value: percentile(bySigns, 0.95), unit: "ms" },
    { name: "the same with every vector compared: p50", value: median(byAll), unit: "ms" },
    { name: "  p95", value: percentile(byAll, 0.95), unit: "ms" },
  ];
}

/** As many as a search ranks of those it finds by meaning. */
const CLOSEST = 50;

function closest(view: SegmentView, query: Int8Array): number[] {
  const best = new TopList(CLOSEST);
  offerClosest(view, query, best, 0, undefined);
  return best.sorted().map(({ item }) => item);
}

function timed<Result>(times: number[], run: () => Result): Result {
  const started = performance.now();
  const result = run();
  times.push(performance.now() - started);
  return result;
}

/** Answers with previews, as the editor asks for them and shows them. */
async function answers(cache: string, { root }: Corpus, wait: number): Promise<Figure[]> {
  const server = await LanguageServer.start(cache, root);
  try {
    await server.ready();
    const inside: number[] = [];
    const outside: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      for (const query of QUERIES) {
        const asked = performance.now();
        const { tookMs } = await server.search({ query, limit: HITS });
        if (round < 0) continue;
        outside.push(performance.now() - asked);
        inside.push(tookMs);
      }
    }
    await delay(wait * 1000);
    return [
      { name: "answer with previews, in the server: p50", value: median(inside), unit: "ms" },
      { name: "  p95", value: percentile(inside, 0.95), unit: "ms" },
      { name: "  p99", value: percentile(inside, 0.99), unit: "ms" },
      { name: "the same as the editor waits for it: p50", value: median(outside), unit: "ms" },
      { name: "  p95", value: percentile(outside, 0.95), unit: "ms" },
      ...memoryOf(server, `${wait} s after these`, 1_200),
    ];
  } finally {
    await server.stop();
  }
}

function memoryOf({ pid }: LanguageServer, when: string, mostMB?: number): Figure[] {
  const target = mostMB === undefined ? undefined : { atMost: mostMB };
  return [
    { name: `resident, ${when}`, value: residentMB(pid), unit: "MB", target },
    { name: "  its proportional share", value: proportionalMB(pid), unit: "MB" },
    { name: "  its peak until then", value: peakMB(pid), unit: "MB" },
  ].flatMap(({ value, ...figure }) => (value === undefined ? [] : [{ ...figure, value }]));
}
