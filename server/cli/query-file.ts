import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { CairnError } from "../../shared/errors.ts";
import type { CommandContext } from "./command.ts";

export interface Query {
  /** Given back with the answer as it came. */
  id: string | number;
  query: string;
}

/**
 * Reads questions, one JSON object `{"id", "query"}` a line; blank lines are passed over.
 * @param file a path, or `-` for the standard input.
 * @throws CairnError("input") that names the line, before anything else is done.
 */
export async function readQueries(context: CommandContext, file: string): Promise<Query[]> {
  const name = file === "-" ? "The standard input" : file;
  const content = file === "-" ? await text(addAbortSignal(context.signal, process.stdin)) : readFile(context, file);
  const queries: Query[] = [];
  for (const [position, line] of content
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() !== "") queries.push(parseQuery(line, `${name}, line ${position + 1}`));
  }
  return queries;
}

function parseQuery(line: string, place: string): Query {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new CairnError("input", `${place}: this is not JSON (${(error as Error).message}).`, EXPECTED);
  }
  const { id, query } = (value ?? {}) as Partial<Query>;
  if (typeof id !== "string" && typeof id !== "number")
    throw new CairnError("input", `${place}: "id" is missing.`, EXPECTED);
  if (typeof query !== "string") throw new CairnError("input", `${place}: "query" is missing or not a text.`, EXPECTED);
  return { id, query };
}

const EXPECTED = 'Each line must look like {"id": "q1", "query": "where are retries handled?"}.';

function readFile(context: CommandContext, file: string): string {
  try {
    return readFileSync(resolve(context.cwd, file), "utf8");
  } catch (error) {
    throw new CairnError("input", `The questions in ${file} cannot be read: ${(error as Error).message}.`);
  }
}
