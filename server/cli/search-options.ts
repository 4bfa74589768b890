import { CairnError } from "../../shared/errors.ts";
import { CHUNK_KINDS, type ChunkKind, type SearchRequest } from "../../shared/search-types.ts";
import type { Workspace } from "../core-api.ts";
import type { OptionTable, ParsedArguments } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { untilEmbedded, untilIndexed } from "./session.ts";

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 10;

/** The options of every command that answers with hits. */
export const SEARCH_OPTIONS: OptionTable = {
  limit: { type: "string", short: "n" },
  path: { type: "list" },
  lang: { type: "list" },
  kind: { type: "list" },
  "no-wait": { type: "boolean" },
};

/**
 * Waits until every file was looked at. Meanwhile the question is asked of what is indexed: the answer may be out of
 * date and is thrown away, but then the next one comes from warm code and memory.
 */
export async function untilReady(
  context: CommandContext,
  given: ParsedArguments,
  workspace: Workspace,
  request: SearchRequest,
): Promise<void> {
  if (given.flag("no-wait")) return;
  const ready = untilIndexed(context, workspace);
  const { chunks, embedding } = await workspace.status();
  if (chunks > 0 && !embedding) await workspace.search(request, context.signal);
  await ready;
  if (embedding) await untilEmbedded(workspace, context.signal, ["loading"]);
}

/** The limit and the filters that the options give; throws an input error for a kind that there is not. */
export function filters(given: ParsedArguments): Omit<SearchRequest, "query"> {
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
