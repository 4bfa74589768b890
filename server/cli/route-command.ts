import { availableParallelism, cpus } from "node:os";
import { CairnError } from "../../shared/errors.ts";
import type { Settings } from "../../shared/settings.ts";
import { chooseProviders, routedModels } from "../answer/choose-providers.ts";
import type { Price, Provider } from "../answer/llm.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { loadGainModel } from "../route/load-gain-model.ts";
import { RouteRecord } from "../route/route-record.ts";
import { type RouteSummary, routeReport } from "../route/route-report.ts";
import { Router } from "../route/router.ts";
import { PriceTable } from "../usage/price-table.ts";
import { noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { WHY_ROUTED } from "./print-reply.ts";
import { count, counted, terminalSettings } from "./session.ts";

const HELP = `Tells which of two models a question goes to, and what came of that so far.

Usage: cairn route explain "question" [options]
       cairn route report [options]

Questions are routed between two models when both are named:
  CAIRN_ROUTING_STRONG=openai/gpt-4o CAIRN_ROUTING_WEAK=ollama/qwen2.5-coder:7b
and INFERENCE_PROVIDER is not none. SETTINGS.md has the rest: how good the weak one must be, how much cost counts, how
many conversations are routed (cairn.answer.routing.*).

\`explain\` asks nobody: it shows the decision, the model, where it runs, its price, and what the decision rests on.
\`report\` sums up the questions that were routed, beside those of conversations that were kept out for comparison.

Options:
  --json           Answer with one JSON object
  --color WHEN     auto (default), always or never

Examples:
  cairn route explain "where is the cache cleared?"
  cairn route report --json
`;

export const routeCommand: Command = {
  help: HELP,
  options: {},
  async run(context, given) {
    const [action, question] = given.positionals;
    if (action === "explain") {
      noMoreThan(given, 2, "route", "Put a question of several words in quotes.");
      if (!question?.trim()) {
        throw new CairnError(
          "input",
          "There is no question.",
          'For example: cairn route explain "how does retry work?"',
        );
      }
      explain(context, given, question);
    } else if (action === "report") {
      noMoreThan(given, 1, "route");
      report(context, given);
    } else {
      const what = action === undefined ? "What is to be done?" : `cairn route does not know "${action}".`;
      throw new CairnError("input", what, "`cairn route --help` tells what it does.");
    }
    return ExitCode.ok;
  },
};

/** One of the two models. */
interface Routed {
  readonly name: string;
  readonly hardware: string;
  readonly price?: Pick<Price, "input" | "output">;
}

function explain(context: CommandContext, given: ParsedArguments, question: string): void {
  const host = nodeHost({ env: context.env });
  const settings = terminalSettings(context);
  const gainModel = loadGainModel(host, settings["answer.routing.parameters"]);
  const router = new Router(settings, (text) => gainModel.estimate(text), recordOf(context, settings));
  // What is loaded for the first question is no part of deciding.
  router.decide({ text: question });
  const started = performance.now();
  const routing = router.decide({ text: question });
  const tookMs = performance.now() - started;
  const models = routedModels(settings).map(({ tier, name, model }) => {
    const provider = chooseProviders(host, settings, { provider: name, model })[0];
    return [tier, describe(provider, name, model, settings)] as const;
  });
  const chosen: Routed | undefined = models.find(([tier]) => tier === routing.tier)?.[1];
  const active = models.length > 0 && settings["answer.provider"] !== "none";
  const { gain, evidence } = gainModel.explain(question);
  if (given.flag("json")) {
    const explained = { question, active, ...routing, gain, ...(chosen && { model: chosen }), evidence, tookMs };
    context.terminal.print(`${JSON.stringify(explained)}\n`);
    return;
  }
  const { print, note, style } = context.terminal;
  print(`${style.bold(`The ${routing.tier} model`)}${chosen ? `: ${chosen.name}` : ""}\n`);
  const row = (name: string, value: string) => print(`  ${name.padEnd(16)} ${value}\n`);
  row("why", WHY_ROUTED[routing.reason](routing));
  row("expected gain", `the strong model answers ${(100 * gain).toFixed(1)} more of 100 such questions right`);
  row("novelty", `${routing.novelty.toFixed(2)}; above 1 it is unlike what was learned from`);
  row("hardware", chosen?.hardware ?? "not known: no model is named");
  row("price", chosen?.price ? priceOf(chosen.price) : "not known: cairn.answer.prices (CAIRN_PRICES) has none");
  row("decided in", `${tookMs.toFixed(2)} ms`);
  print("\nWhat the expectation rests on, and by how much it moves the gain:\n");
  for (const { name, gain } of evidence) print(`  ${signed(100 * gain).padStart(6)}  ${name}\n`);
  if (!active) note(`\n${NOT_ACTIVE}\n`);
}

const NOT_ACTIVE =
  "Nothing is routed yet: name two models with CAIRN_ROUTING_STRONG and CAIRN_ROUTING_WEAK, and INFERENCE_PROVIDER.";

function describe(provider: Provider, name: string, model: string | undefined, settings: Settings): Routed {
  const usual = name === "cerebras" ? settings["answer.cerebras.model"] : settings["answer.openai.model"];
  const price = new PriceTable(settings["answer.prices"]).find(name, model ?? usual);
  return {
    name: [name, model].filter(Boolean).join(" "),
    hardware: provider.remote ? `that of ${provider.destination}` : thisMachine(),
    ...(price && { price: { input: price.input, output: price.output } }),
  };
}

function thisMachine(): string {
  const processor = cpus()[0]?.model.trim() || "processor not known";
  return `this machine (${processor}, ${counted(availableParallelism(), "core")})`;
}

function priceOf({ input, output }: NonNullable<Routed["price"]>): string {
  return `$${input} per million tokens of input, $${output} of output`;
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(1)}`;
}

function report(context: CommandContext, given: ParsedArguments): void {
  const report = routeReport(recordOf(context, terminalSettings(context)).read());
  if (given.flag("json")) {
    context.terminal.print(`${JSON.stringify(report)}\n`);
    return;
  }
  const { print, style } = context.terminal;
  const { routed, control, strong, weak, saved } = report;
  if (routed.questions + control.questions === 0) {
    print("No question was routed yet.\n");
    return;
  }
  print(style.bold(`${"".padEnd(22)}${COLUMNS.map((column) => column.padStart(12)).join("")}\n`));
  for (const [name, summary] of [
    ["routed", routed],
    ["  by the strong model", strong],
    ["  by the weak model", weak],
    ["kept out", control],
  ] as const) {
    print(
      `${name.padEnd(22)}${cellsOf(summary)
        .map((cell) => cell.padStart(12))
        .join("")}\n`,
    );
  }
  if (saved === undefined) return;
  const less = saved < 0 ? "more" : "less";
  print(`\nA routed question costs ${Math.abs(100 * saved).toFixed(0)}% ${less} than one that was kept out.\n`);
}

const COLUMNS = ["questions", "first word", "in all", "cost each", "citations", "failed over"];

function cellsOf({ questions, firstWordMs, totalMs, cost, heldCitations, failed }: RouteSummary): string[] {
  const ms = (value: number | undefined) => (value === undefined ? "-" : `${count(Math.round(value))} ms`);
  const share = (value: number | undefined) => (value === undefined ? "-" : `${(100 * value).toFixed(0)}%`);
  return [
    count(questions),
    ms(firstWordMs),
    ms(totalMs),
    cost === undefined ? "-" : `$${cost.toFixed(4)}`,
    heldCitations === undefined ? "-" : `${share(heldCitations)} held`,
    questions === 0 ? "-" : share(failed),
  ];
}

function recordOf(context: CommandContext, settings: Settings): RouteRecord {
  const host = nodeHost({ env: context.env });
  return new RouteRecord(cacheDirectoryOf(settings, host.env), host.log);
}
