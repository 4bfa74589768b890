import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";

/** What a request was about, for a message that a person can act on. */
export interface Asked {
  readonly endpoint: string;
  /** `owner/name` on the Hub. */
  readonly repository: string;
  readonly hasToken: boolean;
}

/** What an answer that is not a success means. The body is not shown: it may be a page of a proxy. */
export function explainRefusal(response: Response, asked: Asked): CairnError {
  const { status, headers } = response;
  const { repository } = asked;
  const host = new URL(asked.endpoint).host;
  const page = `${asked.endpoint}/${repository}`;
  const code = headers.get("x-error-code") ?? "";
  const fail = (message: Phrase, hint: Phrase) => new CairnError("provider", message, hint);

  if (code === "GatedRepo" || (status === 403 && code === "")) {
    const open = phrase("Accept its terms at {0}, then give a token of yours in HF_TOKEN.", page);
    return fail(phrase("{0} is open only to those who accepted its terms ({1}).", repository, status), open);
  }
  if (status === 401 && asked.hasToken && code === "") {
    return fail(
      phrase("{0} does not accept the token (401).", host),
      phrase("Make a new one there and put it into HF_TOKEN, or remove it: most models need none."),
    );
  }
  if (code === "RevisionNotFound") {
    return fail(
      phrase("{0} has no such revision any more (404).", repository),
      phrase("Update Cairn, or remove the model and pull it again."),
    );
  }
  if (code === "EntryNotFound") {
    return fail(phrase("{0} lacks a file that the catalogue names (404).", repository), phrase("Update Cairn."));
  }
  if (status === 401 || status === 404) {
    return fail(
      phrase("{0} knows no {1}, or shows it only to some ({2}).", host, repository, status),
      phrase("If you may see it, put a token of yours into HF_TOKEN. A mirror (HF_ENDPOINT) may lack it."),
    );
  }
  if (status === 429) {
    const seconds = waitSeconds(headers);
    const later = seconds === undefined ? phrase("later") : phrase("in {0} s", seconds);
    return fail(
      phrase("{0} allows no more requests for now (429).", host),
      phrase("Try again {0}; with a token in HF_TOKEN it allows more.", later),
    );
  }
  if (status >= 500)
    return fail(phrase("{0} does not work right now ({1}).", host, status), phrase("Try again later."));
  return fail(phrase("{0} refused the request ({1}).", host, status), phrase("Check HF_ENDPOINT and the proxy."));
}

/** A request without any answer, or an answer that broke off. */
export function explainLoss(error: unknown, url: string): CairnError {
  if (error instanceof CairnError) return error;
  const code = causeCode(error);
  const { host } = new URL(url);
  if (CERTIFICATE.test(code)) {
    return new CairnError(
      "unavailable",
      phrase("The certificate of {0} is not trusted ({1}).", host, code),
      phrase("If your company inspects traffic, name its certificate in NODE_EXTRA_CA_CERTS."),
      { cause: error },
    );
  }
  return new CairnError(
    "unavailable",
    phrase("{0} could not be reached ({1}).", host, code || String((error as Error).message)),
    phrase("Check the connection. Behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1."),
    { cause: error },
  );
}

/** Seconds after which a server that limits requests takes the next one; undefined when it does not say. */
export function waitSeconds(headers: Headers): number | undefined {
  const after = headers.get("retry-after");
  if (after !== null && /^\d+$/.test(after.trim())) return Number(after);
  // As the Hub says it: "api";r=0;t=55
  const reset = /;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "");
  return reset ? Number(reset[1]) : undefined;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|ALTNAME/;

/** The first code along the causes: `fetch failed` itself says nothing. */
function causeCode(error: unknown): string {
  for (let at = error as { code?: unknown; cause?: unknown } | undefined, depth = 0; at && depth < 6; depth++) {
    if (typeof at.code === "string") return at.code;
    const [first] = (at as { errors?: { code?: string }[] }).errors ?? [];
    if (first?.code) return first.code;
    at = at.cause as typeof at;
  }
  return "";
}
