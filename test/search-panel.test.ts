import assert from "node:assert/strict";
import { test } from "node:test";
import { summarise } from "../extension/index-summary.ts";
import { groupByFile } from "../media/group-hits.ts";
import type { IndexStatus } from "../shared/search-types.ts";
import type { PanelHit } from "../shared/webview-messages.ts";

function hit(path: string, startLine: number, rootName = ""): PanelHit {
  return {
    path,
    startLine,
    endLine: startLine + 4,
    focusLine: startLine,
    score: 1,
    language: "typescript",
    kind: "function",
    name: "f",
    parents: [],
    reason: "",
    preview: [],
    indexed: true,
    rootUri: `file:///${rootName}`,
    rootName,
  };
}

function status(changes: Partial<IndexStatus>): IndexStatus {
  return {
    root: "/project",
    phase: "ready",
    walking: false,
    files: 10,
    chunks: 50,
    changes: 1,
    done: 10,
    total: 10,
    skipped: {},
    message: "",
    holder: true,
    holderPid: 1,
    embedded: 50,
    indexBytes: 1,
    vectorBytes: 1,
    ...changes,
  };
}

test("hits are grouped by file, and a file stands where its best hit stood", () => {
  const groups = groupByFile([hit("src/deep/b.ts", 9), hit("a.ts", 1), hit("src/deep/b.ts", 3)]);
  assert.deepEqual(
    groups.map(({ name, folder, hits }) => [name, folder, hits.map(({ startLine }) => startLine)]),
    [
      ["b.ts", "src/deep", [9, 3]],
      ["a.ts", "", [1]],
    ],
  );
});

test("files of the same path in two folders are two groups, told apart by the folder's name", () => {
  const groups = groupByFile([hit("src/a.ts", 1, "client"), hit("src/a.ts", 1, "server")]);
  assert.deepEqual(
    groups.map(({ folder }) => folder),
    ["client • src", "server • src"],
  );
});

test("several folders are shown as one: counts added up, the most urgent phase and its message", () => {
  const summary = summarise([
    status({ message: "all is well" }),
    status({ phase: "indexing", files: 3, chunks: 9, done: 3, total: 7, message: "" }),
  ]);
  const counts = { files: 13, chunks: 59, changes: 2, done: 13, total: 17 };
  assert.deepEqual(summary, { phase: "indexing", ...counts, message: "" });
  assert.equal(
    summarise([status({}), status({ phase: "failed", message: "The disk is full." })]).message,
    "The disk is full.",
  );
  assert.equal(summarise([]).phase, "opening");
});
