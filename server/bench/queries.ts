import { join } from "node:path";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import { median, percentile } from "../measure/statistics.ts";
import { nodeHost } from "../node-host.ts";
import { rootDirectoryOf } from "../opening.ts";
import { packageFile } from "../package-files.ts";
import { answerSearch, type SearchSource } from "../search/answer-search.ts";
import { parseQuery } from "../search/query.ts";
import { searchSnapshot } from "../search/search.ts";
import { LiveIndex } from "../store/live-index.ts";
import { openSegment, type Segment, type Snapshot } from "../store/segment.ts";
import { mergeSegments } from "../store/segment-build.ts";
import { allocateBase, readSnapshot } from "../store/snapshot-file.ts";
import { VectorArena } from "../vectors/arena.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { decode } from "../workspace/decode.ts";
import { LANGUAGES, languageOf } from "../workspace/languages.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bringCorpus, type CorpusName } from "./corpus.ts";
import { cairn } from "./measured-process.ts";
import { fullTextSearch, HITS, miniSearch, type Peer, ripgrep } from "./peers.ts";
import { QUERIES } from "./query-set.ts";
import { INDEXES } from "./warm-start.ts";

const { files } = nodeHost();

interface Size {
  corpus: CorpusName;
  chunks: number;
  /** What half of all queries should stay below, in ms; 95 of 100 below four times that. */
  targetMs: number;
}

const SIZES: readonly Size[] = [
  { corpus: "small", chunks: 10_000, targetMs: 1 },
  { corpus: "large", chunks: 100_000, targetMs: 5 },
];

/** Rounds over all queries that count, after two that do not. */
const ROUNDS = 7;

/** Milliseconds of a query in the server, and of others on the same chunks. */
export const queries: Benchmark = {
  name: "queries",
  about: `a mixed set of ${QUERIES.length} queries on one thread, with minisearch, SQLite FTS5 and ripgrep`,
  async run({ quick }, note) {
    const figures: Figure[] = [];
    for (const size of quick ? SIZES.slice(0, 1) : SIZES) {
      note(`bringing the ${size.corpus} corpus up to date`);
      const { root } = bringCorpus(size.corpus);
      await cairn(INDEXES, ["index", root]);
      figures.push(...(await measureSize(root, size, note)));
    }
    return figures;
  },
};

async function measureSize(root: string, { chunks, targetMs }: Size, note: (what: string) => void): Promise<Figure[]> {
  const snapshot = await snapshotOf(root, chunks);
  const [{ segment }] = snapshot.views;
  const size = `${segment.chunkCount.toLocaleString("en-US")} chunks`;
  const encoder = new StaticEncoder(loadStaticModel(files, packageFile("models", "static"), loadKernels(files)));
  const source = sourceOf(root, snapshot, encoder);

  note(`asking ${size}`);
  const search = await timesOf(ROUNDS, (query) => {
    const parsed = parseQuery(query);
    searchSnapshot(snapshot, { query, limit: HITS }, encoder.query(parsed.text)?.codes, {}, parsed);
  });
  const answer = await timesOf(ROUNDS, async (query) => void (await answerSearch(source, { query, limit: HITS })));
  const p50 = median(search);
  const figures: Figure[] = [
    { name: `search, ${size}: p50`, value: p50, unit: "ms", target: { atMost: targetMs } },
    { name: "  p95", value: percentile(search, 0.95), unit: "ms", target: { atMost: 4 * targetMs } },
    { name: "  p99", value: percentile(search, 0.99), unit: "ms" },
    { name: `answer with previews, ${size}: p50`, value: median(answer), unit: "ms" },
    { name: "  p95", value: percentile(answer, 0.95), unit: "ms" },
    { name: "  p99", value: percentile(answer, 0.99), unit: "ms" },
  ];
  for (const [open, rounds] of [
    [() => miniSearch(segment), 2],
    [() => fullTextSearch(segment), 2],
    [() => ripgrep(root), 0],
  ] as const) {
    const peer: Peer = open();
    note(`asking ${peer.name}`);
    const times = await timesOf(rounds, (query) => peer.search(query));
    peer.close();
    figures.push(
      { name: `${peer.name}, ${size}: p50`, value: median(times), unit: "ms" },
      { name: "  p95", value: percentile(times, 0.95), unit: "ms" },
      { name: "  times Cairn's search, p50", value: median(times) / p50, unit: "x" },
    );
  }
  return figures;
}

/**
 * Milliseconds of each query in each round, after two rounds of warming up.
 * @param rounds 0 for what has no state to warm: one round that counts
 */
export async function timesOf(rounds: number, search: (query: string) => Promise<void> | void): Promise<number[]> {
  const times: number[] = [];
  for (let round = rounds === 0 ? 0 : -2; round < Math.max(1, rounds); round++) {
    for (const query of QUERIES) {
      const started = performance.now();
      await search(query);
      if (round >= 0) times.push(performance.now() - started);
    }
  }
  return times;
}

/** The index of a root as the server holds it, cut to whole files of about so many chunks. */
async function snapshotOf(root: string, chunks: number): Promise<Snapshot> {
  const base = await readSnapshot(join(rootDirectoryOf(INDEXES, root), "snapshot.bin"));
  if (base === undefined) throw new Error(`there is no snapshot of ${root}`);
  const cut = allocateBase();
  const bytes = mergeSegments([{ segment: base.segment, dead: filesBeyond(base.segment, chunks) }], cut.allocate);
  const live = new LiveIndex(VectorArena.create(0, undefined));
  live.open(openSegment(bytes), VectorArena.adopt(cut.memory(), loadKernels(files)));
  return live.snapshot;
}

/** Marks every file that lies beyond so many chunks. */
function filesBeyond({ fileCount, firstChunk }: Segment, chunks: number): Uint8Array {
  return Uint8Array.from({ length: fileCount }, (_, file) => (firstChunk[file + 1] > chunks ? 1 : 0));
}

/** What the server answers from. */
function sourceOf(root: string, snapshot: Snapshot, encoder: StaticEncoder): SearchSource {
  return {
    snapshot,
    complete: true,
    lacking: false,
    meaningOf: (query) => encoder.query(query)?.codes,
    scan: async () => [],
    readText: (path) => ({ text: decode(files.read(join(root, path)))?.text ?? "", changed: false }),
    languageOf: (path) => languageOf(path).id,
    languages: LANGUAGES.map((language) => language.id),
  };
}
