import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { IndexStatus } from "../shared/search-types.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { OtherProcess } from "./other-process.ts";

function manyFiles(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `src/part${i % 20}/file${i}.ts`,
      `/** Handles case ${i}. */\nexport function handle${i}(value: number) {\n  return value * ${i};\n}\n`,
    ]),
  );
}

describe("several processes on one root", () => {
  it("one indexes, the other asks it, and both find the same", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, manyFiles(50));
    const here = await openCore(test, root, cache, { role: "editor" });
    await here.workspace.idle();
    const other = new OtherProcess(test, root, cache, "terminal");
    const status = await other.ask<IndexStatus>("idle");
    assert.deepEqual([status.holder, status.holderPid, status.files], [false, process.pid, 50]);
    assert.deepEqual(await other.ask({ find: "handle33" }), await here.found("handle33"));
  });

  it("no question of another process fails while a terminal gives its index to an editor", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, manyFiles(50));
    const holder = await openCore(test, root, cache, { role: "terminal" });
    await holder.workspace.idle();
    const other = await openCore(test, root, cache, { role: "terminal" });
    assert.equal((await other.workspace.status()).holder, false);
    let asking = true;
    const answers: { number: number; first: string | undefined }[] = [];
    const questions = Promise.all(
      [7, 11, 13].map(async (number) => {
        while (asking) {
          answers.push({ number, first: (await other.found(`handle${number}`))[0] });
          // The index may have come to this process, which then answers without waiting for anything.
          await nextTurn();
        }
      }),
    );
    const editor = await openCore(test, root, cache, { role: "editor" });
    while (!(await editor.workspace.status()).holder) await editor.workspace.idle();
    asking = false;
    await questions;
    assert.ok(answers.length > 0);
    for (const { number, first } of answers) assert.equal(first, `src/part${number}/file${number}.ts`);
  });

  it("what one process is told has changed, the other finds", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, manyFiles(5));
    const other = new OtherProcess(test, root, cache, "editor");
    await other.ask("idle");
    const here = await openCore(test, root, cache, { role: "terminal" });
    writeFiles(root, { "new.ts": "export const freshlyWritten = true;\n" });
    here.workspace.changed([`${root}/new.ts`]);
    await here.workspace.idle();
    assert.deepEqual((await other.ask<string[]>({ find: "freshlyWritten" }))[0], "new.ts");
  });

  it("a terminal gives the index up to an editor and goes on asking it", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, manyFiles(30));
    const here = await openCore(test, root, cache, { role: "terminal" });
    const before = await here.workspace.idle();
    assert.equal(before.holder, true);
    const editor = new OtherProcess(test, root, cache, "editor");
    const theirs = await editor.ask<IndexStatus>("begun");
    assert.deepEqual([theirs.holder, theirs.holderPid], [true, editor.child.pid]);
    const after = await here.workspace.idle();
    assert.deepEqual([after.holder, after.files, after.embedded], [false, 30, before.embedded]);
  });

  it("when the indexing process is killed, the other takes over and embeds nothing twice", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    writeFiles(root, manyFiles(200));
    const other = new OtherProcess(test, root, cache, "editor");
    const before = await other.ask<IndexStatus>("idle");
    const here = await openCore(test, root, cache, { role: "terminal" });
    assert.equal((await here.workspace.status()).holder, false);
    await other.kill();
    assert.equal((await here.found("handle150"))[0], "src/part10/file150.ts");
    const after = await here.workspace.idle();
    assert.deepEqual([after.holder, after.files, after.embedded], [true, 200, before.embedded]);
  });

  it("killed fifty times at random moments, nothing is lost and nothing done twice beyond one batch", async (test) => {
    const [root, cache] = [temporaryFolder(test), temporaryFolder(test)];
    const files = 600;
    writeFiles(root, manyFiles(files));
    let kills = 0;
    let seed = 7;
    for (; kills < 50; kills++) {
      const other = new OtherProcess(test, root, cache, "terminal");
      await other.ask("opened");
      // The moment is random in the work done, not in time: after so many changes of status.
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      for (let events = seed % 4; events > 0; events--) await other.ask("status");
      await other.kill();
    }
    const here = await openCore(test, root, cache);
    const status = await here.workspace.idle();
    assert.deepEqual([status.phase, status.files, status.embedded], ["ready", files, files]);
    for (const i of [0, 77, 599]) assert.equal((await here.found(`handle${i}`))[0], `src/part${i % 20}/file${i}.ts`);
  });
});
