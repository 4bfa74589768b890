import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findSymbols } from "../server/search/symbols.ts";
import { indexed } from "./search-fixture.ts";

const snapshot = await indexed({
  "src/retry.ts": `
/** Tries the work again until it is done. ${"It waits between the attempts. ".repeat(8)} */
export async function retryWithBackoff(work: () => Promise<void>): Promise<void> {
  await work();
}

/** How often the work is tried. ${"More attempts take longer and help rarely. ".repeat(6)} */
export function retryCount(): number {
  return 3;
}
`,
  "src/no-retry.ts": "export class NoRetry {\n  give() { return 'up'; }\n}\n",
  "README.md": "# retry\nAbout trying again.\n",
});

async function names(query: string, limit = 10): Promise<string[]> {
  return (await findSymbols(snapshot, query, limit)).map(({ name }) => name);
}

describe("symbols of the workspace", () => {
  it("by letters in order, whatever their case", async () => {
    assert.deepEqual(await names("rWB"), ["retryWithBackoff"]);
    assert.deepEqual(await names("noretry"), ["NoRetry"]);
    assert.deepEqual(await names("bwr"), []);
  });

  it("beginnings before words, headings not at all", async () => {
    assert.deepEqual(await names("retry"), ["retryCount", "retryWithBackoff", "NoRetry"]);
  });

  it("any symbol for an empty query, never more than asked for", async () => {
    assert.equal((await names("", 2)).length, 2);
    assert.equal((await names("retry", 1)).length, 1);
    assert.deepEqual(await names("retry", 0), []);
  });

  it("with where they are", async () => {
    const [symbol] = await findSymbols(snapshot, "NoRetry", 1);
    assert.deepEqual(symbol, {
      path: "src/no-retry.ts",
      name: "NoRetry",
      kind: "class",
      parents: [],
      startLine: 1,
      endLine: 3,
    });
  });

  it("not from hidden files", async () => {
    const other = await indexed({ "a.ts": "export function gone() {}\n" });
    other.views[0].dead[0] = 1;
    assert.deepEqual(await findSymbols(other, "gone", 5), []);
  });
});
