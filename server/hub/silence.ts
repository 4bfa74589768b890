import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** A mirror may have to fetch what it is asked for first; one that has said nothing for so long is not coming back. */
export const SILENCE_MS = 60_000;

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` that does not wait for ever: where no answer comes, or in the middle of one no further byte, the connection is
 * given up. Time that the reader takes for itself does not count.
 *
 * @param silenceMs milliseconds without a byte
 * @returns throws a {@link CairnError} `unavailable` where no answer comes; the body of an answer that falls silent breaks
 * off as a connection that was cut
 */
export function fetchWithin(fetch: Fetch, silenceMs: number): Fetch {
  return async (input, init) => {
    const silence = new AbortController();
    const signal = init?.signal ? AbortSignal.any([init.signal, silence.signal]) : silence.signal;
    const heard = async <T>(coming: Promise<T>, reason: () => Error): Promise<T> => {
      const timer = setTimeout(() => silence.abort(reason()), silenceMs);
      try {
        return await coming;
      } finally {
        clearTimeout(timer);
      }
    };
    const { host } = new URL(input instanceof Request ? input.url : input);
    const response = await heard(fetch(input, { ...init, signal }), () => saysNothing(host, silenceMs));
    if (!response.body) return response;
    const reader = response.body.getReader();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await heard(reader.read(), () => new Error(`nothing came for ${silenceMs / 1000} s`));
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      // Nothing is asked for before somebody reads.
      { highWaterMark: 0 },
    );
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
}

function saysNothing(host: string, silenceMs: number): CairnError {
  return new CairnError(
    "unavailable",
    phrase("{0} takes the request and does not answer ({1} s).", host, silenceMs / 1000),
    phrase("Try again later. A proxy or a mirror on the way may hold it up."),
  );
}
