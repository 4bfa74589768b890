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
