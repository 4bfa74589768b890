import {
  type CostReport,
  type CostRow,
  type Hardware,
  MOST_TOKENS,
  type RoutingCost,
} from "../../shared/cost-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { RouteRecord } from "../route/route-record.ts";
import { routingSaves } from "../route/routing-saves.ts";
import { costReport } from "../usage/cost.ts";
import { PriceTable } from "../usage/price-table.ts";
import { readUsage } from "../usage/usage-record.ts";
import { summariseUsage } from "../usage/usage-summary.ts";
import { noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type CommandContext, ExitCode } from "./command.ts";
import { count, percent, terminalSettings } from "./session.ts";
import { dollars, sinceIn } from "./usage-command.ts";

/** `cairn bench cost`: what a month costs, at each provider and by the user's own record. Nothing is measured. */
export function showCosts(context: CommandContext, given: ParsedArguments): number {
  noMoreThan(given, 1, "bench");
  const settings = terminalSettings(context);
  const prices = new PriceTable(settings["answer.prices"]);
  const record = readUsage(cacheDirectoryOf(settings, context.env), sinceIn(given.text("since")));
  const tokens = tokensIn(given.text("tokens"));
  const hardware = hardwareIn(given);
  const cacheDirectory = cacheDirectoryOf(settings, context.env);
  const routing = routingSaves(new RouteRecord(cacheDirectory, nodeHost({ env: context.env }).log).read());
  const costs = costReport(summariseUsage(record, prices), prices, { tokens, hardware });
  const report = { ...costs, ...(routing && { routing }) };
  if (given.flag("json")) context.terminal.print(`${JSON.stringify(report)}\n`);
  else print(context, report);
  return ExitCode.ok;
}

function print({ terminal }: CommandContext, report: CostReport): void {
  const { print, style } = terminal;
  const { basis, days, inputTokens, outputTokens, shares, embeddingTokens, used, answers, embeddings } = report;
  const volume = `${count(inputTokens)} + ${count(outputTokens)} tokens a month`;
  const from = basis === "recorded" ? "as your record says" : shares === "recorded" ? "in your shares" : "7 of 8 read";
  print(`${style.bold(`Answers: ${volume}, ${from}`)}\n${table(answers)}`);
  print(
    `\n${style.bold(`Embedding ${count(embeddingTokens)} tokens a month: here $0.00, elsewhere`)}\n${table(embeddings)}`,
  );
  if (used.length > 0) {
    print(`\n${style.bold(`What you used in ${days.toFixed(0)} days, as it would be in 30`)}\n`);
    for (const { provider, model, remote, tokens, monthly, asOf } of used) {
      const price = monthly === undefined ? (remote ? "price not known" : "on this machine") : dollars(monthly);
      print(
        `  ${price.padStart(16)}  ${provider} ${model}, ${count(tokens)} tokens${asOf ? style.dim(`, prices of ${asOf}`) : ""}\n`,
      );
    }
    if (days < 7) print(style.dim("  A week of answers or more would say it better.\n"));
    if (report.cachesSave > 0) print(`  The providers' caches save ${dollars(report.cachesSave)} of that a month.\n`);
    if (report.keptAnswersSave > 0) print(`  Kept answers save ${dollars(report.keptAnswersSave)} a month.\n`);
    if (report.cachedUnpriced > 0) {
      print(`  ${count(report.cachedUnpriced)} tokens came from caches at a price that is not known.\n`);
    }
  }
  if (report.routing) print(`\n${style.bold("Routing")}\n  ${routed(report.routing)}\n`);
  if (!report.hardware) return;
  const { power, purchase } = report.hardware;
  print(
    `\n${style.bold("Your hardware")}\n  ${dollars(power)} for power, ${dollars(purchase)} for what it cost, a month\n`,
  );
}

function routed({ routed, control, byWeak, saved, monthly }: RoutingCost): string {
  const asked = `${count(routed)} questions routed, ${percent(byWeak)} to the weaker model, ${count(control)} kept out of it`;
  if (saved === undefined || monthly === undefined) {
    return `${asked}: what that saves is known once both kinds have answers whose price is known.`;
  }
  const share = percent(1 - saved);
  return `${asked}: a routed one costs ${share} of what the others do, which saves ${dollars(monthly)} a month.`;
}

function table(rows: readonly CostRow[]): string {
  return rows
    .map(({ provider, model, monthly, asOf }) => {
      const when = asOf ? `price of ${asOf}` : "your price";
      return `  ${dollars(monthly).padStart(16)}  ${`${provider} ${model}`.trim()}, ${when}\n`;
    })
    .join("");
}

const MULTIPLES: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

/** 10M, 2500k, 10000000. */
function tokensIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)([kKmMgG]?)$/.exec(text) ?? [];
  const tokens = Math.round(Number(digits) * MULTIPLES[unit.toLowerCase()]);
  if (tokens >= 1 && tokens <= MOST_TOKENS) return tokens;
  throw new CairnError("input", `--tokens must be a number of tokens a month, not "${text}".`, "For example: 10M");
}

const HARDWARE = ["watts", "hours", "kwh", "purchase", "months"] as const;

/** All of it or nothing: what is missing would have to be made up. */
function hardwareIn(given: ParsedArguments): Hardware | undefined {
  const values = HARDWARE.map((name) => numberIn(name, given.text(name)));
  if (values.every((value) => value === undefined)) return undefined;
  const missing = HARDWARE.filter((_, i) => values[i] === undefined);
  if (missing.length > 0) {
    const hint = "--watts 60 --hours 160 --kwh 0.35 --purchase 1500 --months 36";
    throw new CairnError("input", `The cost of hardware also needs --${missing.join(", --")}.`, hint);
  }
  const [watts, hours, pricePerKwh, purchase, months] = values as number[];
  if (months > 0) return { watts, hours, pricePerKwh, purchase, months };
  throw new CairnError("input", "--months must be more than 0.");
}

function numberIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d+(?:\.\d+)?$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new CairnError("input", `--${name} must be a number, not "${text}".`);
}
