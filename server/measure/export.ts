import type { BenchRun, ExportFormat, Measure, QualityReport, VectorReport } from "../../shared/bench-types.ts";
import { asSentence, type Wording } from "../../shared/phrase.ts";
import { withinRun } from "./compare.ts";
import { qualityOf, VECTORS, vectorsOf } from "./report.ts";
import { inEnglish, shownNumber, shownTimes, shownValue } from "./shown.ts";
import { summarise } from "./statistics.ts";
import { verdictOf } from "./verdict.ts";

/** The forms in which a run is written to a file, by the ends of names. */
export const EXPORTS: Readonly<Record<ExportFormat, (run: BenchRun) => string>> = {
  json: (run: BenchRun) => `${JSON.stringify(run, null, 2)}\n`,
  csv: asCsv,
  md: asMarkdown,
};

/** One line a value (RFC 4180), so that a spreadsheet can count what it likes. */
function asCsv({ id, measures }: BenchRun): string {
  const rows: (string | number)[][] = [["run", "measure", "name", "unit", "better", "round", "value"]];
  for (const { id: measure, name, unit, better, values } of measures) {
    values.forEach((value, round) => void rows.push([id, measure, inEnglish(name), unit, better, round + 1, value]));
  }
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function asMarkdown(run: BenchRun): string {
  const { machine, subject } = run;
  const where = `${machine.processor}, ${machine.cores} cores, ${shownNumber(machine.memoryMB / 1000)} GB, ${machine.system}`;
  const what = subject ? `${subject.files} files, ${subject.chunks} chunks. ` : "";
  const lines = [
    `# Cairn ${run.cairn}, ${run.started.slice(0, 10)}`,
    "",
    asSentence(inEnglish(verdictOf(run))),
    "",
    `${what}${where}, Node ${machine.node.replace(/^v/, "")}.${run.quick ? " A quick run: few rounds." : ""}`,
    ...run.warnings.map((warning) => `- ${inEnglish(warning)}`),
    "",
    "| | median | its bounds | p95 | p99 | rounds | outliers |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...run.measures.filter(({ id }) => !run.vectors || !id.startsWith(VECTORS)).map(row),
  ];
  const quality = qualityOf(run);
  if (quality) lines.push("", ...qualityTable(quality));
  const vectors = vectorsOf(run);
  if (vectors) lines.push("", ...vectorTable(vectors));
  const compared = withinRun(run);
  if (compared.length > 0) lines.push("", "| | beside | ratio |", "| --- | --- | --- |");
  for (const one of compared)
    lines.push(`| ${plain(one.measure.name)} | ${plain(one.other.name)} | ${shownTimes(one)} |`);
  if (run.skipped.length > 0) lines.push("", "Not measured:", "");
  for (const { area, name, reason } of run.skipped) lines.push(`- ${area}, ${plain(name)}: ${plain(reason)}`);
  return `${lines.join("\n")}\n`;
}

function row({ name, unit, values }: Measure): string {
  const { median, low, high, p95, p99, count, outliers } = summarise(values);
  const bounds = `${shownNumber(low)} to ${shownNumber(high)}`;
  const cells = [plain(name), shownValue(median, unit), bounds, shownNumber(p95), shownNumber(p99), count, outliers];
  return `| ${cells.join(" | ")} |`;
}

/** Quality beside speed; also for the README. */
export function qualityTable({ set, queries, points }: QualityReport): string[] {
  return [
    `| ${queries} queries, ${inEnglish(set)} | NDCG@10 | its bounds | a query | on the Pareto front |`,
    "| --- | --- | --- | --- | --- |",
    ...points.map(({ name, ndcg10, low, high, ms, onFront }) => {
      const bounds = `${ndcg(low)} to ${ndcg(high)}`;
      return `| ${plain(name)} | ${ndcg(ndcg10)} | ${bounds} | ${shownValue(ms, "ms")} | ${onFront ? "yes" : "no"} |`;
    }),
  ];
}

/** What vectors in fewer bytes find; also for the README. */
export function vectorTable({ model, dims, vectors, queries, points }: VectorReport): string[] {
  const what = `${shownNumber(vectors)} vectors of ${dims} dimensions by ${model}, ${queries} queries`;
  return [
    `| ${what} | bytes each | recall@10 | its bounds | a scan of all | on the Pareto front |`,
    "| --- | --- | --- | --- | --- | --- |",
    ...points.map(({ name, bytes, recall10, low, high, ms, onFront }) => {
      const bounds = `${ndcg(low)} to ${ndcg(high)}`;
      const cells = [plain(name), bytes, ndcg(recall10), bounds, shownValue(ms, "ms"), onFront ? "yes" : "no"];
      return `| ${cells.join(" | ")} |`;
    }),
  ];
}

function ndcg(value: number): string {
  return value.toFixed(3);
}

/** Within a cell of a table. */
function plain(said: Wording): string {
  return inEnglish(said).replaceAll("|", "\\|").replaceAll("\n", " ");
}
