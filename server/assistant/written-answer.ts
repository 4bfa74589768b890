import { type AnswerRecord, EXTRACTIVE } from "../../shared/answer-types.ts";
import { inWords } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { notAgreed } from "../answer/agreed-providers.ts";
import { answer, type Question } from "../answer/answer.ts";
import type { AnswerCache } from "../answer/answer-cache.ts";
import { JoinedFolders, type NamedFolder } from "../answer/joined-folders.ts";
import type { Provider } from "../answer/llm.ts";
import { placeOf } from "../answer/source.ts";
import type { Router } from "../route/router.ts";
import { usageRecorder } from "../usage/usage-recorder.ts";

/** Who writes answers for assistants. */
export interface Asking {
  readonly settings: Settings;
  /** Where it is remembered which providers the user agreed to. */
  readonly cacheDirectory: string;
  /** @throws CairnError when the settings name none that there is */
  providers(): readonly Provider[];
  /** Undefined when questions are not routed. */
  router(): Promise<Router | undefined>;
  /** Undefined when no answers are kept. */
  cache(): AnswerCache | undefined;
}

/**
 * The whole answer to a question, as text for a model: citations as `[path:line]`, and at the end who wrote it. What the
 * user has not agreed to is not sent: nobody can be asked here.
 * @throws ProviderError when a provider fails and there is no fallback; the signal's reason when aborted
 */
export async function writtenAnswer(
  question: Question,
  folders: readonly NamedFolder[],
  { settings, cacheDirectory, providers, router, cache }: Asking,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const all = providers();
  const fresh = notAgreed(cacheDirectory, all);
  const workspace = new JoinedFolders(folders);
  const parts = {
    workspace,
    providers: all.filter((provider) => !fresh.includes(provider)),
    router: await router(),
    fallback: settings["answer.fallback.enabled"],
    maxOutputTokens: settings["answer.maxOutputTokens"],
    neverSend: workspace.everywhere(settings.neverSend),
    cache: cache(),
    onUsed: usageRecorder(settings, cacheDirectory),
  };
  const remarks = fresh.map(
    ({ name }) =>
      `${name} was not asked: the user has to agree first, in the editor's chat or with \`cairn ask\` in a terminal.`,
  );
  let text = "";
  for await (const event of answer(question, parts, signal)) {
    if (event.type === "sources") text = "";
    if (event.type === "text") text += event.text;
    if (event.type === "citation") text += `[${event.source.path}:${event.line}]`;
    if (event.type === "unsupported") text = `${text.trimEnd()} (no source)`;
    if (event.type === "passage") {
      const { source, lines } = event.passage;
      const symbol = [...source.parents, source.name].filter(Boolean).join(" › ");
      const head = [placeOf(source), symbol].filter(Boolean).join("  ");
      text += `${head}\n${lines.map(({ line, text }) => `${line}  ${text}`).join("\n")}\n\n`;
    }
    if (event.type === "note") remarks.push(inWords(event.said));
    if (event.type === "failed") {
      const { message, hint } = event.attempt;
      remarks.push(`${inWords(message)} ${inWords(hint)}`.trim());
    }
    if (event.type === "done") remarks.push(authorOf(event.record));
  }
  return `${text.trimEnd()}\n\n${remarks.join("\n")}`.trim();
}

function authorOf({ provider, model, finish, keptFrom }: AnswerRecord): string {
  if (finish === "nothing") return "Nothing found. Other words, or fewer of paths and languages, may help.";
  if (provider === EXTRACTIVE) return "Quoted from the code, without a language model.";
  const whole = { complete: "", length: " It was cut at its limit of tokens.", interrupted: " It breaks off." }[finish];
  const when = keptFrom ? `, kept from ${keptFrom.slice(0, 10)}` : "";
  return `Written by ${[provider, model].filter(Boolean).join(" ")} from the code it cites${when}.${whole}`;
}
