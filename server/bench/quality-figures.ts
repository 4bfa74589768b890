import { CairnError } from "../../shared/errors.ts";
import type { Scores } from "../eval/scores.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { readLabels } from "./labelled-repositories.ts";
import { RankingBench } from "./ranking-quality.ts";

/** How well the ranking finds what people labelled as the answer. */
export const quality: Benchmark = {
  name: "quality",
  about: "the ranking judged on labelled queries (needs --repos and --labels)",
  async run({ repos, labels }, note) {
    if (repos === undefined || labels === undefined) {
      throw new CairnError(
        "input",
        "The benchmark quality needs repositories and labels.",
        "npm run bench -- quality --repos DIR --labels DIR",
      );
    }
    note("indexing the repositories");
    const bench = await RankingBench.index(readLabels(labels, repos));
    note("asking");
    const { overall, byCategory } = bench.quality();
    return [
      { name: "queries", value: overall.queries, unit: "queries" },
      ...scores("all repositories", overall),
      ...Object.entries(byCategory).flatMap(([category, scored]) => scores(category, scored)),
    ];
  },
};

function scores(of: string, { ndcg10, recall10, mrr }: Scores): Figure[] {
  return [
    { name: `${of}: NDCG@10`, value: ndcg10, unit: "" },
    { name: `${of}: recall@10`, value: recall10, unit: "" },
    { name: `${of}: MRR`, value: mrr, unit: "" },
  ];
}
