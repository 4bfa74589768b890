import { basename } from "node:path";
import type { OfferedModel, OfferedModelRequest } from "../../shared/editor-model-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { OfferedAnswer } from "../../shared/protocol.ts";
import type { Settings } from "../../shared/settings.ts";
import { estimateTokens, TOKENS_PER_MESSAGE } from "../../shared/token-estimate.ts";
import type { UsageOutcome } from "../../shared/usage-types.ts";
import { notAgreed } from "../answer/agreed-providers.ts";
import { usualContext } from "../answer/choose-providers.ts";
import type { ModelEvent, Provider } from "../answer/llm.ts";
import { localLlmFile } from "../answer/local-llm-choice.ts";
import { ProviderError } from "../answer/provider-error.ts";
import type { Asking } from "../assistant/written-answer.ts";
import { usageRecorder } from "../usage/usage-recorder.ts";

/** The models of the providers that are set, for others to ask. Nothing is sent, loaded or looked for to find out. */
export function offeredModels({ settings, cacheDirectory, providers }: Asking): OfferedModel[] {
  return offered(providers()).map(({ name, destination, remote }) => {
    const contextTokens = settings["answer.contextTokens"] || usualContext(remote);
    const maxOutputTokens = Math.min(settings["answer.maxOutputTokens"], Math.floor(contextTokens / 2));
    const model = modelSetFor(name, settings, cacheDirectory);
    return { provider: name, model, destination, maxInputTokens: contextTokens - maxOutputTokens, maxOutputTokens };
  });
}

/**
 * Has one of these models answer what somebody else has written, or says to whom the user has to agree first. What that
 * is made of is not known here: `cairn.neverSend` holds for files, and these are messages.
 * @throws CairnError("input") for a provider that is not set; ProviderError when it fails
 */
export async function askOffered(
  { provider: name, messages }: OfferedModelRequest,
  { settings, cacheDirectory, providers }: Asking,
  send: (text: string) => void,
  signal: AbortSignal,
): Promise<OfferedAnswer> {
  const provider = offered(providers()).find((one) => one.name === name);
  if (!provider) {
    throw new CairnError(
      "input",
      phrase("{0} is no longer the provider that is set.", name),
      phrase("Choose another model, or set cairn.answer.provider."),
    );
  }
  const fresh = notAgreed(cacheDirectory, [provider]);
  if (fresh.length > 0) {
    return { kind: "consent", destinations: [{ provider: name, address: provider.destination }] };
  }
  const started = performance.now();
  const seconds = () => Math.round(performance.now() - started) / 1000;
  let [model, outcome, firstSeconds]: [string, UsageOutcome, number | undefined] = ["", "stopped", undefined];
  let end: Extract<ModelEvent, { type: "end" }> | undefined;
  try {
    const opened = await provider.open(signal);
    model = opened.name;
    const inputTokens = messages.reduce((sum, { content }) => sum + estimateTokens(content) + TOKENS_PER_MESSAGE, 0);
    const maxOutputTokens = Math.min(settings["answer.maxOutputTokens"], Math.floor(opened.contextTokens / 2));
    for await (const event of opened.stream({ messages, inputTokens, maxOutputTokens }, signal)) {
      firstSeconds ??= seconds();
      if (event.type === "text") send(event.text);
      else end = event;
    }
    outcome = end?.finish === "length" ? "length" : "complete";
    return { kind: "answered" };
  } catch (error) {
    if (!signal.aborted && error instanceof ProviderError) outcome = error.failure;
    throw error;
  } finally {
    const { remote } = provider;
    const times = { ...(firstSeconds !== undefined && { firstSeconds }), seconds: seconds() };
    const record = usageRecorder(settings, cacheDirectory);
    if (outcome !== "no-key")
      record?.({ kind: "answer", provider: name, model, remote, ...end?.usage, ...times, outcome });
  }
}

/** The editor's own models are there already. */
function offered(providers: readonly Provider[]): Provider[] {
  return providers.filter(({ name }) => name !== "editor");
}

function modelSetFor(provider: string, settings: Settings, cacheDirectory: string): string {
  if (provider === "cerebras") return settings["answer.cerebras.model"];
  const file = basename(localLlmFile(settings, cacheDirectory));
  if (provider === "llama") return file;
  return (provider === "local" && file) || settings["answer.openai.model"];
}
