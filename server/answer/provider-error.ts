import type { Failure } from "../../shared/answer-types.ts";
import { CairnError, type ErrorKind } from "../../shared/errors.ts";
import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";

/** A provider that did not answer, as people read it: what happened, and what to do next. */
export class ProviderError extends CairnError {
  readonly provider: string;
  readonly failure: Failure;
  /** How long the provider wants to be left alone, in milliseconds; undefined when it does not say. */
  readonly waitMs: number | undefined;

  constructor(
    provider: string,
    failure: Failure,
    message: Phrase,
    hint: Phrase = SILENCE,
    options: ErrorOptions & { waitMs?: number } = {},
  ) {
    super(KINDS[failure] ?? "provider", phrase("{0}: {1}", provider, message), hint, options);
    this.name = "ProviderError";
    this.provider = provider;
    this.failure = failure;
    this.waitMs = options.waitMs;
  }
}

/** A missing key is the user's to set; an answer in the wrong shape is the provider's fault. */
const KINDS: Partial<Record<Failure, ErrorKind>> = { "no-key": "input", output: "output" };
