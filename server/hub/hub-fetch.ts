import { setTimeout as wait } from "node:timers/promises";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import type { HubAccess } from "./hub-access.ts";
import { type Asked, explainLoss, explainRefusal, waitSeconds } from "./hub-failure.ts";
import { fetchWithin } from "./silence.ts";

const MOST_REDIRECTS = 6;
const MOST_ATTEMPTS = 4;
/** Longer than this nobody waits in silence: it becomes an error that says how long. */
const LONGEST_WAIT_S = 30;
const FIRST_WAIT_S = 0.2;
const PASSING = new Set([429, 500, 502, 503, 504]);

type Fetch = typeof globalThis.fetch;

/**
 * The `fetch` with which a repository is asked for: it shows the token to the Hub's own address and to nobody to whom
 * that redirects (large files lie elsewhere, under addresses that carry their own right), never goes on unencrypted what
 * began encrypted, tries again what fails in passing, and throws what a person can act on instead of answering with a
 * refusal.
 *
 * @throws {CairnError} `unavailable` offline and without an answer, `provider` when the answer is no success
 */
export function hubFetch(
  host: Pick<Host, "fetch">,
  access: HubAccess,
  repository: string,
  signal?: AbortSignal,
): Fetch {
  const asked = { endpoint: access.endpoint, repository, hasToken: access.token !== undefined };
  const send = fetchWithin(host.fetch, access.silenceMs);
  return async (input, init) => {
    const url = String(input);
    if (access.offline) {
      throw new CairnError(
        "unavailable",
        phrase("{0} is not complete on this machine, and HF_HUB_OFFLINE forbids to download it.", repository),
        phrase("Unset HF_HUB_OFFLINE for once, or copy the model into the Hub's cache: {0}.", access.cacheFolder),
      );
    }
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const answer = await follow(send, access, url, { ...init, signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        // Who was silent for so long is not waited for again.
        if (error instanceof CairnError) throw error;
        return explainLoss(error, url);
      });
      if (answer instanceof Response && answer.ok) return answer;
      const { failure, passing, seconds } = answer instanceof Response ? await refused(answer, asked) : lost(answer);
      if (!passing || attempt === MOST_ATTEMPTS || (seconds ?? 0) > LONGEST_WAIT_S) throw failure;
      await wait(1000 * (seconds ?? FIRST_WAIT_S * 2 ** (attempt - 1) * (0.5 + Math.random())), undefined, { signal });
    }
  };
}

interface Failed {
  readonly failure: CairnError;
  /** It may be over when it is asked again. */
  readonly passing: boolean;
  /** After which it says it will be. */
  readonly seconds?: number;
}

async function refused(response: Response, asked: Asked): Promise<Failed> {
  await response.body?.cancel();
  const { status, headers } = response;
  return { failure: explainRefusal(response, asked), passing: PASSING.has(status), seconds: waitSeconds(headers) };
}

function lost(failure: CairnError): Failed {
  return { failure, passing: failure.kind === "unavailable" };
}

async function follow(send: Fetch, access: HubAccess, first: string, init: RequestInit): Promise<Response> {
  let url = new URL(first);
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const headers = new Headers(init.headers);
    headers.delete("authorization");
    if (access.token !== undefined && url.origin === new URL(access.endpoint).origin) {
      headers.set("authorization", `Bearer ${access.token}`);
    }
    const response = await send(url, { ...init, headers, redirect: "manual" });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (!next || !/^https?:$/.test(next.protocol) || (url.protocol === "https:" && next.protocol !== "https:")) {
      throw new CairnError(
        "output",
        phrase("{0} redirects to where nothing is downloaded from: {1}", url.host, location.slice(0, 200)),
        phrase("Check HF_ENDPOINT and the proxy."),
      );
    }
    url = next;
  }
  throw new CairnError(
    "output",
    phrase("{0} redirects without end.", new URL(first).host),
    phrase("Check HF_ENDPOINT and the proxy."),
  );
}
