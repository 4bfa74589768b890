import { readFileSync } from "node:fs";
import type { Machine } from "../../shared/bench-types.ts";
import { thisMachine } from "../measure/machine.ts";
import { shownNumber } from "../measure/shown.ts";
import { packageFile } from "../package-files.ts";
import { type Figure, reached } from "./benchmark.ts";

/** What one benchmark gave. */
export interface Result {
  name: string;
  about: string;
  seconds: number;
  figures: readonly Figure[];
  skipped: { what: string; reason: string }[];
}

/** A table of a benchmark's figures for people, with their targets and whether they were reached. */
export function table({ name, about, seconds, figures, skipped }: Result): string {
  const rows = figures.map((figure) => [figure.name, shown(figure), target(figure), verdict(figure)]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column].length)));
  const lines = rows.map(([what, value, wanted, result]) =>
    `  ${what.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${wanted.padEnd(widths[2])}  ${result}`.trimEnd(),
  );
  for (const { what, reason } of skipped) lines.push(`  not measured: ${what}: ${reason}`);
  return `${name}: ${about} (${seconds.toFixed(0)} s)\n${lines.join("\n")}\n`;
}

/** Everything about a run, for machines. */
export interface BenchmarkReport {
  readonly cairn: string;
  /** ISO 8601. */
  readonly date: string;
  readonly quick: boolean;
  readonly machine: Machine;
  /** What may have disturbed the figures. */
  readonly warnings: readonly string[];
  readonly benchmarks: readonly (Result & { readonly figures: readonly (Figure & { reached?: boolean })[] })[];
}

/** @param warnings of the machine's state when the run began */
export function report(results: readonly Result[], quick: boolean, warnings: readonly string[]): BenchmarkReport {
  return {
    cairn: JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version,
    date: new Date().toISOString(),
    quick,
    machine: thisMachine(),
    warnings,
    benchmarks: results.map(({ figures, ...result }) => ({
      ...result,
      figures: figures.map((figure) => ({ ...figure, reached: reached(figure) })),
    })),
  };
}

function shown({ value, unit, bounds }: Figure): string {
  const between = bounds ? ` (${shownNumber(bounds.low)} to ${shownNumber(bounds.high)})` : "";
  return `${shownNumber(value)} ${unit}${between}`;
}

function target(figure: Figure): string {
  if (figure.target === undefined) return "";
  return "atMost" in figure.target
    ? `at most ${shownNumber(figure.target.atMost)} ${figure.unit}`
    : `at least ${shownNumber(figure.target.atLeast)} ${figure.unit}`;
}

function verdict(figure: Figure): string {
  const result = reached(figure);
  if (result === undefined) return "";
  return result ? "reached" : "MISSED";
}
