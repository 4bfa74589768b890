import { fstatSync } from "node:fs";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import type { AnswerRecord } from "../../shared/answer-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { CHUNK_KINDS } from "../../shared/search-types.ts";
import { type AnswerEvent, answer } from "../answer/answer.ts";
import { createAnswerCache } from "../answer/answer-cache.ts";
import { chooseProviders } from "../answer/choose-providers.ts";
import type { Workspace } from "../core-api.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { createRouter } from "../route/create-router.ts";
import { usageRecorder } from "../usage/usage-recorder.ts";
import { noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { printReply, replyAsJson } from "./print-reply.ts";
import { filters, SEARCH_OPTIONS, untilReady } from "./search-options.ts";
import { confirmSending } from "./sending-notice.ts";
import { folderToUse, terminalSettings, withWorkspace } from "./session.ts";

const HELP = `Answers a question about the code, with the places that show it.

Usage: cairn ask "question" [folder] [options]
       git diff | cairn ask "what does this change?" [folder] [options]

Without a provider, the passages that say most about it are quoted, and nothing leaves this machine. With one, a
language model writes the answer; each citation is checked against the code, and paragraphs without one are marked.

Options:
  --provider NAME   Who writes the answer: none, cerebras, openai, azure, ollama, lmstudio, vllm, llama-server,
                    llama for a model file that Cairn runs itself, or local for that or whichever server runs on this
                    machine; INFERENCE_PROVIDER unless given
  --model NAME      Which of its models; for llama the path of a GGUF file, CAIRN_LOCAL_MODEL unless given
  --no-llm          Quote passages, whatever provider is set
  --no-cache        Ask the model anew, even where its answer to this question about this code was kept
  --yes             Do not ask before something is sent to a provider for the first time
  --path GLOB       Only files that match: a folder (src/net) or a glob (*.test.ts); may be given again
  --lang LANGUAGE   Only this language (typescript, ts, python, c++ ...); may be given again
  --kind KIND       Only this kind of code; may be given again:
                    ${CHUNK_KINDS.join(", ")}
  --no-wait         Answer at once from what is indexed so far
  --json            Answer with one JSON object
  --color WHEN      auto (default), always or never

What is piped in is part of the question. Keys are read from CEREBRAS_API_KEY, OPENAI_API_KEY and
AZURE_OPENAI_API_KEY.
Exit codes: 0 answered, 1 nothing found, 2 a mistake in what was asked, 3 something does not work.

Examples:
  cairn ask "how does retry work?"
  cairn ask "where is the cache cleared?" ../app --provider cerebras
  cairn ask "how does retry work?" --provider llama --model ~/models/qwen2.5-coder-7b-instruct-q4_k_m.gguf
  npm test 2>&1 | cairn ask "why does this fail?" --provider ollama --model qwen2.5-coder
`;

const { limit: _limit, ...NARROWING } = SEARCH_OPTIONS;

export const askCommand: Command = {
  help: HELP,
  options: {
    ...NARROWING,
    provider: { type: "string" },
    model: { type: "string" },
    "no-llm": { type: "boolean" },
    "no-cache": { type: "boolean" },
    yes: { type: "boolean" },
  },
  run: ask,
};

async function ask(context: CommandContext, given: ParsedArguments): Promise<number> {
  const [asked, folder] = given.positionals;
  if (asked === undefined || asked.trim() === "") {
    throw new CairnError("input", "There is no question.", 'For example: cairn ask "how does retry work?"');
  }
  noMoreThan(given, 2, "ask", "Put a question of several words in quotes.");
  const { limit: _, ...narrowing } = filters(given);
  const root = folderToUse(context, folder);
  const settings = terminalSettings(context);
  const host = nodeHost({ env: context.env });
  const wish = given.flag("no-llm")
    ? { provider: "none" }
    : { provider: given.text("provider"), model: given.text("model") };
  const chosen = chooseProviders(host, settings, wish);
  const piped = await pipedText(context);
  const cacheDirectory = cacheDirectoryOf(settings, host.env);
  const providers = await confirmSending(context, chosen, { cacheDirectory, yes: given.flag("yes") });

  const cache = createAnswerCache(settings, cacheDirectory, host.log);
  const question = { text: asked, piped, anew: given.flag("no-cache"), ...narrowing };
  const parts = {
    providers,
    router: await createRouter(host, settings, cacheDirectoryOf(settings, host.env)),
    fallback: settings["answer.fallback.enabled"],
    maxOutputTokens: settings["answer.maxOutputTokens"],
    neverSend: settings.neverSend,
    cache,
    onUsed: usageRecorder(settings, cacheDirectory),
  };
  const replied = async (workspace: Workspace): Promise<AnswerRecord> => {
    await untilReady(context, given, workspace, { query: asked });
    const events: AsyncIterable<AnswerEvent> = answer(question, { ...parts, workspace }, context.signal);
    if (!given.flag("json")) return printReply(context, events, () => workspace.status());
    const reply = await replyAsJson(events);
    context.terminal.print(`${JSON.stringify({ question: asked, root, ...reply })}\n`);
    return reply.record;
  };
  const { finish } = await withWorkspace(context, root, replied, settings).finally(() => {
    cache?.close();
    return Promise.all(chosen.map((provider) => provider.close?.()));
  });
  if (finish === "nothing") return ExitCode.nothingFound;
  return finish === "interrupted" ? ExitCode.unavailable : ExitCode.ok;
}

/** What a pipe or a file gives on the standard input; nothing of a terminal is read. */
async function pipedText(context: CommandContext): Promise<string> {
  if (process.stdin.isTTY || !isPiped()) return "";
  const hint = setTimeout(() => context.terminal.note(WAITING), WAITING_MS);
  try {
    return await text(addAbortSignal(context.signal, process.stdin));
  } finally {
    clearTimeout(hint);
  }
}

/** Programs that start others often leave them an open pipe into which nothing comes. */
const WAITING = "Waiting for the end of what is piped in; with nothing to pipe, add < /dev/null.\n";
const WAITING_MS = 3_000;

function isPiped(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile() || input.isSocket();
  } catch {
    return false;
  }
}
