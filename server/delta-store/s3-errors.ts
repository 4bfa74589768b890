import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** What the store's client throws, as far as it tells anything. */
interface Failure {
  name?: string;
  message?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

/** Whether a request failed because there is no such object. */
export function isMissing(error: unknown): boolean {
  const { name } = (error ?? {}) as Failure;
  return name === "NoSuchKey" || name === "NotFound";
}

/** Whether a store answered, and neither with a refusal: it no longer knows what an earlier run began, as a rule. */
export function isAnswer(error: unknown): boolean {
  const status = ((error ?? {}) as { cause?: Failure }).cause?.$metadata?.httpStatusCode ?? 0;
  return status >= 400 && status !== 401 && status !== 403;
}

/** What a store or the way to it has to say, for people. */
export function s3Error(error: unknown, place: string): CairnError {
  if (error instanceof CairnError) return error;
  const { name = "", message = "", code = "", $metadata } = (error ?? {}) as Failure;
  const status = $metadata?.httpStatusCode ?? 0;
  const options = { cause: error };
  if (/Credentials|TokenProvider|SSO/.test(name)) {
    return new CairnError(
      "input",
      phrase("There are no credentials for {0}.", place),
      phrase("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, as for the AWS tools."),
      options,
    );
  }
  if (/region is missing/i.test(message)) {
    return new CairnError("input", phrase("Which region is {0} in?", place), phrase("Set AWS_REGION."), options);
  }
  if (name === "NoSuchBucket")
    return new CairnError(
      "input",
      phrase("There is no bucket for {0}.", place),
      phrase("Create it, or check its name and the endpoint."),
      options,
    );
  if (isMissing(error))
    return new CairnError(
      "corrupt",
      phrase("{0} does not have what one of its names stands for.", place),
      phrase("Push the delta again."),
      options,
    );
  if (status === 401 || status === 403) {
    return new CairnError(
      "unavailable",
      phrase("{0} refuses: {1}.", place, message || name),
      phrase("Check the credentials, what they permit, and this machine's clock."),
      options,
    );
  }
  if (status === 301 || status === 307 || name === "PermanentRedirect") {
    return new CairnError(
      "input",
      phrase("{0} is in another region, or at another endpoint.", place),
      phrase("Set AWS_REGION, or give --endpoint."),
      options,
    );
  }
  // The client calls a connection that was cut a timeout.
  if (/^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENETUNREACH|EPIPE)/.test(code)) {
    return new CairnError(
      "unavailable",
      phrase("{0} cannot be reached: {1}.", place, message || code),
      phrase("Check the network and the endpoint, then start again: what was transferred is kept."),
      options,
    );
  }
  if (name === "TimeoutError" || code === "ETIMEDOUT") {
    return new CairnError(
      "unavailable",
      phrase("{0} does not answer.", place),
      phrase("Start again later: what was transferred is kept."),
      options,
    );
  }
  return new CairnError(
    "unavailable",
    phrase("{0} failed: {1}.", place, message || name),
    phrase("Start again: what was transferred is kept."),
    options,
  );
}
