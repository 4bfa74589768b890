import { ASSISTANT_TOOLS, type AssistantToolName } from "../../shared/assistant-tools.ts";
import { CairnError } from "../../shared/errors.ts";
import type { ChunkKind, IndexStatus, SearchAnswer, SearchHit, SearchRequest } from "../../shared/search-types.ts";
import type { Workspace } from "../core-api.ts";
import { type Block, budgetOf, cutLines, fit } from "./answer-text.ts";
import { type ToolInput, toolInput } from "./tool-input.ts";
import { type Asking, writtenAnswer } from "./written-answer.ts";

/** A folder that assistants may ask about. */
export interface ServedFolder {
  /** Distinct among those that are served. */
  readonly name: string;
  readonly workspace: Workspace;
}

const DEFAULT_LIMIT = 10;

/**
 * Runs one of the tools and answers with text for a model.
 * @param given the tool's arguments, not checked yet
 * @param asking who writes answers
 * @throws CairnError, with what a model can do about it; the signal's reason when aborted
 */
export async function runTool(
  tool: string,
  given: unknown,
  folders: readonly ServedFolder[],
  asking: Asking,
  signal?: AbortSignal,
): Promise<string> {
  if (!Object.hasOwn(ASSISTANT_TOOLS, tool)) {
    const names = Object.keys(ASSISTANT_TOOLS).join(", ");
    throw new CairnError("input", `There is no tool "${tool}".`, `The tools: ${names}.`);
  }
  const name = tool as AssistantToolName;
  const input = toolInput(name, given);
  if (folders.length === 0) throw new CairnError("input", "No folder is open.", "Open one, or name it at the start.");
  const asked = input.folder === undefined ? folders : folders.filter((folder) => folder.name === input.folder);
  if (asked.length > 0)
    return name === "ask" ? askTool(input, asked, asking, signal) : TOOLS[name](input, asked, signal);
  const names = folders.map((folder) => folder.name).join(", ");
  throw new CairnError("input", `There is no folder "${input.folder}".`, `The folders: ${names}.`);
}

type Tool = (input: ToolInput, folders: readonly ServedFolder[], signal?: AbortSignal) => Promise<string>;

const TOOLS: Readonly<Record<Exclude<AssistantToolName, "ask">, Tool>> = {
  search: (input, folders, signal) => {
    const request = { query: input.query as string, ...narrowing(input) };
    return answerWith(input, folders, ({ workspace }) => workspace.search(request, signal), signal);
  },

  find_similar: async (input, folders, signal) => {
    const { code, path, line, end_line: endLine } = input as Partial<Record<string, string>> as SimilarInput;
    if (code === undefined && (path === undefined || line === undefined)) {
      throw new CairnError("input", "There is no code to compare with.", "Give code, or path and line.");
    }
    const home = path === undefined ? undefined : await homeOf(path, folders, code !== undefined);
    const range = line !== undefined && endLine !== undefined ? { startLine: line, endLine } : { line };
    const place =
      code === undefined && home && path !== undefined
        ? await home.workspace.read({ path, ...range }, signal)
        : { text: code ?? "", path, startLine: line, endLine: endLine ?? line };
    const { text, startLine, endLine: lastLine } = place;
    return answerWith(
      input,
      folders,
      (folder) =>
        folder.workspace.similar(
          {
            text,
            ...(folder === home && { path: place.path, startLine, endLine: lastLine }),
            ...narrowing(input),
          },
          signal,
        ),
      signal,
    );
  },

  read_context: async (input, folders, signal) => {
    const { path, line, lines } = input as { path: string; line: number; lines?: number };
    const home = await homeOf(path, folders, false);
    const before = lines === undefined ? 0 : Math.floor((lines - 1) / 2);
    const first = Math.max(1, line - before);
    const range = lines === undefined ? { line } : { startLine: first, endLine: first + lines - 1 };
    const read = await home.workspace.read({ path, ...range }, signal);
    const width = String(read.endLine).length;
    const numbered = read.text.split("\n").map((text, i) => `${String(read.startLine + i).padStart(width)}  ${text}`);
    const place = `${prefix(home, folders)}${read.path}:${read.startLine}-${read.endLine} of ${read.lineCount}`;
    const head = [place, symbolOf(read)].filter(Boolean).join("  ");
    const room = budgetOf(input.max_tokens as number | undefined).left - head.length;
    return `${head}\n${cutLines(numbered.join("\n"), room)}`;
  },

  index_status: async (_input, folders) => {
    const statuses = await Promise.all(folders.map(({ workspace }) => workspace.status()));
    return statuses.map((status, i) => statusText(folders[i], status)).join("\n\n");
  },
};

/** The only tool whose answer may be written elsewhere. */
async function askTool(
  input: ToolInput,
  folders: readonly ServedFolder[],
  asking: Asking,
  signal?: AbortSignal,
): Promise<string> {
  const {
    question: text,
    paths,
    languages,
    max_tokens,
  } = input as {
    question: string;
    paths?: readonly string[];
    languages?: readonly string[];
    max_tokens?: number;
  };
  const answer = await writtenAnswer({ text, paths, languages }, folders, asking, signal);
  return cutLines(answer, budgetOf(max_tokens).left);
}

