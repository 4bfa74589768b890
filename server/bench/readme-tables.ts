import { readFileSync, writeFileSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { shownNumber } from "../measure/shown.ts";
import { packageFile } from "../package-files.ts";
import type { Figure } from "./benchmark.ts";
import type { BenchmarkReport } from "./report.ts";

const KEPT = ["docs", "measured.json"] as const;
const BEGIN =
  "<!-- Made of docs/measured.json by `npm run bench -- --readme MEASURED.json`; changes here are lost. -->";
const END = "<!-- The end of what was measured. -->";

/** A benchmark's figures, and where and when they were made. */
export interface KeptBenchmark
  extends Pick<BenchmarkReport, "cairn" | "date" | "machine" | "warnings">,
    Pick<BenchmarkReport["benchmarks"][number], "name" | "about" | "figures" | "skipped"> {}

/** True of what `npm run bench -- --json` writes. */
export function isBenchmarkReport(parsed: unknown): parsed is BenchmarkReport {
  return Array.isArray((parsed as Partial<BenchmarkReport> | null)?.benchmarks);
}

/**
 * Keeps each benchmark of a report in the place of an earlier one of its name, and writes README.md's tables of them.
 * @param order the names of all benchmarks as README.md shall have them
 */
export function tellMeasured({ benchmarks, ...where }: BenchmarkReport, order: readonly string[]): void {
  if (where.quick) {
    throw new CairnError("input", "A quick run shows that it works; README.md tells of whole ones.");
  }
  const kept = new Map(keptBenchmarks().map((benchmark) => [benchmark.name, benchmark]));
  const { cairn, date, machine, warnings } = where;
  for (const { name, about, figures, skipped } of benchmarks) {
    kept.set(name, { name, about, cairn, date, machine, warnings, figures, skipped });
  }
  const all = order.flatMap((name) => kept.get(name) ?? []);
  writeFileSync(packageFile(...KEPT), `${JSON.stringify(all, null, 2)}\n`);
  const readme = packageFile("README.md");
  writeFileSync(readme, withTables(readFileSync(readme, "utf8"), all));
}

/** The benchmarks that README.md tells of. */
export function keptBenchmarks(): readonly KeptBenchmark[] {
  return JSON.parse(readFileSync(packageFile(...KEPT), "utf8"));
}

/** The text with a table for each benchmark between its two marks. */
export function withTables(readme: string, benchmarks: readonly KeptBenchmark[]): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) {
    throw new CairnError("input", "README.md has no place for tables.", `It lies between "${BEGIN}" and "${END}".`);
  }
  return `${readme.slice(0, from)}${BEGIN}\n\n${benchmarks.map(section).join("\n\n")}\n\n${readme.slice(to)}`;
}

function section({ name, about, cairn, date, machine, warnings, figures, skipped }: KeptBenchmark): string {
  const where = `${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node.replace(/^v/, "")}`;
  return [
    `\`npm run bench -- ${name}\`: ${about}. Cairn ${cairn}, ${date.slice(0, 10)}: ${where}.`,
    ...warnings,
    "",
    ...tableOf(figures),
    ...skipped.map(({ what, reason }) => `\nNot measured: ${what}: ${reason}`),
  ].join("\n");
}

interface Row {
  readonly whole: Figure;
  readonly parts: Map<string, Figure>;
}

/** A row for each figure; what is indented below it, as the terminal shows it, are further columns of its row. */
function tableOf(figures: readonly Figure[]): string[] {
  const rows: Row[] = [];
  for (const figure of figures) {
    const last = rows.at(-1);
    if (last && figure.name.startsWith(" ")) last.parts.set(figure.name.trim(), figure);
    else rows.push({ whole: figure, parts: new Map() });
  }
  return alike(rows).flatMap((own, i) => [...(i > 0 ? [""] : []), ...lines(own)]);
}

/** The rows in tables of their own where they have no column in common: it would leave most of their cells empty. */
function alike(rows: readonly Row[]): Row[][] {
  const tables: Row[][] = [];
  for (const row of rows.filter(({ parts }) => parts.size > 0)) {
    const table = tables.find((others) =>
      others.some(({ parts }) => [...row.parts.keys()].some((key) => parts.has(key))),
    );
    if (table) table.push(row);
    else tables.push([row]);
  }
  const plain = rows.filter(({ parts }) => parts.size === 0);
  return plain.length > 0 ? [...tables, plain] : tables;
}

function lines(rows: readonly Row[]): string[] {
  const columns = [...new Set(rows.flatMap(({ parts }) => [...parts.keys()]))];
  return [
    line(["", "measured", ...columns, "aim"]),
    line(["---", "---", ...columns.map(() => "---"), "---"]),
    ...rows.map(({ whole, parts }) =>
      line([whole.name, shown(whole), ...columns.map((column) => withAim(parts.get(column))), aim(whole)]),
    ),
  ];
}

function line(cells: readonly string[]): string {
  return `|${cells.map((cell) => (cell === "" ? " |" : ` ${cell} |`)).join("")}`;
}

function shown(figure: Figure | undefined): string {
  if (!figure) return "";
  const { value, unit, bounds } = figure;
  const between = bounds ? ` (${shownNumber(bounds.low)} to ${shownNumber(bounds.high)})` : "";
  return `${shownNumber(value)} ${unit}`.trim() + between;
}

/** What stands in the row of another figure has no column for its aim. */
function withAim(figure: Figure | undefined): string {
  if (!figure?.target) return shown(figure);
  return `${shown(figure)} (${aim(figure)})`;
}

function aim({ target, unit }: Figure): string {
  if (!target) return "";
  return ("atMost" in target ? `at most ${target.atMost} ${unit}` : `at least ${target.atLeast} ${unit}`).trim();
}
