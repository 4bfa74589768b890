import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { type OutputLimit, streamChat } from "./chat-stream.ts";
import type { Provider } from "./llm.ts";
import { offeredModels } from "./model-list.ts";
import { openAiClient } from "./openai-client.ts";
import { ProviderError } from "./provider-error.ts";
import { identityOf, type ProviderOptions } from "./provider-options.ts";
import { RateLimits } from "./rate-limits.ts";

/** How the servers that speak OpenAI's protocol differ. */
interface Preset {
  /** Empty when every user has another. */
  readonly baseUrl: string;
  /** The environment variable of its key; empty for servers that want none. */
  readonly keyName: string;
  readonly outputLimit: OutputLimit;
}

const local = (port: number): Preset => ({
  baseUrl: `http://127.0.0.1:${port}/v1`,
  keyName: "",
  outputLimit: "max_tokens",
});

export const PRESETS = {
  openai: { baseUrl: "https://api.openai.com/v1", keyName: "OPENAI_API_KEY", outputLimit: "max_completion_tokens" },
  // Its address carries the name of the resource; below /openai/v1 it takes what OpenAI's own takes.
  azure: { baseUrl: "", keyName: "AZURE_OPENAI_API_KEY", outputLimit: "max_completion_tokens" },
  ollama: local(11434),
  lmstudio: local(1234),
  vllm: local(8000),
  "llama-server": local(8080),
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;

/** OpenAI, or any server that speaks its protocol. Its client is loaded with the first request. */
export function openAiCompatible(name: PresetName, host: Host, options: ProviderOptions): Provider {
  const { keyName, outputLimit }: Preset = PRESETS[name];
  const { baseUrl: baseURL, deadlines, contextTokens } = options;
  const key = keyName ? (host.env[keyName] ?? "") : "";
  const destination = new URL(baseURL).origin;
  const request = { provider: name, destination, keyName, key };
  const limits = new RateLimits();
  return {
    name,
    destination,
    remote: options.remote,
    identity: identityOf(options),
    hasKey: keyName === "" || key !== "",
    async open(signal) {
      if (keyName && !key) {
        const hint = phrase("Put it into the environment as {0}.", keyName);
        throw new ProviderError(name, "no-key", phrase("there is no key."), hint);
      }
      const client = await openAiClient(host, { provider: name, baseURL, key });
      const offered = (within: AbortSignal) => client.models.list({ signal: within });
      const ofServer = async () => (await offeredModels(request, deadlines.connectMs, signal, offered))[0];
      const model = options.model || (keyName ? undefined : await ofServer());
      if (!model) throw noModel(name, keyName !== "");
      const post = (body: object, within: AbortSignal) =>
        client.chat.completions.create(body as never, { signal: within }).asResponse();
      const endpoint = { ...request, model, outputLimit, deadlines, limits, post };
      const stream = streamChat.bind(undefined, endpoint);
      return { name: model, contextTokens, price: options.prices.get(model), stream };
    },
  };
}

function noModel(name: string, mustBeNamed: boolean): ProviderError {
  const hint = phrase("Name it with --model, in cairn.answer.openai.model or in OPENAI_MODEL.");
  if (mustBeNamed) return new ProviderError(name, "model-gone", phrase("no model was chosen."), hint);
  return new ProviderError(name, "model-gone", phrase("the server offers no model."), phrase("Load one there first."));
}
