import { FolderIndexer } from "../eval/folder-indexer.ts";
import { evaluate, meanOf, type Scores, type Search } from "../eval/scores.ts";
import { searchOf } from "../eval/snapshot-search.ts";
import { nodeHost } from "../node-host.ts";
import { RANK_TERMS } from "../search/rank.ts";
import type { Snapshot } from "../store/segment.ts";
import type { LabelledRepository } from "./labelled-repositories.ts";

export interface RankingQuality {
  /** Mean of the repositories. */
  readonly overall: Scores;
  readonly byRepository: Readonly<Record<string, Scores>>;
  /** Mean of the repositories of each language. */
  readonly byLanguage: Readonly<Record<string, Scores>>;
  /** Mean of all queries of each category. */
  readonly byCategory: Readonly<Record<string, Scores>>;
}

/** What the ranking loses without one of its terms. */
export interface Ablation {
  readonly term: string;
  readonly ndcg10: number;
  /** Against the whole ranking; negative when the term helps. */
  readonly change: number;
  /** Repositories that are better and worse off without it. */
  readonly better: number;
  readonly worse: number;
}

/** Repositories indexed in memory, so that rankings can be compared in seconds. */
export class RankingBench {
  readonly #repositories: readonly IndexedRepository[];

  private constructor(repositories: readonly IndexedRepository[]) {
    this.#repositories = repositories;
  }

  static async index(repositories: readonly LabelledRepository[]): Promise<RankingBench> {
    const indexer = await FolderIndexer.create();
    const host = nodeHost();
    const indexed: IndexedRepository[] = [];
    for (const repository of repositories) {
      const snapshot = await indexer.snapshotOf(host, repository.folder);
      const vectors = new Map(repository.queries.map(({ query }) => [query, indexer.vectorOf(query)]));
      indexed.push({ ...repository, snapshot, vectors });
    }
    indexer.close();
    return new RankingBench(indexed);
  }

  /** Scores the ranking without the named terms. */
  quality(disable: ReadonlySet<string> = new Set()): RankingQuality {
    const repositories = this.#repositories;
    const searches = new Map(
      repositories.map((repository) => {
        const { snapshot, vectors } = repository;
        return [repository, searchOf(snapshot, (query) => vectors.get(query), disable)];
      }),
    );
    const scores = repositories.map((repository) => evaluate(repository.queries, searches.get(repository) as Search));
    const categories = new Set(repositories.flatMap(({ queries }) => queries.map(({ category }) => category)));
    const languages = new Set(repositories.map(({ language }) => language));
    return {
      overall: meanOf(scores),
      byRepository: Object.fromEntries(repositories.map(({ name }, i) => [name, scores[i]])),
      byLanguage: Object.fromEntries(
        [...languages]
          .sort()
          .map((language) => [language, meanOf(scores.filter((_, i) => repositories[i].language === language))]),
      ),
      byCategory: Object.fromEntries(
        [...categories]
          .sort()
          .map((category) => [
            category,
            meanOf(
              repositories.flatMap((repository) =>
                repository.queries
                  .filter((labelled) => labelled.category === category)
                  .map((labelled) => evaluate([labelled], searches.get(repository) as Search)),
              ),
            ),
          ]),
      ),
    };
  }

  /** Leaves out each term of the ranking in turn. */
  ablations(): Ablation[] {
    const whole = this.quality();
    return RANK_TERMS.map((term) => {
      const without = this.quality(new Set([term]));
      const changes = Object.entries(without.byRepository).map(
        ([name, { ndcg10 }]) => ndcg10 - whole.byRepository[name].ndcg10,
      );
      return {
        term,
        ndcg10: without.overall.ndcg10,
        change: without.overall.ndcg10 - whole.overall.ndcg10,
        better: changes.filter((change) => change > 1e-6).length,
        worse: changes.filter((change) => change < -1e-6).length,
      };
    });
  }
}

interface IndexedRepository extends LabelledRepository {
  readonly snapshot: Snapshot;
  readonly vectors: ReadonlyMap<string, Int8Array | undefined>;
}
