import { readFileSync, writeFileSync } from "node:fs";
import type { BenchReport, MeasureRatio, MeasureSummary } from "../../shared/bench-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { qualityTable, vectorTable } from "../measure/export.ts";
import { readRun } from "../measure/history.ts";
import { reportOf, VECTORS } from "../measure/report.ts";
import { inEnglish, shownNumber, shownValue } from "../measure/shown.ts";
import { packageFile } from "../package-files.ts";

const STORED = ["docs", "figures.json"] as const;
const BEGIN = "<!-- Made of docs/figures.json by `npm run bench -- --readme RUN.json`; changes here are lost. -->";
const END = "<!-- The end of what is made. -->";

/**
 * Keeps a run of `cairn bench` as the one that README.md tells of, and writes its tables there.
 * @param file the run, as `--out FILE.json` wrote it
 */
export function tellInReadme(file: string): void {
  const report = publicReport(reportOf(readRun(file)));
  writeFileSync(packageFile(...STORED), `${JSON.stringify(report, null, 2)}\n`);
  const readme = packageFile("README.md");
  writeFileSync(readme, withFigures(readFileSync(readme, "utf8"), report));
}

/** The run that README.md tells of. */
export function storedReport(): BenchReport {
  return JSON.parse(readFileSync(packageFile(...STORED), "utf8"));
}

/** The text with the tables of a run between its two marks. */
export function withFigures(readme: string, report: BenchReport): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) {
    throw new CairnError("input", "README.md has no place for figures.", `It lies between "${BEGIN}" and "${END}".`);
  }
  return `${readme.slice(0, from)}${BEGIN}\n\n${figures(report)}\n\n${readme.slice(to)}`;
}

/** Where the code lay on that machine is nobody's business. */
function publicReport(report: BenchReport): BenchReport {
  const { subject } = report.run;
  return { ...report, run: { ...report.run, ...(subject && { subject: { ...subject, folder: "" } }) } };
}

function figures({ run, measures, compared, quality, vectors, warnings }: BenchReport): string {
  const { machine, subject } = run;
  const code = subject ? ` on ${shownNumber(subject.files)} files in ${shownNumber(subject.chunks)} chunks` : "";
  const where = `${machine.processor}, ${machine.cores} cores, ${shownNumber(machine.memoryMB / 1000)} GB, ${machine.system}`;
  const how = run.quick ? "A quick run" : "A run";
  return [
    `${how} of Cairn ${run.cairn}${code}, ${run.started.slice(0, 10)}: ${where}, Node ${machine.node.replace(/^v/, "")}.`,
    ...warnings.map(inEnglish),
    "",
    "| | median | its bounds (95 %) | p95 |",
    "| --- | --- | --- | --- |",
    ...measures.filter(isTold).map(measureRow),
    ...(compared.length > 0
      ? ["", "| | beside | times as much |", "| --- | --- | --- |", ...compared.map(ratioRow)]
      : []),
    ...(vectors ? ["", ...vectorTable(vectors)] : []),
    ...(quality ? ["", ...qualityTable(quality)] : []),
  ].join("\n");
}

/** The ways to search and to keep vectors have tables of their own, and of the sizes of batches one will do. */
function isTold({ id, area }: MeasureSummary): boolean {
  return area !== "quality" && !id.startsWith(VECTORS) && !/^embed\/.+-(?:1|32)$/.test(id);
}

function measureRow({ name, unit, median, low, high, p95 }: MeasureSummary): string {
  return `| ${inEnglish(name)} | ${shownValue(median, unit)} | ${shownNumber(low)} to ${shownNumber(high)} | ${shownNumber(p95)} |`;
}

function ratioRow({ name, otherName, ratio, low, high, verdict }: MeasureRatio): string {
  const bounds = `${shownNumber(low)} to ${shownNumber(high)}`;
  const shown = verdict === "same" ? `no difference found (${bounds})` : `${shownNumber(ratio)} (${bounds})`;
  return `| ${inEnglish(name)} | ${inEnglish(otherName)} | ${shown} |`;
}
