import type OpenAI from "openai";
import type { Host } from "../host.ts";
import { fetchThere, LONGEST_REQUEST_MS } from "./provider-options.ts";

/** Where a client sends its requests, and with which key. */
export interface OpenAiAccess {
  /** As `cairn.answer.provider` names it. */
  readonly provider: string;
  readonly baseURL: string;
  /** Empty for servers without keys. */
  readonly key: string;
}

/** OpenAI's own client, loaded when it is first needed, with nothing but what it is given here. */
export async function openAiClient(
  host: Pick<Host, "fetch">,
  { provider, baseURL, key }: OpenAiAccess,
): Promise<OpenAI> {
  const { default: Client } = await import("openai");
  return new Client({
    baseURL,
    // The client insists on a key; servers without keys do not look at it.
    apiKey: key || "none",
    defaultHeaders: provider === "azure" ? { "api-key": key } : {},
    fetch: fetchThere(host),
    maxRetries: 0,
    timeout: LONGEST_REQUEST_MS,
    logLevel: "off",
    // What is not given it would take from the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
  });
}
