import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase, verbatim } from "../../shared/phrase.ts";
import { type JsonLine, jsonLines } from "../json-lines.ts";
import type { LabelledQuery } from "./scores.ts";

/**
 * Reads labelled queries, one JSON object a line: `query`, `targets` with `path` (relative to the folder), and, when
 * lines are meant, `startLine` and `endLine` (from 1); `category`, and `sha256` of a target, if wanted.
 * @param name what the text is called in errors
 * @throws {CairnError} `input` that names the line
 */
export function labelledLines(text: string, name: string): LabelledQuery[] {
  const queries = jsonLines(text, name, EXPECTED).map(labelledOf);
  if (queries.length === 0) throw new CairnError("input", phrase("{0} has no queries.", name), EXPECTED);
  return queries;
}

const EXPECTED = verbatim(
  'Each line must look like {"query": "where are retries handled?", "targets": [{"path": "src/retry.ts", ' +
    '"startLine": 10, "endLine": 42}], "category": "question"}; lines and category may be left out.',
);

const line = z.number().int().min(1);

const TARGET = z
  .object({
    path: z.string().min(1),
    startLine: line.optional(),
    endLine: line.optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits")
      .optional(),
  })
  .refine(({ startLine, endLine }) => (startLine === undefined) === (endLine === undefined), {
    message: "startLine and endLine come together",
  })
  .refine(({ startLine = 1, endLine = startLine }) => endLine >= startLine, {
    message: "endLine is before startLine",
  });

const LABELLED = z.object({
  query: z.string().regex(/\S/, "must have words"),
  category: z.string().min(1).default("queries"),
  targets: z.array(TARGET).min(1),
});

function labelledOf({ value, place }: JsonLine): LabelledQuery {
  const read = LABELLED.safeParse(value);
  if (read.success) return read.data;
  const [{ path, message }] = read.error.issues;
  const where = path.length > 0 ? phrase("{0}: {1}", path.join("."), message) : verbatim(message);
  throw new CairnError("input", phrase("{0}: this is no labelled query ({1}).", place, where), EXPECTED);
}
