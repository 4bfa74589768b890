import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { writeWhole } from "../server/whole-file.ts";
import { temporaryFolder } from "./open-core.ts";

describe("a file that is written whole", () => {
  it("replaces the former one, and only its owner may read it", (test) => {
    const path = join(temporaryFolder(test), "models", "devices.json");
    writeWhole(path, "first");
    writeWhole(path, "second");
    assert.equal(readFileSync(path, "utf8"), "second");
    assert.deepEqual(readdirSync(join(path, "..")), ["devices.json"]);
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("leaves nothing behind when it cannot be put in its place", (test) => {
    const folder = temporaryFolder(test);
    mkdirSync(join(folder, "devices.json", "inside"), { recursive: true });
    assert.throws(() => writeWhole(join(folder, "devices.json"), "whole"));
    assert.deepEqual(readdirSync(folder), ["devices.json"]);
  });
});
