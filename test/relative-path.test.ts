import assert from "node:assert/strict";
import { it } from "node:test";
import { isAtOrBelow } from "../server/workspace/relative-path.ts";

const FOLDERS = ["src/app", "docs", "a/b/c.ts"];
/** So many that a path is cut into its parts and these are looked up. */
const MANY = [...FOLDERS, ...Array.from({ length: 50 }, (_, i) => `other${i}/folder`)];

it("a path is at or below a folder whether it is compared with few folders or with many", () => {
  for (const folders of [FOLDERS, MANY]) {
    const isBelow = (path: string) => isAtOrBelow(path, new Set(folders));
    for (const path of ["src/app", "src/app/main.ts", "src/app/deep/er.ts", "docs/x", "a/b/c.ts"]) {
      assert.ok(isBelow(path), path);
    }
    for (const path of ["src", "src/application.ts", "src/ap", "doc/x", "docs.md", "x/docs/y", "a/b/c.tsx", ""]) {
      assert.ok(!isBelow(path), path);
    }
  }
  assert.ok(!isAtOrBelow("src/app", new Set()));
});
