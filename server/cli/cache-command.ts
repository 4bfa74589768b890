import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { type CacheCut, type CachedRoot, clearCache, listCache } from "../cache-folder.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { PriceTable } from "../usage/price-table.ts";
import { readUsage } from "../usage/usage-record.ts";
import { summariseUsage } from "../usage/usage-summary.ts";
import { noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { bytes, count, counted, percent, terminalSettings } from "./session.ts";
import { renderLine } from "./terminal.ts";
import { dollars } from "./usage-command.ts";

const HELP = `Lists what Cairn keeps on disk: the index of each folder, the embeddings that all folders share, and answers of
models with how often the same was asked again.

Usage: cairn cache [options]
       cairn cache clear [folder | --all | --unused DAYS] [options]

\`clear\` deletes indexes; they are made again when a folder is next opened. One that a window or another terminal has
open is kept. Your own files are not touched.

Options of clear:
  --all            Every index, kept answers and the record of them, and the embeddings too when nothing is open
  --unused DAYS    Indexes that were not used for so many days

Options:
  --json           Answer with one JSON object
  --color WHEN     auto (default), always or never

Examples:
  cairn cache
  cairn cache clear ~/projects/old
  cairn cache clear --unused 90
`;

const DAY_MS = 24 * 60 * 60 * 1000;
const MOST_DAYS = 36_500;

export const cacheCommand: Command = {
  help: HELP,
  options: { all: { type: "boolean" }, unused: { type: "string" } },
  async run(context, given) {
    const settings = terminalSettings(context);
    const cacheDirectory = cacheDirectoryOf(settings, context.env);
    const [action, folder] = given.positionals;
    if (action === undefined) {
      if (given.flag("all") || given.text("unused") !== undefined) {
        throw new CairnError(
          "input",
          "--all and --unused go with clear.",
          "`cairn cache clear --all` deletes all indexes.",
        );
      }
      list(context, given, cacheDirectory, new PriceTable(settings["answer.prices"]));
    } else if (action === "clear") {
      noMoreThan(given, 2, "cache");
      clear(context, given, cacheDirectory, folder);
    } else {
      throw new CairnError(
        "input",
        `cairn cache does not know "${action}".`,
        "`cairn cache --help` tells what it does.",
      );
    }
    return ExitCode.ok;
  },
};

function list({ terminal }: CommandContext, given: ParsedArguments, cacheDirectory: string, prices: PriceTable): void {
  const listing = listCache(cacheDirectory);
  const { lookedUp, found, saved } = summariseUsage(readUsage(cacheDirectory), prices);
  if (given.flag("json")) {
    terminal.print(
      `${JSON.stringify({ cacheDirectory, ...listing, lookedUp, found, saved, roots: listing.roots.map(toJson) })}\n`,
    );
    return;
  }
  const { print, style } = terminal;
  print(`${style.bold(cacheDirectory)}  ${bytes(listing.bytes)}\n`);
  for (const entry of listing.roots) print(`  ${row(entry, nameOf(entry, terminal))}\n`);
  print(`  ${bytes(listing.vectorBytes).padStart(9)}  embeddings of all folders\n`);
  if (listing.answers > 0 || lookedUp > 0) {
    const rate =
      lookedUp > 0
        ? `: ${count(found)} of ${counted(lookedUp, "question")} (${percent(found / lookedUp)}) found theirs`
        : "";
    const worth = saved > 0 ? `, which saved ${dollars(saved)}` : "";
    print(`  ${bytes(listing.answerBytes).padStart(9)}  ${counted(listing.answers, "kept answer")}${rate}${worth}\n`);
  }
  if (listing.usageBytes > 0) print(`  ${bytes(listing.usageBytes).padStart(9)}  record of answers: \`cairn usage\`\n`);
}

function clear(context: CommandContext, given: ParsedArguments, cacheDirectory: string, folder?: string): void {
  const days = given.integer("unused", 0, MOST_DAYS);
  const chosen = [folder !== undefined, given.flag("all"), days !== undefined].filter(Boolean).length;
  if (chosen !== 1) {
    throw new CairnError(
      "input",
      chosen === 0 ? "Which index is to be deleted?" : "A folder, --all and --unused exclude each other.",
      "`cairn cache clear <folder>`, `cairn cache clear --all` or `cairn cache clear --unused DAYS`.",
    );
  }
  const cut =
    folder === undefined
      ? clearCache(cacheDirectory, days === undefined ? "all" : { unusedSinceMs: Date.now() - days * DAY_MS })
      : clearOne(cacheDirectory, realFolder(resolve(context.cwd, folder)));
  if (given.flag("json")) {
    const { removed, kept, freedBytes } = cut;
    context.terminal.print(`${JSON.stringify({ removed: removed.map(toJson), kept: kept.map(toJson), freedBytes })}\n`);
  } else printCut(context, cut);
}

function clearOne(cacheDirectory: string, root: string): CacheCut {
  const cut = clearCache(cacheDirectory, { root });
  const [kept] = cut.kept;
  if (kept) {
    throw new CairnError(
      "unavailable",
      `The index of ${root} is in use${kept.pid ? ` by process ${kept.pid}` : ""}.`,
      "Close the editor window or the terminal that has the folder open, then try again.",
    );
  }
  if (cut.removed.length > 0) return cut;
  throw new CairnError("input", `There is no index of ${root}.`, "`cairn cache` lists the folders that have one.");
}

function printCut({ terminal }: CommandContext, { removed, kept, freedBytes }: CacheCut): void {
  const { print, style } = terminal;
  for (const entry of removed) print(`  deleted the index of ${nameOf(entry, terminal)}\n`);
  for (const entry of kept) {
    print(`  ${style.warning("kept")} the index of ${nameOf(entry, terminal)}, in use${byWhom(entry)}\n`);
  }
  print(`${counted(removed.length, "folder")} deleted from the cache, ${bytes(freedBytes)} freed\n`);
}

function row(entry: CachedRoot, name: string): string {
  const used = entry.inUse
    ? `in use${byWhom(entry)}`
    : `last used ${new Date(entry.lastUsedMs).toISOString().slice(0, 10)}`;
  return `${bytes(entry.bytes).padStart(9)}  ${name}  ${used}`;
}

function byWhom({ pid }: CachedRoot): string {
  return pid ? ` by process ${pid}` : "";
}

function nameOf({ root, directory }: CachedRoot, { style }: CommandContext["terminal"]): string {
  return root ? style.path(renderLine(root, [], style)) : `an unknown folder (${directory})`;
}

function toJson({ lastUsedMs, ...entry }: CachedRoot): object {
  return { ...entry, lastUsed: new Date(lastUsedMs).toISOString() };
}

/** The path under which a folder is indexed; one that is gone keeps its name. */
function realFolder(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}
