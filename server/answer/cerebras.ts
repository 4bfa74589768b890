import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import { streamChat } from "./chat-stream.ts";
import type { Provider } from "./llm.ts";
import { offeredModels } from "./model-list.ts";
import { ProviderError } from "./provider-error.ts";
import { fetchThere, identityOf, LONGEST_REQUEST_MS, type ProviderOptions } from "./provider-options.ts";
import { RateLimits } from "./rate-limits.ts";

export const CEREBRAS_URL = "https://api.cerebras.ai";
const KEY_NAME = "CEREBRAS_API_KEY";
/** Taken where the account offers it and nothing else was chosen. */
const PREFERRED_MODEL = "llama-3.3-70b";

/** Cerebras, through its own client, which is loaded with the first request. */
export function cerebras(host: Host, options: ProviderOptions): Provider {
  const name = "cerebras";
  const { baseUrl: baseURL, deadlines, contextTokens } = options;
  const destination = new URL(baseURL).origin;
  const key = host.env[KEY_NAME] ?? "";
  const request = { provider: name, destination, keyName: KEY_NAME, key };
  const limits = new RateLimits();
  let offeredIds: readonly string[] = [];
  return {
    name,
    destination,
    remote: options.remote,
    identity: identityOf(options),
    hasKey: key !== "",
    async open(signal) {
      if (!key) {
        const hint = phrase("Put it into the environment as {0}.", KEY_NAME);
        throw new ProviderError(name, "no-key", phrase("there is no key."), hint);
      }
      const { default: Cerebras } = await import("@cerebras/cerebras_cloud_sdk");
      const client = new Cerebras({
        baseURL,
        apiKey: key,
        // Its types are those of node-fetch; it takes the platform's own.
        fetch: fetchThere(host) as never,
        maxRetries: 0,
        timeout: LONGEST_REQUEST_MS,
        // Otherwise the constructor already calls home, with the key.
        warmTCPConnection: false,
      });
      // Which models there are changes often, and with the account.
      const offered = async (within: AbortSignal) => ({
        data: (await client.models.list({ signal: within })).data ?? [],
      });
      if (!options.model && offeredIds.length === 0) {
        offeredIds = await offeredModels(request, deadlines.connectMs, signal, offered);
      }
      const model = options.model || (offeredIds.includes(PREFERRED_MODEL) ? PREFERRED_MODEL : offeredIds[0]);
      if (!model) {
        const message = phrase("the account offers no model.");
        throw new ProviderError(name, "model-gone", message, phrase("Check the account."));
      }
      const post = async (body: object, within: AbortSignal) =>
        (await client.chat.completions.create(body as never, { signal: within }).asResponse()) as unknown as Response;
      const endpoint = { ...request, model, outputLimit: "max_completion_tokens", deadlines, limits, post } as const;
      return {
        name: model,
        contextTokens,
        price: options.prices.get(model),
        async *stream(chat, signal) {
          try {
            yield* streamChat(endpoint, chat, signal);
          } catch (error) {
            // The list is out of date: it is asked for again next time.
            if (error instanceof ProviderError && error.failure === "model-gone") offeredIds = [];
            throw error;
          }
        },
      };
    },
  };
}