interface SimilarInput {
  code?: string;
  path?: string;
  line?: number;
  end_line?: number;
}

function narrowing(input: ToolInput): Omit<SearchRequest, "query"> {
  return {
    limit: (input.limit as number | undefined) ?? DEFAULT_LIMIT,
    paths: input.paths as readonly string[] | undefined,
    languages: input.languages as readonly string[] | undefined,
    kinds: input.kinds as readonly ChunkKind[] | undefined,
  };
}

/** The folder that holds the path. With one folder it is that one, which then says what is wrong with the path. */
async function homeOf(path: string, folders: readonly ServedFolder[], anyWill: boolean): Promise<ServedFolder> {
  if (folders.length === 1) return folders[0];
  const problems: unknown[] = [];
  for (const folder of folders) {
    try {
      await folder.workspace.read({ path, startLine: 1, endLine: 1 });
      return folder;
    } catch (error) {
      problems.push(error);
    }
  }
  if (anyWill) return folders[0];
  throw problems[0];
}

/** Asks every folder, and writes down the best of all answers with their code. */
async function answerWith(
  input: ToolInput,
  folders: readonly ServedFolder[],
  ask: (folder: ServedFolder) => Promise<SearchAnswer>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const answers = await Promise.all(folders.map(async (folder) => ({ folder, answer: await ask(folder) })));
  const limit = narrowing(input).limit ?? DEFAULT_LIMIT;
  const hits = answers
    .flatMap(({ folder, answer }) => answer.hits.map((hit) => ({ folder, hit })))
    .sort((a, b) => b.hit.score - a.hit.score)
    .slice(0, limit);
  const budget = budgetOf(input.max_tokens as number | undefined);
  const blocks: Block[] = [];
  let length = 0;
  for (const { folder, hit } of hits) {
    // What lies beyond the budget is counted, not read.
    const code = length > budget.left ? "" : await codeOf(folder.workspace, hit, signal);
    const place = `${prefix(folder, folders)}${hit.path}:${hit.startLine}-${hit.endLine}`;
    const head = [place, symbolOf(hit), hit.reason].filter(Boolean).join("  ");
    blocks.push({ head, code });
    length += head.length + code.length;
  }
  const { text, leftOut } = fit(blocks, budget);
  const remarks: string[] = [];
  if (hits.length === 0) remarks.push("Nothing found. Other words, or fewer of paths, languages and kinds, may help.");
  if (leftOut > 0) remarks.push(`${leftOut} more ${leftOut === 1 ? "hit" : "hits"} left out; raise max_tokens.`);
  for (const note of new Set(answers.map(({ answer }) => answer.note))) if (note) remarks.push(note);
  if (answers.some(({ answer }) => !answer.complete)) {
    remarks.push("The index is not complete yet: files that are not in it were searched by their words alone.");
  }
  return [text, remarks.join("\n")].filter(Boolean).join("\n\n");
}

/** The code of a hit as it is now; its preview when the file cannot be read any more. */
async function codeOf(workspace: Workspace, hit: SearchHit, signal: AbortSignal | undefined): Promise<string> {
  try {
    const { path, startLine, endLine } = hit;
    return (await workspace.read({ path, startLine, endLine }, signal)).text.trimEnd();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof CairnError)) throw error;
    return hit.preview.map(({ text }) => text).join("\n") || "(the file can no longer be read)";
  }
}

function symbolOf({ name, parents }: { name: string; parents: readonly string[] }): string {
  return [...parents, name].filter(Boolean).join(" › ");
}

/** Paths of several folders carry the folder's name. */
function prefix(folder: ServedFolder, folders: readonly ServedFolder[]): string {
  return folders.length > 1 ? `[${folder.name}] ` : "";
}

function statusText({ name }: ServedFolder, status: IndexStatus): string {
  const { root, phase, files, chunks, done, total, skipped, message } = status;
  const left = Object.entries(skipped).map(([code, count]) => `${count} ${code}`);
  const lines = [
    `${name}: ${root}`,
    `${PHASES[phase]}${phase === "indexing" && total > 0 ? ` (${done} of ${total} files)` : ""}`,
    `${count(files, "file")} and ${count(chunks, "piece")} of code can be found`,
  ];
  if (left.length > 0) lines.push(`left out: ${left.join(", ")}`);
  if (message) lines.push(message);
  return lines.join("\n");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

const PHASES: Readonly<Record<IndexStatus["phase"], string>> = {
  opening: "The index is being opened",
  scanning: "Looking for changes",
  indexing: "Indexing goes on; what is not indexed yet is searched by its words",
  ready: "Complete",
  paused: "Indexing is paused",
  failed: "Indexing failed",
  closed: "Indexing is off",
};
