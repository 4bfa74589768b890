import { CairnError } from "../../shared/errors.ts";
import { evaluateSet } from "../eval/eval-report.ts";
import { FolderIndexer } from "../eval/folder-indexer.ts";
import { MEASURES, type MeasureName, type Scores } from "../eval/scores.ts";
import { shippedSet } from "../eval/shipped-set.ts";
import { nodeHost } from "../node-host.ts";
import { packageFile } from "../package-files.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { readLabels } from "./labelled-repositories.ts";
import { RankingBench } from "./ranking-quality.ts";

/** How well the ranking finds what people labelled as the answer. */
export const quality: Benchmark = {
  name: "quality",
  about: "the ranking judged on the labelled queries of models/eval, or those of --repos and --labels",
  async run({ repos, labels }, note) {
    if (repos === undefined && labels === undefined) return onShippedSet(note);
    if (repos === undefined || labels === undefined) {
      throw new CairnError(
        "input",
        "The benchmark quality needs both repositories and labels, or neither.",
        "npm run bench -- quality --repos DIR --labels DIR",
      );
    }
    note("indexing the repositories");
    const bench = await RankingBench.index(readLabels(labels, repos));
    note("asking");
    const { overall, byCategory } = bench.quality();
    return [
      { name: "queries", value: overall.queries, unit: "queries" },
      ...figures("all repositories", overall),
      ...Object.entries(byCategory).flatMap(([category, scored]) => figures(category, scored)),
    ];
  },
};

async function onShippedSet(note: (what: string) => void): Promise<Figure[]> {
  const indexer = await FolderIndexer.create();
  try {
    note("reading the packages");
    const set = await shippedSet(indexer, nodeHost(), packageFile());
    for (const one of set.notes) note(one);
    note("indexing and asking");
    const { overall, byCategory } = (await evaluateSet(indexer, set, [])).first;
    return [
      { name: "queries", value: overall.queries, unit: "queries" },
      ...MEASURES.flatMap((measure) => {
        const { mean, low, high } = overall[measure];
        return [
          { name: `all: ${TITLES[measure]}`, value: mean, unit: "" },
          { name: `all: ${TITLES[measure]}, from (95 %)`, value: low, unit: "" },
          { name: `all: ${TITLES[measure]}, to (95 %)`, value: high, unit: "" },
        ];
      }),
      ...Object.entries(byCategory).flatMap(([category, measured]) =>
        MEASURES.map((measure) => ({
          name: `${category}: ${TITLES[measure]}`,
          value: measured[measure].mean,
          unit: "",
        })),
      ),
    ];
  } finally {
    indexer.close();
  }
}

const TITLES: Readonly<Record<MeasureName, string>> = { ndcg10: "NDCG@10", recall10: "recall@10", mrr: "MRR" };

function figures(of: string, scores: Scores): Figure[] {
  return MEASURES.map((measure) => ({ name: `${of}: ${TITLES[measure]}`, value: scores[measure], unit: "" }));
}
