import { setImmediate } from "node:timers/promises";
import { CairnError } from "../../shared/errors.ts";
import {
  CHUNK_KINDS,
  type ChunkKind,
  type SearchAnswer,
  type SearchHit,
  type SearchRequest,
} from "../../shared/search-types.ts";
import type { Workspace } from "../core-api.ts";
import { noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { readQueries } from "./query-file.ts";
import { folderToUse, untilIndexed, withWorkspace } from "./session.ts";
import { renderLine } from "./terminal.ts";

const HELP = `Finds code by meaning, by name and by words.

Usage: cairn search "question" [folder] [options]
       cairn search --queries FILE [folder] [options]

Options:
  -n, --limit N     How many hits, 1 to 100; 10 unless given
  --path GLOB       Only files that match: a folder (src/net) or a glob (*.test.ts); may be given again
  --lang LANGUAGE   Only this language (typescript, ts, python, c++ ...); may be given again
  --kind KIND       Only this kind of code; may be given again:
                    ${CHUNK_KINDS.join(", ")}
  --no-wait         Answer at once from what is indexed so far; other files are searched by their words
  --json            Answer with one JSON object
  --queries FILE    Read questions from FILE (- for the standard input), one JSON object {"id", "query"} a line;
                    answer each with a line {"id", "results": [{"path", "startLine", "endLine", "score"}]}
  --color WHEN      auto (default), always or never

Paths are relative to the folder, with forward slashes; lines count from 1.
Exit codes: 0 found, 1 nothing found, 2 a mistake in what was asked, 3 something does not work.

Examples:
  cairn search "where are retries handled?"
  cairn search parseArguments ~/projects/app --lang ts --kind function
  cairn search "open a socket" --json | jq -r .hits[].path
  cairn search --queries questions.jsonl ~/projects/app > answers.jsonl
`;

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 10;

export const searchCommand: Command = {
  help: HELP,
  options: {
    limit: { type: "string", short: "n" },
    path: { type: "list" },
    lang: { type: "list" },
    kind: { type: "list" },
    "no-wait": { type: "boolean" },
    queries: { type: "string" },
  },
  run: (context, given) =>
    given.text("queries") === undefined ? searchOnce(context, given) : searchMany(context, given),
};

async function searchOnce(context: CommandContext, given: ParsedArguments): Promise<number> {
  const [query, folder] = given.positionals;
  if (query === undefined || query.trim() === "") {
    throw new CairnError(
      "input",
      "There is nothing to search for.",
      'For example: cairn search "where are retries handled?"',
    );
  }
  noMoreThan(given, 2, "search", "Put a question of several words in quotes.");
  const request = { query, ...filters(given) };
  const root = folderToUse(context, folder);

  const answer = await withWorkspace(context, root, async (workspace) => {
    await untilReady(context, given, workspace, request);
    return workspace.search(request, context.signal);
  });
  if (given.flag("json")) context.terminal.print(`${JSON.stringify({ query, root, ...answer })}\n`);
  else printAnswer(context, answer);
  return answer.hits.length > 0 ? ExitCode.ok : ExitCode.nothingFound;
}

/** Answers all questions of a file in one process, in their order. */
async function searchMany(context: CommandContext, given: ParsedArguments): Promise<number> {
  noMoreThan(
    given,
    1,
    "search",
    "With --queries the questions come from the file, and the only argument is the folder.",
  );
  const root = folderToUse(context, given.positionals[0]);
  const limits = filters(given);
  const queries = await readQueries(context, given.text("queries") ?? "");

  let found = false;
  await withWorkspace(context, root, async (workspace) => {
    await untilReady(context, given, workspace, { query: queries[0]?.query ?? "" });
    for (const { id, query } of queries) {
      const { hits } = await workspace.search({ query, ...limits }, context.signal);
      const results = hits.map(({ path, startLine, endLine, score }) => ({ path, startLine, endLine, score }));
      context.terminal.print(`${JSON.stringify({ id, results })}\n`);
      found ||= results.length > 0;
      // Signals and closed pipes are only noticed between turns of the event loop.
      await setImmediate();
      context.signal.throwIfAborted();
    }
  });
  return found || queries.length === 0 ? ExitCode.ok : ExitCode.nothingFound;
}

/**
 * Waits until every file was looked at. Meanwhile the question is asked of what is indexed: the answer may be out of
 * date and is thrown away, but then the next one comes from warm code and memory.
 */
async function untilReady(
  context: CommandContext,
  given: ParsedArguments,
  workspace: Workspace,
  request: SearchRequest,
): Promise<void> {
  if (given.flag("no-wait")) return;
  const ready = untilIndexed(context, workspace);
  const { chunks } = await workspace.status();
  if (chunks > 0) await workspace.search(request, context.signal);
  await ready;
}

function filters(given: ParsedArguments): Omit<SearchRequest, "query"> {
  const kinds = given.list("kind").map((kind) => {
    if ((CHUNK_KINDS as readonly string[]).includes(kind)) return kind as ChunkKind;
    throw new CairnError("input", `There is no kind "${kind}".`, `The kinds: ${CHUNK_KINDS.join(", ")}.`);
  });
  return {
    limit: given.integer("limit", 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
    ...(given.list("path").length > 0 && { paths: given.list("path") }),
    ...(given.list("lang").length > 0 && { languages: given.list("lang") }),
    ...(kinds.length > 0 && { kinds }),
  };
}

function printAnswer({ terminal }: CommandContext, answer: SearchAnswer): void {
  if (answer.hits.length === 0)
    terminal.note("Nothing found. Other words, or fewer of --path, --lang and --kind, may help.\n");
  for (const [position, hit] of answer.hits.entries()) {
    if (position > 0) terminal.print("\n");
    printHit(terminal, hit);
  }
  if (answer.note) terminal.note(`\n${answer.note}\n`);
  if (!answer.complete) terminal.note("\nNot everything is indexed yet: other files were searched by their words.\n");
}

/** `path:line  name  reason`, then the lines that matched. */
function printHit(terminal: CommandContext["terminal"], hit: SearchHit): void {
  const { style, width } = terminal;
  const place = `${style.path(renderLine(hit.path, [], style))}:${style.line(String(hit.focusLine))}`;
  const name = style.bold(renderLine([...hit.parents, hit.name].filter(Boolean).join(" › "), [], style));
  terminal.print(`${[place, name, style.dim(renderLine(hit.reason, [], style))].filter(Boolean).join("  ")}\n`);
  for (const { line, text, ranges } of hit.preview) {
    const number = String(line).padStart(6);
    terminal.print(`${style.line(number)}  ${renderLine(text, ranges, style, width && width - 8)}\n`);
  }
}
