import type { Failure } from "../../shared/answer-types.ts";
import { redact } from "../../shared/redact.ts";
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

  const code = causeCode(error);
  const where = request.destination;
  if (CERTIFICATE.test(code)) {
    const hint = "If your company inspects traffic, name its certificate in NODE_EXTRA_CA_CERTS.";
    return new ProviderError(provider, "certificate", `the certificate of ${where} is not trusted (${code}).`, hint, {
      cause: error,
    });
  }
  const why = code || said || "no reason given";
  if (begun)
    return new ProviderError(provider, "network", `the connection broke (${why}).`, "Try again.", { cause: error });
  const hint = LOOPBACK.test(where) ? "Is the server running?" : "Check the connection, the address and the proxy.";
  return new ProviderError(provider, "network", `${where} could not be reached (${why}).`, hint, { cause: error });
}

function explainStatus(status: number, client: ClientError, said: string, request: FailedRequest): ProviderError {
  const { provider, model, keyName } = request;
  const { code, type } = detailsOf(client);
  const fail = (failure: Failure, message: string, hint: string, waitMs?: number) =>
    new ProviderError(provider, failure, `${message}${said ? ` It says: ${said}` : ""}`, hint, { waitMs });

  if (/insufficient_quota|billing|payment_required/.test(`${code} ${type}`) || status === 402) {
    return fail(
      "no-credit",
      `the account has no credit left (${status}).`,
      "Add credit there, or choose another provider.",
    );
  }
  if (status === 401 || status === 403) {
    const hint = keyName ? `Check the key in ${keyName}, and what it may be used for.` : "The server wants a key.";
    return fail("bad-key", `the key was not accepted (${status}).`, hint);
  }
  if (status === 429) {
    const waitMs = client.headers ? retryAfterMs(headersOf(client.headers), Date.now()) : undefined;
    const wait = waitMs === undefined ? "later" : `in ${Math.ceil(waitMs / 1000)} s`;
    return fail("rate-limit", "too many requests or tokens for now (429).", `Try again ${wait}.`, waitMs);
  }
  if (TOO_LONG.test(`${code} ${type} ${said}`) || status === 413) {
    return fail(
      "context-too-long",
      `the question with its sources is too long for ${model}.`,
      "Lower cairn.answer.contextTokens.",
    );
  }
  if (/content_filter|content_policy|safety/.test(`${code} ${type}`)) {
    return fail("refused", "the content was refused.", "Ask in other words, or choose another provider.");
  }
  if (status === 404) {
    return fail("model-gone", `there is no model "${model}" (404).`, "Choose another with --model or in the settings.");
  }
  if (status >= 500 || status === 408)
    return fail("server", `it does not work right now (${status}).`, "Try again later.");
  return fail("rejected", `the request was rejected (${status}).`, "");
}

const TOO_LONG =
  /context_length|context length|context window|maximum context|too long|too many tokens|exceeds? the (?:maximum|limit)/i;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|ALTNAME/;
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

/** The first code along the causes: `fetch failed` itself says nothing. */
function causeCode(error: unknown): string {
  for (let at = error, depth = 0; isRecord(at) && depth < 6; at = at.cause, depth++) {
    if (typeof at.code === "string") return at.code;
    // Both families of an address may have failed.
    if (Array.isArray(at.errors) && isRecord(at.errors[0])) return String(at.errors[0].code ?? "");
  }
  return "";
}

function headersOf(headers: unknown): Headers {
  return headers instanceof Headers ? headers : new Headers(headers as Record<string, string>);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
