import type { Host } from "../host.ts";
import type { Price } from "./llm.ts";
import type { Deadlines } from "./watchdog.ts";

/** What the settings say of one provider. */
export interface ProviderOptions {
  readonly baseUrl: string;
  /** Empty: one that it offers. */
  readonly model: string;
  /** True when the address is on another machine. */
  readonly remote: boolean;
  readonly contextTokens: number;
  readonly deadlines: Deadlines;
  /** By name of the model. */
  readonly prices: { get(model: string): Price | undefined };
}

/** What of it decides what the provider writes. */
export function identityOf({ baseUrl, model, contextTokens }: ProviderOptions): string {
  return JSON.stringify([baseUrl, model, contextTokens]);
}

/** Given to the providers' clients: their own time-outs never come before the watchdog. */
export const LONGEST_REQUEST_MS = 3_600_000;

/** The host's fetch for a provider's client. A redirect would carry the question to where nobody agreed to send it. */
export function fetchThere(host: Pick<Host, "fetch">): typeof globalThis.fetch {
  return (input, init) => host.fetch(input, { ...init, redirect: "error" });
}
