/** A small project: two files with one idea each, in two languages. */
export const PROJECT = {
  "src/retry.ts": `/** Sends a request again after a failure, waiting longer each time. */
export async function retryRequest(send: () => Promise<Response>, attempts: number): Promise<Response> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const response = await send();
    if (response.ok) return response;
  }
  throw new Error("no attempt succeeded");
}
`,
  "src/colours.py": `def mix_colours(first, second):
    """Blends two colours in equal parts."""
    return [(a + b) / 2 for a, b in zip(first, second)]
`,
};

/** A function, and the one of another file that it calls. */
export const RETRYING = {
  "src/retry.ts": `import { backoffDelay } from "./backoff.ts";

/** Sends a request again after a failure, waiting longer each time. */
export async function retryRequest(send: () => Promise<Response>, attempts: number): Promise<Response> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const response = await send();
    if (response.ok) return response;
    await backoffDelay(attempt);
  }
  throw new Error("no attempt succeeded");
}
`,
  "src/backoff.ts": `/** Waits before the next attempt of a request: twice as long as before the last. */
export function backoffDelay(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt));
}
`,
};
