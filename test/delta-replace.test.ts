import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { compress } from "../server/delta/compress.ts";
import { openDelta } from "../server/delta/delta-file.ts";
import { openModel } from "../server/delta/model-files.ts";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { deltaOptions, makeDelta, put } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const TRUNK = "The same text in both, again and again. ".repeat(400);

/** A base and what was made from it, files or folders, and ways to write over what is there. */
async function pair(test: TestContext, kind: "files" | "folders") {
  const folder = temporaryFolder(test);
  const options = { ...deltaOptions(test, 1), force: true };
  const [base, fine] = kind === "files" ? ["base.bin", "fine.bin"] : ["base/model.bin", "fine/sub/model.bin"];
  put(folder, { [base]: TRUNK, [fine]: `${TRUNK}Fine.`, "notes.txt": "precious" });
  const at = (name: string) => join(folder, name);
  const [basePath, finePath] = kind === "files" ? [at(base), at(fine)] : [at("base"), at("fine")];
  await makeDelta(options, basePath, finePath, at("delta"));
  return {
    at,
    text: (name: string) => readFileSync(at(name), "utf8"),
    compressTo: (out: string) =>
      compress(openModel(basePath), openModel(finePath), at(out), {
        ...options,
        fast: true,
        check: true,
        made: "test",
      }),
    rebuildTo: (out: string) => reconstruct(openDelta(at("delta")), openModel(basePath), at(out), options),
  };
}

describe("what is there, when it may be replaced", () => {
  it("is replaced when it is a file for a file, or an older copy of a folder", async (test) => {
    const files = await pair(test, "files");
    await files.compressTo("delta");
    await files.rebuildTo("notes.txt");
    assert.equal(files.text("notes.txt"), `${TRUNK}Fine.`);
    const folders = await pair(test, "folders");
    put(folders.at("old"), { "sub/model.bin": "an older one" });
    await folders.rebuildTo("old");
    assert.equal(folders.text("old/sub/model.bin"), `${TRUNK}Fine.`);
  });

  it("stays when it is still needed: the base, the fine-tune, the delta", async (test) => {
    const { text, compressTo, rebuildTo } = await pair(test, "files");
    for (const write of [() => compressTo("base.bin"), () => compressTo("fine.bin"), () => rebuildTo("base.bin")]) {
      await assert.rejects(write, /cannot be replaced: .* is still needed/);
    }
    await assert.rejects(rebuildTo("delta"), /delta is still needed/);
    assert.deepEqual([text("base.bin"), text("fine.bin")], [TRUNK, `${TRUNK}Fine.`]);
  });

  it("stays when it is of another kind, or holds anything else", async (test) => {
    const files = await pair(test, "files");
    mkdirSync(files.at("empty"));
    await assert.rejects(files.rebuildTo("empty"), /is a folder, and a file is to be written/);
    await assert.rejects(files.compressTo("empty"), /is a folder, and a file is to be written/);
    const folders = await pair(test, "folders");
    await assert.rejects(folders.rebuildTo("notes.txt"), /is a file, and a folder is to be written/);
    await assert.rejects(folders.rebuildTo("."), /is still needed/);
    put(folders.at("work"), { "sub/model.bin": "", "sub/thesis.txt": "years" });
    await assert.rejects(folders.rebuildTo("work"), /it holds sub\/thesis\.txt, which is not part of what is written/);
    assert.equal(folders.text("work/sub/thesis.txt"), "years");
  });
});
