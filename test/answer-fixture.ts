/** A key as a provider gives it; what is shown must never have it. */
export const KEY = "csk-0123456789abcdef";

/** A small project to ask about. */
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
