import type { BenchArea, QualityPoint } from "../../shared/bench-types.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Workspace } from "../core-api.ts";
import { docQueries } from "../eval/doc-queries.ts";
import { evaluation, FEWEST_FOR_VERDICT } from "../eval/evaluation.ts";
import { FolderIndexer } from "../eval/folder-indexer.ts";
import type { Search } from "../eval/scores.ts";
import { searchOf } from "../eval/snapshot-search.ts";
import type { Host } from "../host.ts";
import { walkOptionsOf } from "../opening.ts";
import { RANK_TERMS } from "../search/rank.ts";
import type { Segment, Snapshot } from "../store/segment.ts";
import type { Limits } from "./rounds.ts";
import { type MeasureOptions, type Section, skippedSection, takeInTurns } from "./section.ts";

const AREA: BenchArea = "quality";
/** A round is one query, asked in every way. */
const LIMITS: Limits = { warmUp: 10, least: 60, most: 400, ms: 20_000, precision: 0.03 };
const QUICK: Limits = { ...LIMITS, least: 20, most: 60, ms: 4_000 };
/** Everything is indexed anew, into memory and on one thread: more takes minutes. */
const MOST_FILES = { quick: 1_000, whole: 20_000 };
/** Queries that are asked at the most. */
const MOST_QUERIES = { quick: 60, whole: 200 };
const HITS = 10;

/** A way to search: which terms of the ranking it leaves out, or none of the ranking at all. */
interface Way {
  readonly id: string;
  readonly name: Phrase;
  readonly disable?: readonly string[];
}

const NOT_MEANING = RANK_TERMS.filter((term) => term !== "semantic");

const WAYS: readonly Way[] = [
  { id: "whole", name: phrase("The whole ranking"), disable: [] },
  { id: "no-meaning", name: phrase("Without meaning"), disable: ["semantic"] },
  { id: "fused", name: phrase("Words and meaning, no more"), disable: NOT_MEANING },
  { id: "words", name: phrase("Words alone"), disable: RANK_TERMS },
  { id: "meaning", name: phrase("Meaning alone: int8, exact") },
];

/**
 * How well each way to search finds, beside how long a query takes it: queries made of the code's own doc comments, as
 * `cairn eval --self` asks them. Making the query's vector is part of the time of those ways that need it.
 */
export async function measureQuality(
  host: Host,
  settings: Settings,
  workspace: Workspace,
  options: MeasureOptions,
): Promise<Section> {
  const size = options.quick ? "quick" : "whole";
  const { files } = await workspace.status();
  if (files > MOST_FILES[size]) {
    return skippedSection(
      AREA,
      phrase("all"),
      options.quick
        ? phrase("The folder has more than {0} files, which a quick run leaves out.", MOST_FILES[size])
        : phrase("The folder has more than {0} files.", MOST_FILES[size]),
    );
  }
  options.note(phrase("reading doc comments, to ask for what they describe"));
  const { signal } = options;
  const indexer = await FolderIndexer.create();
  try {
    const walk = walkOptionsOf(settings);
    const texts = await indexer.read(host, [{ root: workspace.root }], { walk, signal });
    const set = await docQueries(indexer, texts, { limit: MOST_QUERIES[size], signal });
    if (set.queries.length < FEWEST_FOR_VERDICT) {
      return skippedSection(
        AREA,
        phrase("all"),
        phrase(
          "Too few doc comments say in a sentence what code is for: {0} of {1} that are needed.",
          set.queries.length,
          FEWEST_FOR_VERDICT,
        ),
      );
    }
    options.note(phrase("asking in several ways"));
    const snapshot = await indexer.index(set.texts, { signal });
    const ways = WAYS.map((way) => ({ ...way, search: searchIn(indexer, snapshot, way) }));
    const points = ways.map(({ id, name, search }): QualityPoint => {
      const { ndcg10, recall10, mrr } = evaluation(set.queries, search).overall;
      const { mean, low, high } = ndcg10;
      return { id, name, ndcg10: mean, low, high, recall10: recall10.mean, mrr: mrr.mean };
    });
    const candidates = ways.map(({ id, name, search }) => ({
      id: `${AREA}/${id}`,
      name,
      unit: "ms",
      better: "less" as const,
      run: (round: number) => {
        search(set.queries[(round + LIMITS.warmUp) % set.queries.length].query);
        return undefined;
      },
    }));
    const timed = await takeInTurns(AREA, candidates, options.quick ? QUICK : LIMITS, options);
    const quality = { set: phrase("made of doc comments"), queries: set.queries.length, points };
    return timed.measures.length > 0 ? { ...timed, quality } : timed;
  } finally {
    indexer.close();
  }
}

function searchIn(indexer: FolderIndexer, snapshot: Snapshot, { disable }: Way): Search {
  if (!disable) return (query) => closest(snapshot, indexer.vectorOf(query));
  const vectorOf = disable.includes("semantic") ? () => undefined : (query: string) => indexer.vectorOf(query);
  return searchOf(snapshot, vectorOf, new Set(disable));
}

/** The chunks whose vectors are closest to the query's, all of them compared. */
function closest({ views }: Snapshot, query: Int8Array | undefined): ReturnType<Search> {
  if (!query) return [];
  const best: { segment: Segment; chunk: number; score: number }[] = [];
  for (const view of views) {
    const { segment } = view;
    const dots = view.dots(query);
    for (let chunk = 0; chunk < dots.length; chunk++) {
      const score = dots[chunk] * segment.vectorScales[chunk];
      if (best.length === HITS && score <= best[HITS - 1].score) continue;
      best.push({ segment, chunk, score });
      best.sort((a, b) => b.score - a.score);
      best.length = Math.min(best.length, HITS);
    }
  }
  return best.map(({ segment, chunk }) => ({
    path: segment.path(segment.chunkFile[chunk]),
    startLine: segment.startLine[chunk],
    endLine: segment.endLine[chunk],
  }));
}
