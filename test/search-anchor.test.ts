import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type AnchoredChunk, anchored, type LineRange } from "../server/search/anchor.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";

/** Where a chunk is found in the lines as they are now: `first-last`, or undefined. */
function place(
  now: readonly string[],
  chunk: LineRange & Partial<AnchoredChunk>,
  ...terms: string[]
): string | undefined {
  const found = anchored(now.join("\n"), { declared: [], ...chunk }, terms);
  return found && `${found.startLine}-${found.endLine}`;
}

const SEND_DECLARED = { name: "send", signature: "function send(request: Request): Promise<void>", line: 4 };
const SEND = { startLine: 4, endLine: 6, declared: [SEND_DECLARED] };

describe("a hit of a file that was changed since it was indexed", () => {
  it("is where its declaration is now", () => {
    const moved = ["", "", "", "", "", "", "function send(request: Request): Promise<void> {", "}", ""];
    assert.equal(place(moved, SEND), "7-9");
    assert.equal(place(["function send(request: Request): Promise<void> {", "  post();", "}"], SEND), "1-3");
  });

  it("keeps the comment above its declaration", () => {
    const now = ["", "/** Sends. */", "function send(request: Request): Promise<void> {", "}"];
    assert.equal(place(now, { startLine: 3, endLine: 5, declared: [SEND_DECLARED] }), "2-4");
  });

  it("is the declaration, not a call of it nearer to the old place", () => {
    const now = ["function send(request: Request): Promise<void> {", "}", "", "send(request);", "return send(x);"];
    assert.equal(place(now, SEND), "1-3");
  });

  it("is found when its declaration was changed a little, or is written over several lines", () => {
    assert.equal(place(["", "async function send(request: Request, retries: number) {", "", "}"], SEND), "2-4");
    assert.equal(place(["function send(", "  request: Request,", "): Promise<void> {", "}"], SEND), "1-3");
  });

  it("is the nearest of several alike", () => {
    const declared = [{ name: "close", signature: "close(): void", line: 5 }];
    const method = { startLine: 5, endLine: 6, declared };
    assert.equal(place(["close(): void {", "}", "", "", "", "", "close(): void {", "}"], method), "7-8");
    assert.equal(place(["", "", "close(): void {", "}", "", "", "", "", "close(): void {", "}"], method), "3-4");
  });

  it("is gone when its declaration is", () => {
    assert.equal(place(["function receive(request: Request): Promise<void> {", "}"], SEND), undefined);
    assert.equal(place(["function sender(request: Request): Promise<void> {", "}"], SEND), undefined);
    assert.equal(place([""], SEND), undefined);
  });

  it("is where the rest of it is when its first declaration is gone", () => {
    const chunk = { startLine: 4, endLine: 9, declared: [SEND_DECLARED, { name: "receive", signature: "", line: 8 }] };
    assert.equal(place(["", "", "function receive() {", "}", ""], chunk), "1-4");
  });

  it("is where its words are now when nothing is declared in it", () => {
    const notes = { startLine: 2, endLine: 3 };
    assert.equal(place(["", "the palette", "of colours", ""], notes, "palette"), "2-3");
    assert.equal(place(["", "", "", "", "the palette", "of colours", ""], notes, "palette"), "4-5");
    assert.equal(place(["the palette", "of colours", "", ""], notes, "palette"), "1-2");
  });

  it("stays where it was, within the text, when none of its words was asked for", () => {
    assert.equal(place(["a", "b", "c"], { startLine: 2, endLine: 9 }, "palette"), "2-3");
    assert.equal(place(["a"], { startLine: 2, endLine: 9 }, "palette"), undefined);
  });
});

describe("a search before the change is indexed", () => {
  it("shows the lines as they are now, and nothing that has gone", async (test) => {
    const root = temporaryFolder(test);
    const code = "export function shipParcel(weight: number): number {\n  return weight * 2;\n}\n";
    writeFiles(root, { "parcel.ts": code, "letter.ts": code.replaceAll("Parcel", "Letter"), "notes.md": "Nothing.\n" });
    const { workspace } = await openCore(test, root, temporaryFolder(test));
    await workspace.idle();
    workspace.pause();

    writeFiles(root, { "parcel.ts": `// Parcels.\n\n\n${code}` });
    const [hit] = (await workspace.search({ query: "shipParcel" })).hits;
    assert.deepEqual([hit.path, hit.startLine, hit.focusLine], ["parcel.ts", 4, 4]);
    assert.equal(hit.preview[0].text, "export function shipParcel(weight: number): number {");

    rmSync(join(root, "letter.ts"));
    writeFiles(root, { "parcel.ts": "export const empty = true;\n" });
    const paths = (await workspace.search({ query: "ship parcel letter" })).hits.map(({ path }) => path);
    assert.ok(!paths.includes("parcel.ts") && !paths.includes("letter.ts"), paths.join());
  });
});
