import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import type { Provider } from "./llm.ts";
import { openAiCompatible, PRESETS, type PresetName } from "./openai-compatible.ts";
import { ProviderError } from "./provider-error.ts";
import { identityOf, type ProviderOptions } from "./provider-options.ts";

/** Looked for in this order. */
const LOCAL_SERVERS = ["ollama", "llama-server", "lmstudio", "vllm"] as const satisfies readonly PresetName[];
/** A server on this machine that is there answers at once. */
const WITHIN_MS = 5_000;

/**
 * Whichever server with models runs on this machine: the usual ports are asked for their list of models when the first
 * answer is wanted.
 */
export function localServer(host: Host, optionsFor: (baseUrl: string) => ProviderOptions): Provider {
  return {
    name: "local",
    destination: DESTINATION,
    remote: false,
    identity: identityOf(optionsFor(DESTINATION)),
    hasKey: true,
    async open(signal) {
      const there = await Promise.all(LOCAL_SERVERS.map((name) => isThere(host, PRESETS[name].baseUrl, signal)));
      signal.throwIfAborted();
      const name = LOCAL_SERVERS.find((_, i) => there[i]);
      if (name) return openAiCompatible(name, host, optionsFor(PRESETS[name].baseUrl)).open(signal);
      const looked = LOCAL_SERVERS.map((name) => `${name} (${new URL(PRESETS[name].baseUrl).port})`).join(", ");
      const message = phrase("no server with language models runs on this machine.");
      throw new ProviderError("local", "network", message, phrase("Looked for {0}.", looked));
    },
  };
}

const DESTINATION = "http://127.0.0.1";

/** Whether an Ollama with at least one model answers at an address of this machine. It is asked for its version and its models. */
export async function isOllama(host: Pick<Host, "fetch">, origin: string, signal: AbortSignal): Promise<boolean> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
    const response = await host.fetch(`${origin}/api/version`, { signal: within });
    const told = (await response.json()) as { version?: unknown } | null;
    return typeof told?.version === "string" && (await isThere(host, `${origin}/v1`, signal));
  } catch {
    return false;
  }
}

/** Another kind of server may use the port: only a list of models counts. */
async function isThere(host: Pick<Host, "fetch">, baseUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
    const response = await host.fetch(`${baseUrl}/models`, { signal: within });
    const list = (await response.json()) as { data?: unknown } | null;
    return response.ok && Array.isArray(list?.data) && list.data.length > 0;
  } catch {
    return false;
  }
}
