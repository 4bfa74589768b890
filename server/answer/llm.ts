import type { ProviderTiming, Tier, Usage } from "../../shared/answer-types.ts";
import type { ModelPrice } from "../usage/price-table.ts";
import { costOfTokens } from "../usage/usage-summary.ts";

/** What the answer asks of a language model, whoever runs it: plain data, streamed. */

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** Tokens of all messages, estimated from above. */
  readonly inputTokens: number;
  /** The model stops after so many. */
  readonly maxOutputTokens: number;
}

/** US dollars per million tokens. */
export type Price = Pick<ModelPrice, "input" | "output" | "cachedInput" | "asOf">;

export type ModelEvent =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "end";
      /** `length`: the answer was cut at the limit of output tokens. */
      readonly finish: "stop" | "length";
      readonly usage?: Usage;
      readonly timing?: ProviderTiming;
      /** What the model ran on, where that is this machine. */
      readonly device?: string;
    };

/** One model of one provider, ready to be asked. */
export interface LanguageModel {
  readonly name: string;
  /** Tokens of input and output together. */
  readonly contextTokens: number;
  /** Undefined when nobody has said what it costs. */
  readonly price?: Price;
  /**
   * Streams one answer. The last event is the only `end`; leaving the loop earlier closes the request.
   * @throws ProviderError when the provider fails; the signal's reason when aborted.
   */
  stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined>;
}

/** Somebody who runs models. Nothing is sent before {@link Provider.open}. */
export interface Provider {
  readonly name: string;
  /** Where requests go: the origin of its address. */
  readonly destination: string;
  /** True when that is another machine. */
  readonly remote: boolean;
  /** All that decides what it writes besides the request: its address, its model, its options. Its answers are kept under it. */
  readonly identity: string;
  /** False while its key is missing: then nothing is ever sent. */
  readonly hasKey: boolean;
  /** Set when questions are routed between this provider and another. */
  readonly tier?: Tier;
  /** Chooses the model, asking the provider for its list when none was named. @throws ProviderError */
  open(signal: AbortSignal): Promise<LanguageModel>;
  /** Gives back what it holds, such as the memory of a model that runs here. */
  close?(): Promise<void>;
}

/** What an answer has cost, in US dollars; undefined when the price or the tokens are not known. */
export function costOf(price: Price | undefined, usage: Usage | undefined): number | undefined {
  return price && usage && costOfTokens(price, usage);
}
