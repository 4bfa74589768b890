import { type Difference, differenceOf, type Evaluation, evaluation } from "./evaluation.ts";
import type { FolderIndexer, IndexingOptions } from "./folder-indexer.ts";
import type { LabelledSet } from "./labelled-set.ts";
import { searchOf } from "./snapshot-search.ts";

/** A way to search, and what it does with the queries of a set. */
export interface Configuration extends Evaluation {
  /** What it is called. */
  readonly name: string;
  /** Terms of the ranking that it leaves out. */
  readonly disable: readonly string[];
}

/** What was found about one or two configurations. */
export interface EvalReport {
  readonly files: number;
  readonly chunks: number;
  readonly first: Configuration;
  readonly second?: Configuration;
  /** Of the first, seen from the second. */
  readonly difference?: Difference;
}

/** Indexes the texts of a set and asks its queries of the whole ranking and, unless nothing is left out, of one without. */
export async function evaluateSet(
  indexer: FolderIndexer,
  { queries, texts }: LabelledSet,
  disable: readonly string[],
  options: IndexingOptions = {},
): Promise<EvalReport> {
  const snapshot = await indexer.index(texts, options);
  const vectors = new Map(queries.map(({ query }) => [query, indexer.vectorOf(query)]));
  const configuration = (name: string, without: readonly string[]): Configuration => {
    const search = searchOf(snapshot, (query) => vectors.get(query), new Set(without));
    return { name, disable: without, ...evaluation(queries, search) };
  };
  const counts = { files: snapshot.fileCount, chunks: snapshot.chunkCount };
  const first = configuration("the whole ranking", []);
  if (disable.length === 0) return { ...counts, first };
  const second = configuration(`without ${disable.join(", ")}`, disable);
  return { ...counts, first, second, difference: differenceOf(first, second) };
}
