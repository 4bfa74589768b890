// Judges the ranking on labelled queries: node test/eval/rank-quality.ts --repos DIR --labels DIR [--ablate]
// DIR of --repos holds one folder for each repository of the labels; DIR of --labels holds repos.json and annotations/.
import { parseArgs } from "node:util";
import { readLabels } from "../../server/bench/labelled-repositories.ts";
import { RankingBench } from "../../server/bench/ranking-quality.ts";
import type { Scores } from "../../server/eval/scores.ts";

const { values } = parseArgs({
  options: { repos: { type: "string" }, labels: { type: "string" }, ablate: { type: "boolean", default: false } },
});
if (!values.repos || !values.labels) {
  console.error("Usage: node test/eval/rank-quality.ts --repos DIR --labels DIR [--ablate]");
  process.exit(2);
}

const bench = await RankingBench.index(readLabels(values.labels, values.repos));
const { overall, byCategory, byLanguage, byRepository } = bench.quality();
row("", { queries: "queries", ndcg10: "NDCG@10", recall10: "recall@10", mrr: "MRR" });
row("mean of repositories", figures(overall));
for (const group of [byCategory, byLanguage, byRepository]) {
  console.log("");
  for (const [name, scores] of Object.entries(group)) row(name, figures(scores));
}
if (values.ablate) {
  console.log("\n| without | NDCG@10 | change | repositories better / worse |\n| --- | --- | --- | --- |");
  for (const { term, ndcg10, change, better, worse } of bench.ablations()) {
    console.log(`| ${term} | ${ndcg10.toFixed(4)} | ${change.toFixed(4)} | ${better} / ${worse} |`);
  }
}

function figures({ queries, ndcg10, recall10, mrr }: Scores): Record<keyof Scores, string> {
  return { queries: String(queries), ndcg10: ndcg10.toFixed(4), recall10: recall10.toFixed(4), mrr: mrr.toFixed(4) };
}

function row(name: string, { queries, ndcg10, recall10, mrr }: Record<keyof Scores, string>): void {
  console.log(
    [name.padEnd(24), queries.padStart(8), ...[ndcg10, recall10, mrr].map((cell) => cell.padStart(10))].join(""),
  );
}
