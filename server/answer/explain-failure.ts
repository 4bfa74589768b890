import type { Failure } from "../../shared/answer-types.ts";
import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import { redact } from "../../shared/redact.ts";
import { isCertificateCode, isRedirect, networkCode } from "../network-failure.ts";
import { ProviderError } from "./provider-error.ts";
import { retryAfterMs } from "./rate-limits.ts";

/** The parts of a client's error that tell what happened; the clients of OpenAI and Cerebras share them. */
interface ClientError {
  readonly status?: unknown;
  readonly headers?: unknown;
  readonly error?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

export interface FailedRequest {
  readonly provider: string;
  /** What the request was sent to, for the user to recognise. */
  readonly destination: string;
  readonly model: string;
  /** The environment variable that holds the key; empty when there is none. */
  readonly keyName: string;
  /** Taken out of whatever the provider says. */
  readonly key: string;
}

/**
 * What a failed request means, as a person can act on it. An error that is explained already stays as it is.
 * @param begun whether the provider had begun to answer
 */
export function explainFailure(error: unknown, request: FailedRequest, begun = false): ProviderError {
  if (error instanceof ProviderError) return error;
  const client = (error ?? {}) as ClientError;
  const { provider } = request;
  const said = saidBy(client, request);
  if (typeof client.status === "number" && client.status > 0)
    return explainStatus(client.status, client, said, request);

  const code = networkCode(error);
  const where = request.destination;
  if (isCertificateCode(code)) {
    const hint = phrase("If your company inspects traffic, name its certificate in NODE_EXTRA_CA_CERTS.");
    const message = phrase("the certificate of {0} is not trusted ({1}).", where, code);
    return new ProviderError(provider, "certificate", message, hint, { cause: error });
  }
  if (isRedirect(error)) {
    const message = phrase("{0} sends to another address, and that is not followed.", where);
    const hint = phrase("If you trust the other address, set that one.");
    return new ProviderError(provider, "network", message, hint, { cause: error });
  }
  const why = code || said || phrase("no reason given");
  if (begun) {
    const message = phrase("the connection broke ({0}).", why);
    return new ProviderError(provider, "network", message, phrase("Try again."), { cause: error });
  }
  const hint = LOOPBACK.test(where)
    ? phrase("Is the server running?")
    : phrase("Check the connection, the address and the proxy.");
  const message = phrase("{0} could not be reached ({1}).", where, why);
  return new ProviderError(provider, "network", message, hint, { cause: error });
}

function explainStatus(status: number, client: ClientError, said: string, request: FailedRequest): ProviderError {
  const { provider, model, keyName } = request;
  const { code, type } = detailsOf(client);
  const fail = (failure: Failure, message: Phrase, hint: Phrase, waitMs?: number) =>
    new ProviderError(provider, failure, said ? phrase("{0} It says: {1}", message, said) : message, hint, { waitMs });

  if (/insufficient_quota|billing|payment_required/.test(`${code} ${type}`) || status === 402) {
    return fail(
      "no-credit",
      phrase("the account has no credit left ({0}).", status),
      phrase("Add credit there, or choose another provider."),
    );
  }
  if (status === 401 || status === 403) {
    const hint = keyName
      ? phrase("Check the key in {0}, and what it may be used for.", keyName)
      : phrase("The server wants a key.");
    return fail("bad-key", phrase("the key was not accepted ({0}).", status), hint);
  }
  if (status === 429) {
    const waitMs = client.headers ? retryAfterMs(headersOf(client.headers), Date.now()) : undefined;
    const hint =
      waitMs === undefined ? phrase("Try again later.") : phrase("Try again in {0} s.", Math.ceil(waitMs / 1000));
    return fail("rate-limit", phrase("too many requests or tokens for now (429)."), hint, waitMs);
  }
  if (TOO_LONG.test(`${code} ${type} ${said}`) || status === 413) {
    return fail(
      "context-too-long",
      phrase("the question with its sources is too long for {0}.", model),
      phrase("Lower cairn.answer.contextTokens."),
    );
  }
  if (/content_filter|content_policy|safety/.test(`${code} ${type}`)) {
    const hint = phrase("Ask in other words, or choose another provider.");
    return fail("refused", phrase("the content was refused."), hint);
  }
  if (status === 404) {
    const hint = phrase("Choose another with --model or in the settings.");
    return fail("model-gone", phrase('there is no model "{0}" (404).', model), hint);
  }
  if (status >= 500 || status === 408) {
    return fail("server", phrase("it does not work right now ({0}).", status), phrase("Try again later."));
  }
  return fail("rejected", phrase("the request was rejected ({0}).", status), SILENCE);
}

const TOO_LONG =
  /context_length|context length|context window|maximum context|too long|too many tokens|exceeds? the (?:maximum|limit)/i;
const LOOPBACK = /\/\/(?:localhost|127\.|\[::1\])/;

function detailsOf({ error }: ClientError): { message: string; code: string; type: string } {
  const body = (isRecord(error) && isRecord(error.error) ? error.error : error) ?? {};
  const { message, code, type } = isRecord(body) ? body : {};
  return { message: String(message ?? ""), code: String(code ?? ""), type: String(type ?? "") };
}

/** The provider's own words, short, on one line and without secrets. */
function saidBy(client: ClientError, { key }: FailedRequest): string {
  const words = detailsOf(client).message || (isRecord(client.error) ? "" : String(client.message ?? ""));
  const safe = redact(key ? words.replaceAll(key, "<key>") : words, { home: "", user: "" });
  const line = safe.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}

const LONGEST_QUOTE = 300;

function headersOf(headers: unknown): Headers {
  return headers instanceof Headers ? headers : new Headers(headers as Record<string, string>);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
