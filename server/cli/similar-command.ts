import { isAbsolute, relative, resolve, sep } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { CHUNK_KINDS, type ReadRequest } from "../../shared/search-types.ts";
import { noMoreThan } from "./arguments.ts";
import { type Command, ExitCode } from "./command.ts";
import { printAnswer } from "./print-answer.ts";
import { filters, SEARCH_OPTIONS, untilReady } from "./search-options.ts";
import { folderToUse, withWorkspace } from "./session.ts";

const HELP = `Finds code that is like the code at a place.

Usage: cairn similar FILE[:LINE[-LINE]] [folder] [options]

FILE alone stands for the beginning of the file, FILE:LINE for the whole function or class around the line, and
FILE:LINE-LINE for those lines. FILE is a path from here, or one relative to the folder.

Options:
  -n, --limit N     How many hits, 1 to 100; 10 unless given
  --path GLOB       Only files that match: a folder (src/net) or a glob (*.test.ts); may be given again
  --lang LANGUAGE   Only this language (typescript, ts, python, c++ ...); may be given again
  --kind KIND       Only this kind of code; may be given again:
                    ${CHUNK_KINDS.join(", ")}
  --no-wait         Answer at once from what is indexed so far
  --json            Answer with one JSON object
  --color WHEN      auto (default), always or never

Exit codes: 0 found, 1 nothing found, 2 a mistake in what was asked, 3 something does not work.

Examples:
  cairn similar src/retry.ts:42
  cairn similar src/retry.ts:30-55 --lang ts --limit 5
`;

export const similarCommand: Command = {
  help: HELP,
  options: SEARCH_OPTIONS,
  async run(context, given) {
    const [place, folder] = given.positionals;
    if (place === undefined || place === "") {
      throw new CairnError("input", "There is no place to start from.", "For example: cairn similar src/retry.ts:42");
    }
    noMoreThan(given, 2, "similar");
    const asked = placeOf(place);
    const root = folderToUse(context, folder);
    const path = pathIn(root, context.cwd, asked.path);
    const limits = filters(given);

    const { read, answer, status } = await withWorkspace(context, root, async (workspace) => {
      await untilReady(context, given, workspace, { query: path, limit: 1 });
      const read = await workspace.read({ ...asked, path }, context.signal);
      const { text, startLine, endLine } = read;
      const answer = await workspace.similar({ text, path: read.path, startLine, endLine, ...limits }, context.signal);
      return { read, answer, status: await workspace.status() };
    });
    const { startLine, endLine } = read;
    if (given.flag("json")) {
      context.terminal.print(`${JSON.stringify({ path: read.path, startLine, endLine, root, ...answer })}\n`);
    } else {
      printAnswer(context, answer, status);
    }
    return answer.hits.length > 0 ? ExitCode.ok : ExitCode.nothingFound;
  },
};

function placeOf(place: string): ReadRequest {
  const [, path, first, last] = /^(.*?)(?::(\d+)(?:-(\d+))?)?$/s.exec(place) ?? [];
  if (first === undefined) return { path };
  const startLine = Number(first);
  if (last === undefined) return { path, line: startLine };
  const endLine = Number(last);
  if (endLine >= startLine) return { path, startLine, endLine };
  throw new CairnError("input", `The lines ${first}-${last} end before they begin.`);
}

/** Relative to the root: what the name means from here, or what it means there when that is no place in the root. */
function pathIn(root: string, cwd: string, file: string): string {
  const fromRoot = relative(root, resolve(cwd, file));
  const outside = fromRoot === ".." || fromRoot.startsWith(`..${sep}`) || isAbsolute(fromRoot);
  return outside ? file : fromRoot;
}
