import { writeFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import {
  BENCH_AREAS,
  type BenchArea,
  type BenchRun,
  EXPORT_FORMATS,
  type ExportFormat,
} from "../../shared/bench-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { asSentence, inWords, type Phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { chooseProviders } from "../answer/choose-providers.ts";
import { isOllama } from "../answer/local-servers.ts";
import { locate } from "../delta/hub-cache.ts";
import type { Host } from "../host.ts";
import { betweenRuns, withinRun } from "../measure/compare.ts";
import { EXPORTS } from "../measure/export.ts";
import { BenchHistory, readRun } from "../measure/history.ts";
import { qualityOf, vectorsOf } from "../measure/report.ts";
import type { RunParts } from "../measure/run.ts";
import { inEnglish, shownNumber, shownTimes, shownValue } from "../measure/shown.ts";
import { summarise } from "../measure/statistics.ts";
import { verdictBetween, verdictOf } from "../measure/verdict.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { nearest, noMoreThan, type ParsedArguments } from "./arguments.ts";
import { showCosts } from "./bench-cost.ts";
import { measureAndKeep, withoutPenalty } from "./bench-run.ts";
import { serveBench } from "./bench-session.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { confirmSending } from "./sending-notice.ts";
import { count, counted, folderToUse, terminalSettings } from "./session.ts";

const HELP = `Measures Cairn on this machine and on your code: how long answers take and why.

Usage: cairn bench [AREA...] [options]
       cairn bench cost [--tokens N]
       cairn bench list
       cairn bench show    [RUN]
       cairn bench compare [RUN] [RUN]
       cairn bench import  FILE
       cairn bench remove  RUN

Areas:
  search   answers to queries made of your code's own names, beside ripgrep; recall of vectors in int8, int4, binary and
           fewer dimensions beside float; indexing from nothing
  embed    texts to vectors, by length and batch, also by the model that you chose (\`cairn models use\`); what keeping
           the model, SIMD, one pass and known vectors gain
  answer   quoted passages; with --provider the first word, speed, whole time and failures of each; of a model file also
           what its kept process and prompt gain, and what the penalty for repetition costs
  delta    deltas of models beside zstd, on a pair made for it or on yours
  quality  how well each way to search finds what your doc comments describe, beside how long it takes
  all      all of these; the same as none

Every run is kept, with the machine it was made on. RUN is the beginning of an id that \`list\` shows, "last" or
"previous"; show takes the last unless given, compare the last and the one before. Runs of other machines or other code
are not compared, and \`compare\` says why. What is set against each other is measured in turns, and a difference is only
called one when the bounds of the ratio (95 %) leave no doubt.

\`cost\` measures nothing: it says what a month of answers and of embeddings costs at each provider whose price is known,
what you used by your own record (\`cairn usage\`), and what embedding here and the providers' caches save.

Options:
  --in FOLDER       The code to measure on; the current folder unless given
  --quick           Few rounds: less than a minute
  --provider NAME   answer: also measure this provider; may be given again. It may cost money. Without it an Ollama that
                    runs on this machine is measured, but for --quick
  --model NAME      answer: which of its models
  --yes             Do not ask before something is sent to a provider for the first time
  --base, --fine    delta: your own pair of models, as \`cairn delta\` takes them
  --tokens N        cost: tokens a month (10M, 500k); your own volume unless given, or 10M when none is recorded
  --since WHEN      cost: how much of your record counts: a day (2026-11-01), or so many days (30d)
  --watts N --hours N --kwh PRICE --purchase PRICE --months N
                    cost: also the machine that runs models: its power, hours a month, dollars a kWh, and what it cost
                    over so many months
  --out FILE        Also write the run to FILE: .json, .csv or .md
  --json            Answer with one JSON object: the run as it is kept
  --stdio           Serve a program, as the editor's panel is served: requests as lines of JSON on the standard input,
                    answers and progress on the standard output, until the input ends
  --color WHEN      auto (default), always or never

Exit codes: 0 measured, 2 a mistake in what was asked, 3 something does not work.

Examples:
  cairn bench --quick
  cairn bench answer --provider ollama --model qwen2.5-coder
  cairn bench compare
  cairn bench cost --tokens 10M
`;

const ACTIONS = ["cost", "list", "show", "compare", "import", "remove"] as const;

export const benchCommand: Command = {
  help: HELP,
  options: {
    in: { type: "string" },
    quick: { type: "boolean" },
    provider: { type: "list" },
    model: { type: "string" },
    yes: { type: "boolean" },
    base: { type: "string" },
    fine: { type: "string" },
    out: { type: "string" },
    tokens: { type: "string" },
    since: { type: "string" },
    watts: { type: "string" },
    hours: { type: "string" },
    kwh: { type: "string" },
    purchase: { type: "string" },
    months: { type: "string" },
    stdio: { type: "boolean" },
  },
  async run(context, given) {
    const [action, ...others] = given.positionals;
    if (given.flag("stdio")) return serveBench(context);
    const settings = terminalSettings(context);
    const history = new BenchHistory(cacheDirectoryOf(settings, context.env));
    if (action === "cost") return showCosts(context, given);
    if (action === "list") return list(context, given, history);
    if (action === "show") return show(context, given, find(history, others[0] ?? "last"));
    if (action === "compare") return compare(context, given, history, others);
    if (action === "import") return importRun(context, given, history);
    if (action === "remove") return remove(context, given, history);
    return measure(context, given, history, areasOf(given.positionals));
  },
};

async function measure(
  context: CommandContext,
  given: ParsedArguments,
  history: BenchHistory,
  areas: readonly BenchArea[],
): Promise<number> {
  const format = formatOf(given);
  const pair = pairOf(context, given);
  const host = nodeHost({ env: context.env });
  const settings = terminalSettings(context);
  const named = given.list("provider");
  const looksForOllama = named.length === 0 && areas.includes("answer") && !given.flag("quick");
  const asked = looksForOllama && (await ollamaRuns(host, settings, context)) ? ["ollama"] : named;
  const chosenWith = (changes: Partial<Settings>) =>
    asked.flatMap((provider) =>
      // Only the one that was named: another's figures would be taken for its own.
      chooseProviders(
        host,
        { ...settings, ...changes, "answer.fallback.enabled": false },
        { provider, model: given.text("model") },
      ),
    );
  const chosen = chosenWith({});
  const unpenalised = withoutPenalty(settings, chosenWith);
  const providers = await confirmSending(context, chosen, {
    cacheDirectory: cacheDirectoryOf(settings, host.env),
    yes: given.flag("yes"),
  });
  const folder = folderToUse(context, given.text("in"));
  const order = { areas, quick: given.flag("quick"), folder, providers, unpenalised, pair, settings };
  const note = (what: Phrase) => context.terminal.note(`Measuring: ${inWords(what)} ...\n`);
  const record = await measureAndKeep(context, order, { note }, history);
  if (format) write(context, given, EXPORTS[format](record));
  return show(context, given, record);
}

/** It costs nothing, and nothing leaves the machine: it is measured unasked, where there is time. */
async function ollamaRuns(host: Host, settings: Settings, { terminal, signal }: CommandContext): Promise<boolean> {
  const [ollama] = chooseProviders(host, { ...settings, "answer.fallback.enabled": false }, { provider: "ollama" });
  if (!ollama || ollama.remote || !(await isOllama(host, new URL(ollama.destination).origin, signal))) return false;
  terminal.note("Ollama runs on this machine: its answers are measured too.\n");
  return true;
}

function show({ terminal }: CommandContext, given: ParsedArguments, run: BenchRun): number {
  if (given.flag("json")) {
    terminal.print(`${JSON.stringify(run)}\n`);
    return ExitCode.ok;
  }
  const { style, print } = terminal;
  const { machine, subject } = run;
  const on = subject ? `${subject.folder}: ${count(subject.files)} files, ${count(subject.chunks)} chunks` : "";
  print(`${style.bold(asSentence(inEnglish(verdictOf(run))))}\n\n`);
  if (on) print(`${on}\n`);
  print(`${machine.processor}, ${counted(machine.cores, "core")}, ${shownNumber(machine.memoryMB / 1000)} GB\n`);
  for (const warning of run.warnings) print(`${style.warning(inEnglish(warning))}\n`);
  if (run.cancelled) print(`${style.warning("It was ended early: only what was complete is here.")}\n`);
  print("\n");
  const width = Math.max(0, ...run.measures.map(({ name }) => inEnglish(name).length));
  for (const { name, unit, values } of run.measures) {
    const { median, low, high, p95, count: rounds } = summarise(values);
    const bounds = `${shownNumber(low)} to ${shownNumber(high)}`;
    print(`  ${inEnglish(name).padEnd(width)}  ${shownValue(median, unit).padStart(15)}  `);
    print(`${style.dim(`${bounds.padEnd(18)} p95 ${shownNumber(p95)}, ${counted(rounds, "round")}`)}\n`);
  }
  const quality = qualityOf(run);
  if (quality)
    print(`\n${quality.queries} queries, ${inEnglish(quality.set)}: NDCG@10, its bounds, and what is worth its time\n`);
  for (const { name, ndcg10, low, high, ms, onFront } of quality?.points ?? []) {
    const bounds = style.dim(`${low.toFixed(3)} to ${high.toFixed(3)}`);
    print(`  ${inEnglish(name).padEnd(width)}  ${ndcg10.toFixed(3)}  ${bounds}  ${shownValue(ms, "ms")}`);
    print(onFront ? "  on the Pareto front\n" : "\n");
  }
  const vectors = vectorsOf(run);
  if (vectors) {
    print(`\n${count(vectors.vectors)} vectors, ${count(vectors.queries)} queries: `);
    print("recall@10, its bounds, bytes each, and what is worth its time\n");
  }
  for (const { name, recall10, low, high, bytes, ms, onFront } of vectors?.points ?? []) {
    const bounds = style.dim(`${low.toFixed(3)} to ${high.toFixed(3)}`);
    print(`  ${inEnglish(name).padEnd(width)}  ${recall10.toFixed(3)}  ${bounds}  ${String(bytes).padStart(5)} bytes`);
    print(`  ${shownValue(ms, "ms")}${onFront ? "  on the Pareto front" : ""}\n`);
  }
  const compared = withinRun(run);
  if (compared.length > 0) print("\n");
  for (const one of compared) {
    print(`  ${inEnglish(one.measure.name)} beside "${inEnglish(one.other.name)}": ${shownTimes(one)}\n`);
  }
  for (const { area, name, reason } of run.skipped) {
    print(style.dim(`  not measured: ${area}, ${inEnglish(name)}. ${inEnglish(reason)}\n`));
  }
  return ExitCode.ok;
}

function list({ terminal }: CommandContext, given: ParsedArguments, history: BenchHistory): number {
  noMoreThan(given, 1, "bench");
  const { runs, unreadable } = history.read();
  if (given.flag("json")) {
    terminal.print(`${JSON.stringify({ runs, unreadable })}\n`);
    return ExitCode.ok;
  }
  if (runs.length === 0) terminal.print("There is no run yet: `cairn bench --quick` makes one.\n");
  for (const run of runs) {
    const kind = [run.quick && "quick", run.cancelled && "ended early"].filter(Boolean).join(", ");
    const areas = BENCH_AREAS.filter((area) => run.measures.some((one) => one.area === area)).join(" ");
    terminal.print(`${terminal.style.bold(run.id)}  ${areas}${kind && ` (${kind})`}  ${run.subject?.folder ?? ""}\n`);
  }
  for (const { reason } of unreadable) terminal.note(`cairn: ${reason}\n`);
  return ExitCode.ok;
}

function compare(
  { terminal }: CommandContext,
  given: ParsedArguments,
  history: BenchHistory,
  [one = "last", other = "previous"]: readonly string[],
): number {
  noMoreThan(given, 3, "bench");
  const runs = [find(history, one), find(history, other)].sort((a, b) => (a.started < b.started ? -1 : 1));
  const [earlier, later] = runs;
  const compared = betweenRuns(later, earlier);
  const verdict = asSentence(inEnglish(verdictBetween(later, earlier, compared)));
  if (given.flag("json")) {
    terminal.print(`${JSON.stringify({ earlier: earlier.id, later: later.id, verdict, compared })}\n`);
    return ExitCode.ok;
  }
  terminal.print(`${terminal.style.bold(verdict)}\n${earlier.id} and then ${later.id}\n\n`);
  const width = Math.max(0, ...compared.map(({ measure }) => inEnglish(measure.name).length));
  for (const comparison of compared) {
    const { measure, other: before } = comparison;
    const [then, now] = [before, measure].map(({ values, unit }) => shownValue(summarise(values).median, unit));
    terminal.print(
      `  ${inEnglish(measure.name).padEnd(width)}  ${then.padStart(14)} -> ${now.padEnd(14)}  ${shownTimes(comparison)}\n`,
    );
  }
  return ExitCode.ok;
}

function importRun(context: CommandContext, given: ParsedArguments, history: BenchHistory): number {
  noMoreThan(given, 2, "bench");
  const [, file] = given.positionals;
  if (!file) throw new CairnError("input", "There is no file to import.", "For example: cairn bench import run.json");
  const run = readRun(resolve(context.cwd, file));
  history.add(run);
  context.terminal.print(`${run.id} is in the list now.\n`);
  return ExitCode.ok;
}

function remove({ terminal }: CommandContext, given: ParsedArguments, history: BenchHistory): number {
  noMoreThan(given, 2, "bench");
  const [, wanted] = given.positionals;
  if (!wanted) throw new CairnError("input", "There is no run to remove.", "`cairn bench list` shows them.");
  const { id } = find(history, wanted);
  history.remove(id);
  terminal.print(`${id} is removed.\n`);
  return ExitCode.ok;
}

function find(history: BenchHistory, wanted: string): BenchRun {
  const { runs } = history.read();
  const found =
    wanted === "last" || wanted === "previous"
      ? [runs.at(wanted === "last" ? -1 : -2)].filter((run) => run !== undefined)
      : runs.filter(({ id }) => id.startsWith(wanted));
  if (found.length === 1) return found[0];
  const what = found.length === 0 ? `There is no run "${wanted}".` : `Several runs begin with "${wanted}".`;
  throw new CairnError("input", what, "`cairn bench list` shows them.");
}

function areasOf(names: readonly string[]): readonly BenchArea[] {
  if (names.length === 0 || names.includes("all")) return BENCH_AREAS;
  for (const name of names) {
    if ((BENCH_AREAS as readonly string[]).includes(name)) continue;
    const known = [...BENCH_AREAS, "all", ...ACTIONS];
    const near = nearest(name, known);
    const hint = near ? `Did you mean ${near}?` : `There are: ${known.join(", ")}. A folder is given with --in.`;
    throw new CairnError("input", `There is nothing to measure called "${name}".`, hint);
  }
  return BENCH_AREAS.filter((area) => names.includes(area));
}

function pairOf({ cwd, env }: CommandContext, given: ParsedArguments): RunParts["pair"] {
  const [base, fine] = [given.text("base"), given.text("fine")];
  if (base === undefined && fine === undefined) return undefined;
  if (base === undefined || fine === undefined) {
    throw new CairnError("input", "A pair of models needs both --base and --fine.");
  }
  return { base: locate(base, cwd, env), fine: locate(fine, cwd, env) };
}

/** Asked before anything is measured: a name that cannot be written would be noticed too late. */
function formatOf(given: ParsedArguments): ExportFormat | undefined {
  const out = given.text("out");
  if (out === undefined) return undefined;
  const end = extname(out).slice(1).toLowerCase();
  if ((EXPORT_FORMATS as readonly string[]).includes(end)) return end as ExportFormat;
  throw new CairnError("input", `${out} must end in .json, .csv or .md: its end says how it is written.`);
}

function write(context: CommandContext, given: ParsedArguments, content: string): void {
  const file = resolve(context.cwd, given.text("out") ?? "");
  try {
    writeFileSync(file, content);
  } catch (error) {
    const hint = "The run is kept all the same: `cairn bench show` shows it.";
    throw new CairnError("unavailable", `${file} could not be written: ${(error as Error).message}.`, hint);
  }
}
