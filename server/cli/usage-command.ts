import { CairnError } from "../../shared/errors.ts";
import type { UsageRow, UsageSummary } from "../../shared/usage-types.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { PriceTable } from "../usage/price-table.ts";
import { readUsage } from "../usage/usage-record.ts";
import { summariseUsage } from "../usage/usage-summary.ts";
import { noMoreThan } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { count, counted, percent, terminalSettings } from "./session.ts";

const HELP = `Sums up who answered and which servers embedded: how often, how fast, with how many tokens and at what cost.

Usage: cairn usage [options]

Each answer, and each request to a server that embeds, leaves a line in the cache folder, on this machine only: provider,
model, tokens, times and how it ended; no question, no code and no path; those that \`cairn bench\` asks a provider for too.
CAIRN_USAGE_RECORD=false keeps no record, \`cairn cache clear --all\` deletes it. Costs are counted with the prices that come
with Cairn, each with the day on which it was true, and with yours above them (CAIRN_PRICES, for example gpt-4o=2.5/10 or
text-embedding-3-small=0.02); a price that nobody knows is said to be unknown, and counts in no sum.

Options:
  --since WHEN     Only what is not older: a day (2026-11-01), or so many days (30d)
  --json           Answer with one JSON object
  --color WHEN     auto (default), always or never

Examples:
  cairn usage --since 30d
`;

export const usageCommand: Command = {
  help: HELP,
  options: { since: { type: "string" } },
  async run(context, given) {
    noMoreThan(given, 0, "usage");
    const settings = terminalSettings(context);
    const record = readUsage(cacheDirectoryOf(settings, context.env), sinceIn(given.text("since")));
    const summary = summariseUsage(record, new PriceTable(settings["answer.prices"]));
    if (given.flag("json")) context.terminal.print(`${JSON.stringify(summary)}\n`);
    else print(context, summary, settings["usage.record"]);
    return ExitCode.ok;
  },
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** @throws {CairnError} `input` for what is neither a day nor a number of days */
export function sinceIn(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  if (days !== undefined) return new Date(Date.now() - Number(days) * DAY_MS);
  const day = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? text : "none");
  if (!Number.isNaN(day.getTime())) return day;
  throw new CairnError("input", `--since must be a day or a number of days, not "${text}".`, "2026-11-01, or 30d.");
}

function print({ terminal }: CommandContext, summary: UsageSummary, isRecorded: boolean): void {
  const { style } = terminal;
  const { rows, from, to, entries, unreadable, cost, unpriced } = summary;
  if (entries === 0) {
    terminal.print("Nothing is recorded: `cairn ask` and the editor's chat leave a line for each answer.\n");
  } else {
    const embedded = rows.filter(({ kind }) => kind === "embedding");
    const requests = embedded.reduce((sum, { answers, failed, stopped }) => sum + answers + failed + stopped, 0);
    const counts = [
      entries > requests || requests === 0 ? counted(entries - requests, "answer") : "",
      requests > 0 ? `${counted(requests, "request")} for vectors` : "",
    ];
    const what = counts.filter(Boolean).join(" and ");
    terminal.print(`${style.bold(`${what}, ${from.slice(0, 10)} to ${to.slice(0, 10)}`)}\n\n`);
    for (const row of rows) terminal.print(`${style.bold(nameOf(row))}\n  ${described(row).join("\n  ")}\n`);
    const missing = unpriced.length > 0 ? `, without ${unpriced.join(", ")}: price not known` : "";
    const forVectors = embedded.reduce((sum, row) => sum + (row.cost ?? 0), 0);
    const apart = embedded.length > 0 ? `, ${dollars(forVectors)} of it for vectors` : "";
    terminal.print(`\n${dollars(cost)} in all${apart}${missing}\n`);
  }
  if (unreadable > 0) terminal.note(`${style.warning(`${counted(unreadable, "line")} could not be read.`)}\n`);
  if (!isRecorded) terminal.note(`${style.warning("Nothing is recorded at present (cairn.usage.record).")}\n`);
}

function nameOf({ provider, model, remote }: UsageRow): string {
  return `${[provider, model].filter(Boolean).join(" ")}${remote ? "" : " (on this machine)"}`;
}

function described(row: UsageRow): string[] {
  const { answers, kept, failed, stopped, errorRate, firstMedian, firstP95, secondsMedian, kind } = row;
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  const ended = [
    kind === "embedding" ? `${counted(answers, "request")} for vectors` : counted(answers, "answer"),
    kept > 0 ? `${count(kept)} more from before${savedBy(row)}` : "",
    failed > 0 ? `${count(failed)} failed (${percent(errorRate)})` : "",
    stopped > 0 ? `${count(stopped)} stopped` : "",
  ];
  const times = [
    firstMedian !== undefined && firstP95 !== undefined
      ? `first word after ${seconds(firstMedian)}, 95% within ${seconds(firstP95)}`
      : "",
    secondsMedian !== undefined ? `${seconds(secondsMedian)} ${kind === "embedding" ? "each" : "in all"}` : "",
  ];
  return [ended, times, tokensOf(row)].map((parts) => parts.filter(Boolean).join(", ")).filter(Boolean);
}

function savedBy({ saved, savedInputTokens, savedOutputTokens }: UsageRow): string {
  if (savedInputTokens + savedOutputTokens === 0) return "";
  const worth = saved === undefined ? "" : `, ${dollars(saved)}`;
  return `, which saved ${count(savedInputTokens)} + ${count(savedOutputTokens)} tokens${worth}`;
}

function tokensOf(row: UsageRow): string[] {
  const { kind, model, remote, inputTokens, outputTokens, cachedTokens, uncounted, cost, priceAsOf } = row;
  const uncountedWords =
    uncounted > 0 ? `${counted(uncounted, kind === "embedding" ? "request" : "answer")} without a count of tokens` : "";
  if (model === "" || inputTokens + outputTokens === 0) return [uncountedWords];
  const price = cost === undefined ? "" : `${dollars(cost)} by ${priceAsOf ? `prices of ${priceAsOf}` : "your prices"}`;
  return [
    kind === "embedding" ? counted(inputTokens, "token") : `${count(inputTokens)} + ${count(outputTokens)} tokens`,
    cachedTokens > 0 ? `${count(cachedTokens)} of them from the provider's cache` : "",
    uncountedWords,
    cost === undefined && remote ? "price not known" : price,
  ];
}

/** US dollars: two digits after the point, and more of what is less than a cent. */
export function dollars(value: number): string {
  return `$${value.toFixed(value > 0 && value < 0.01 ? 4 : 2)}`;
}
