import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { CairnError } from "../../shared/errors.ts";
import { disturbances } from "../measure/machine.ts";
import { inEnglish } from "../measure/shown.ts";
import { nodeHost } from "../node-host.ts";
import { answers } from "./answers.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { delta } from "./delta.ts";
import { engines } from "./engines.ts";
import { indexing } from "./indexing.ts";
import { memory } from "./memory.ts";
import { million } from "./million.ts";
import { parts } from "./parts.ts";
import { quality } from "./quality-figures.ts";
import { queries } from "./queries.ts";
import { tellInReadme } from "./readme-figures.ts";
import { isBenchmarkReport, tellMeasured } from "./readme-tables.ts";
import { type Result, report, table } from "./report.ts";
import { routing } from "./routing.ts";
import { vectors } from "./vectors.ts";
import { warmStart } from "./warm-start.ts";

const BENCHMARKS: readonly Benchmark[] = [
  indexing,
  warmStart,
  queries,
  answers,
  memory,
  parts,
  vectors,
  engines,
  delta,
  million,
  quality,
  routing,
];
/** They take many minutes and gigabytes, or judge what is found and not how fast. */
const ON_REQUEST: ReadonlySet<Benchmark> = new Set([million, quality, routing]);

const HELP = `Measures Cairn on this machine.

Usage: npm run bench [-- names] [options]

Benchmarks:
${BENCHMARKS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join("\n")}

All but million, quality and routing run when none is named. The first run fetches sources of npm packages to measure with
(100 MB, kept in .cache/bench).

Options:
  --quick        A small code base and short waits: to see that it works
  --json FILE    Also write everything to FILE as JSON
  --readme FILE  Measure nothing: make README.md tell of a run of \`cairn bench --out FILE.json\`, or of what
                 \`npm run bench -- NAME --json FILE.json\` measured
  --repos DIR    quality: a folder of checked-out repositories, instead of the packages of models/eval
  --labels DIR   quality: the folder of labelled queries about them
  --data DIR     delta: models to measure too, as base.FORMAT.safetensors and others beside it
                 routing: labelled questions, .csv files with a question, the weak and the strong model's score a row
`;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        repos: { type: "string" },
        labels: { type: "string" },
        data: { type: "string" },
        readme: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    if (values.readme !== undefined) {
      const parsed: unknown = JSON.parse(readFileSync(values.readme, "utf8"));
      if (isBenchmarkReport(parsed))
        tellMeasured(
          parsed,
          BENCHMARKS.map(({ name }) => name),
        );
      else tellInReadme(values.readme);
      return 0;
    }
    const warnings = disturbances(await nodeHost().onBattery(), availableParallelism()).map(inEnglish);
    const results = await runAll(chosen(positionals), values);
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify(report(results, values.quick, warnings), null, 2)}\n`);
    }
    return 0;
  } catch (error) {
    if (error instanceof CairnError) process.stderr.write(`${error.message}\n${error.hint}\n`);
    else if (isMistake(error)) process.stderr.write(`${error.message}\n\n${HELP}`);
    else throw error;
    return 1;
  }
}

async function runAll(benchmarks: readonly Benchmark[], options: BenchmarkOptions): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, about, run } of benchmarks) {
    const started = performance.now();
    const skipped: Result["skipped"] = [];
    const figures = await run(
      options,
      (what) => process.stderr.write(`${name}: ${what} ...\n`),
      (what, reason) => void skipped.push({ what, reason }),
    );
    const result = { name, about, seconds: (performance.now() - started) / 1000, figures, skipped };
    process.stdout.write(`\n${table(result)}\n`);
    results.push(result);
  }
  return results;
}

function chosen(names: readonly string[]): readonly Benchmark[] {
  if (names.length === 0) return BENCHMARKS.filter((benchmark) => !ON_REQUEST.has(benchmark));
  return names.map((wanted) => {
    const found = BENCHMARKS.find(({ name }) => name === wanted);
    if (found) return found;
    const known = BENCHMARKS.map(({ name }) => name).join(", ");
    throw new CairnError("input", `There is no benchmark "${wanted}".`, `The benchmarks: ${known}.`);
  });
}

/** What the reader of arguments throws for an option that does not exist. */
function isMistake(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
