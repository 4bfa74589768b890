import { setImmediate } from "node:timers/promises";
import { CairnError } from "../../shared/errors.ts";
import { CHUNK_KINDS } from "../../shared/search-types.ts";
import { noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { printAnswer } from "./print-answer.ts";
import { readQueries } from "./query-file.ts";
import { filters, SEARCH_OPTIONS, untilReady } from "./search-options.ts";
import { folderToUse, withWorkspace } from "./session.ts";

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

export const searchCommand: Command = {
  help: HELP,
  options: {
    ...SEARCH_OPTIONS,
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

  const { answer, status } = await withWorkspace(context, root, async (workspace) => {
    await untilReady(context, given, workspace, request);
    const answer = await workspace.search(request, context.signal);
    return { answer, status: await workspace.status() };
  });
  if (given.flag("json")) context.terminal.print(`${JSON.stringify({ query, root, ...answer })}\n`);
  else printAnswer(context, answer, status);
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
