import { basename, resolve } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import type { DeltaStore, TransferOptions } from "../delta-store/delta-store.ts";
import { openStore, pull, push } from "../delta-store/transfer.ts";
import type { ParsedArguments } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { bytes, counted } from "./session.ts";
import { renderLine } from "./terminal.ts";

const HOUR_MS = 3_600_000;
const DEFAULT_GRACE_HOURS = 24;
const MOST_GRACE_HOURS = 10_000;

/** What is done with a store; each takes the context, what was given and what the action is about. */
export const STORE_ACTIONS = { push: pushAction, pull: pullAction, list, remove, gc } as const;

async function pushAction(context: CommandContext, given: ParsedArguments, subject: string): Promise<void> {
  const store = await storeOf(context, given);
  const path = resolve(context.cwd, subject);
  const name = given.text("name") ?? basename(subject).replace(/\.delta$/, "");
  const done = await push(store, path, name, transferOf(context, "Sending"));
  answer(context, given, done, ({ print, style }) => {
    const what = done.wasThere ? "was there already" : `${bytes(done.bytes)} sent`;
    print(`${style.bold(done.name)}  ${what}, for ${bytes(done.originalBytes)}; SHA-256 ${done.sha256}\n`);
  });
}

async function pullAction(context: CommandContext, given: ParsedArguments, subject: string): Promise<void> {
  const out = given.text("out");
  if (out === undefined) throw new CairnError("input", "Where should the delta go?", "Give a path with --out.");
  const store = await storeOf(context, given);
  const options = { ...transferOf(context, "Fetching"), force: given.flag("force") };
  const done = await pull(store, subject, resolve(context.cwd, out), options);
  answer(context, given, done, ({ print, style }) => {
    print(`${style.bold(renderLine(done.path, [], style))}  ${bytes(done.bytes)}, SHA-256 as it was stored\n`);
  });
}

async function list(context: CommandContext, given: ParsedArguments): Promise<void> {
  const store = await storeOf(context, given);
  const names = await store.names(context.signal);
  answer(context, given, { names }, ({ print, style }) => {
    for (const { name, sha256, bytes: own, originalBytes } of names)
      print(
        `${bytes(own).padStart(9)} for ${bytes(originalBytes).padStart(9)}  ${sha256.slice(0, 12)}  ${style.path(name)}\n`,
      );
    const contents = new Map(names.map((entry) => [entry.sha256, entry.bytes]));
    const total = [...contents.values()].reduce((sum, one) => sum + one, 0);
    print(`${counted(names.length, "name")}, ${bytes(total)}\n`);
  });
}

async function remove(context: CommandContext, given: ParsedArguments, subject: string): Promise<void> {
  const store = await storeOf(context, given);
  if (!(await store.removeName(subject, context.signal))) {
    throw new CairnError(
      "input",
      `${store.place} has no delta "${subject}".`,
      "`cairn delta list` tells which it has.",
    );
  }
  answer(context, given, { removed: subject }, ({ print }) => {
    print(`${subject} is no longer named; \`cairn delta gc\` removes what has no name\n`);
  });
}

async function gc(context: CommandContext, given: ParsedArguments): Promise<void> {
  const store = await storeOf(context, given);
  const hours = given.integer("grace", 0, MOST_GRACE_HOURS) ?? DEFAULT_GRACE_HOURS;
  const done = await store.collect(hours * HOUR_MS, context.signal);
  answer(context, given, done, ({ print }) => {
    print(`${counted(done.removed, "delta")} without a name removed, ${bytes(done.bytes)}\n`);
  });
}

async function storeOf(context: CommandContext, given: ParsedArguments): Promise<DeltaStore> {
  const place = given.text("store");
  if (place === undefined)
    throw new CairnError("input", "Which store?", "Give a folder or s3://bucket/folder with --store.");
  const { cwd, env } = context;
  return openStore(place, { cwd, env, endpoint: given.text("endpoint") });
}

function transferOf({ terminal, signal }: CommandContext, doing: string): TransferOptions {
  return { signal, onBytes: (done) => terminal.progress(`${doing}  ${bytes(done)}`) };
}

/** One JSON object, or words. */
function answer(
  { terminal }: CommandContext,
  given: ParsedArguments,
  value: object,
  say: (terminal: CommandContext["terminal"]) => void,
): void {
  terminal.progress("");
  if (given.flag("json")) terminal.print(`${JSON.stringify(value)}\n`);
  else say(terminal);
}
