import type { Writable } from "node:stream";
import { CairnError } from "../../shared/errors.ts";

/** Where a command writes: answers to the output, everything else beside it. */
export interface Terminal {
  readonly style: Style;
  /** Columns of the output, or undefined when it is not a terminal and lines are never cut. */
  readonly width: number | undefined;
  /** An answer, to the standard output. */
  print(text: string): void;
  /** A remark that is not part of the answer, to the standard error. */
  note(text: string): void;
  /** Replaces the one line of progress; shown only when the standard error is a terminal that can. Empty removes it. */
  progress(text: string): void;
}

/** Marks up text, or leaves it as it is when colour is off. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  path(text: string): string;
  line(text: string): string;
  match(text: string): string;
  ok(text: string): string;
  warning(text: string): string;
  failure(text: string): string;
}

export type ColourChoice = "auto" | "always" | "never";

/** Reads `--color`. */
export function colourChoice(given: string | undefined): ColourChoice {
  if (given === undefined) return "auto";
  if (given === "auto" || given === "always" || given === "never") return given;
  throw new CairnError("input", `--color must be auto, always or never, not "${given}".`);
}

/** Some terminals say that they have no columns. */
const DEFAULT_WIDTH = 80;

interface OutputStream extends Writable {
  isTTY?: boolean;
  columns?: number;
}

export function createTerminal(
  stdout: OutputStream,
  stderr: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
  choice: ColourChoice,
): Terminal {
  const coloured = (stream: OutputStream): boolean => {
    if (choice !== "auto") return choice === "always";
    if (env.NO_COLOR) return false;
    if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
    return stream.isTTY === true && env.TERM !== "dumb";
  };
  // A line that is replaced needs a terminal that can.
  const showsProgress = stderr.isTTY === true && env.TERM !== "dumb";
  let shown = "";
  const clearProgress = () => {
    if (shown) stderr.write("\r\x1b[2K");
    shown = "";
  };
  return {
    style: createStyle(coloured(stdout)),
    width: stdout.isTTY ? stdout.columns || DEFAULT_WIDTH : undefined,
    print(text) {
      clearProgress();
      stdout.write(text);
    },
    note(text) {
      clearProgress();
      stderr.write(text);
    },
    progress(text) {
      if (!showsProgress || text === shown) return;
      clearProgress();
      if (text !== "") stderr.write(cut(text, (stderr.columns || DEFAULT_WIDTH) - 1));
      shown = text;
    },
  };
}

/**
 * One line of foreign text, made safe to print: control characters become visible (a file may hold escape sequences),
 * and marks that reorder text are replaced.
 *
 * @param ranges [start, end) in UTF-16 units of `text` to show as matches.
 * @param width Columns at the most, the dots of a cut line included.
 */
export function renderLine(
  text: string,
  ranges: readonly (readonly [number, number])[],
  style: Style,
  width = Number.POSITIVE_INFINITY,
): string {
  let rendered = "";
  let run = "";
  let runMatches = false;
  let columns = 0;
  let offset = 0;
  const flush = () => {
    rendered += runMatches ? style.match(run) : run;
    run = "";
  };
  const fits = displayWidth(text) <= width;
  for (const character of text) {
    const shown = visible(character);
    const matches = ranges.some(([start, end]) => offset >= start && offset < end);
    if (!fits && columns + displayWidth(shown) > width - 1) {
      flush();
      return `${rendered}…`;
    }
    if (matches !== runMatches) flush();
    runMatches = matches;
    run += shown;
    columns += displayWidth(shown);
    offset += character.length;
  }
  flush();
  return rendered;
}

/** Columns a text takes in a terminal: two for wide characters, none for combining marks. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character === "\t") width += 2;
    else if (WIDE.test(character)) width += 2;
    else if (!/^[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) width += 1;
  }
  return width;
}

const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\t") return "  ";
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  const reorders = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return (code >= 0x80 && code < 0xa0) || reorders ? "\ufffd" : character;
}

function cut(text: string, width: number): string {
  return renderLine(text, [], createStyle(false), width);
}

function createStyle(coloured: boolean): Style {
  const mark = (code: string) => (text: string) => (coloured && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    bold: mark("1"),
    dim: mark("2"),
    path: mark("35"),
    line: mark("32"),
    match: mark("1;31"),
    ok: mark("32"),
    warning: mark("33"),
    failure: mark("31"),
  };
}
