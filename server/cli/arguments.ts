import { parseArgs } from "node:util";
import { CairnError } from "../../shared/errors.ts";

/** The options a command knows, by long name. A `string` takes a value; a `list` may be given again or with commas. */
export type OptionTable = Readonly<
  Record<string, { readonly type: "boolean" | "string" | "list"; readonly short?: string }>
>;

export interface ParsedArguments {
  readonly positionals: readonly string[];
  flag(name: string): boolean;
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  /** A whole number from `min` to `max`; throws an input error for anything else. */
  integer(name: string, min: number, max: number): number | undefined;
}

/** Options of every command. */
const COMMON_OPTIONS: OptionTable = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  color: { type: "string" },
};

/** Splits a command's arguments into options and the rest. Throws an input error that names the nearest known option. */
export function parseArguments(command: string, args: readonly string[], options: OptionTable): ParsedArguments {
  const known: OptionTable = { ...COMMON_OPTIONS, ...options };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(known).map(([name, { type, short }]) => [
        name,
        { type: type === "boolean" ? type : "string", ...(short ? { short } : {}) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const positionals: string[] = [];
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = known[token.name];
    if (!option) throw unknownOption(command, token.rawName, known);
    if (option.type === "boolean" && token.value !== undefined) {
      throw new CairnError(
        "input",
        `${token.rawName} takes no value, but was given "${token.value}".`,
        seeHelp(command),
      );
    }
    if (option.type !== "boolean" && token.value === undefined) {
      throw new CairnError("input", `${token.rawName} needs a value.`, seeHelp(command));
    }
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? ""]);
  }

  return {
    positionals,
    flag: (name) => values.has(name),
    text: (name) => values.get(name)?.at(-1),
    list: (name) => (values.get(name) ?? []).flatMap((value) => value.split(",")).filter((value) => value !== ""),
    integer: (name, min, max) => {
      const text = values.get(name)?.at(-1);
      if (text === undefined) return undefined;
      const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw new CairnError("input", `--${name} must be a whole number from ${min} to ${max}, not "${text}".`);
    },
  };
}

/** Throws an input error when there are more arguments than the command takes. */
export function noMoreThan(given: ParsedArguments, most: number, command: string, hint = seeHelp(command)): void {
  if (given.positionals.length <= most) return;
  throw new CairnError("input", `One argument too many: "${given.positionals[most]}".`, hint);
}

/** The known word that is nearest to the given one, when one is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

function unknownOption(command: string, raw: string, known: OptionTable): CairnError {
  const near = raw.startsWith("--") ? nearest(raw.slice(2), Object.keys(known)) : undefined;
  const meant = near ? `Did you mean --${near}? ` : "";
  return new CairnError("input", `There is no option ${raw}.`, `${meant}${seeHelp(command)}`);
}

function seeHelp(command: string): string {
  return `\`cairn ${command} --help\` lists the options.`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
