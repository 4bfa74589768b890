import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { CairnError } from "../../shared/errors.ts";
import { inWords } from "../../shared/phrase.ts";
import { type JsonLine, jsonLines } from "../json-lines.ts";
import type { CommandContext } from "./command.ts";

export interface Query {
  /** Given back with the answer as it came. */
  id: string | number;
  query: string;
}

/** What was read, and what it is called in errors. */
export interface QueryFile {
  readonly name: string;
  readonly content: string;
}

/**
 * @param file a path, or `-` for the standard input.
 * @throws CairnError("input") when it cannot be read.
 */
export async function readQueryFile(context: CommandContext, file: string): Promise<QueryFile> {
  if (file !== "-") return { name: file, content: readFile(context, file) };
  return { name: "The standard input", content: await text(addAbortSignal(context.signal, process.stdin)) };
}

/**
 * Reads questions, one JSON object `{"id", "query"}` a line; blank lines are passed over.
 * @param file a path, or `-` for the standard input.
 * @throws CairnError("input") that names the line, before anything else is done.
 */
export async function readQueries(context: CommandContext, file: string): Promise<Query[]> {
  const { name, content } = await readQueryFile(context, file);
  return jsonLines(content, name, EXPECTED).map(queryOf);
}

function queryOf({ value, place }: JsonLine): Query {
  const { id, query } = (value ?? {}) as Partial<Query>;
  const where = inWords(place);
  if (typeof id !== "string" && typeof id !== "number")
    throw new CairnError("input", `${where}: "id" is missing.`, EXPECTED);
  if (typeof query !== "string") throw new CairnError("input", `${where}: "query" is missing or not a text.`, EXPECTED);
  return { id, query };
}

const EXPECTED = 'Each line must look like {"id": "q1", "query": "where are retries handled?"}.';

function readFile(context: CommandContext, file: string): string {
  try {
    return readFileSync(resolve(context.cwd, file), "utf8");
  } catch (error) {
    throw new CairnError("input", `The questions in ${file} cannot be read: ${(error as Error).message}.`, EXPECTED);
  }
}
