import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesIn } from "../extension/path-tree.ts";

const FILES = ["z.png", "a.png", "pictures/b.png", "pictures/deep/c.png", "pictures2/d.png"].map((path) => ({ path }));

test("a flat list of paths is shown folder by folder, with counts", () => {
  assert.deepEqual(entriesIn(FILES, ""), {
    folders: [
      { name: "pictures", files: 2 },
      { name: "pictures2", files: 1 },
    ],
    files: [
      { name: "a.png", file: { path: "a.png" } },
      { name: "z.png", file: { path: "z.png" } },
    ],
  });
  assert.deepEqual(entriesIn(FILES, "pictures"), {
    folders: [{ name: "deep", files: 1 }],
    files: [{ name: "b.png", file: { path: "pictures/b.png" } }],
  });
});
