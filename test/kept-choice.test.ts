import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { keptChoice } from "../server/chosen/model-choice.ts";
import { temporaryFolder } from "./open-core.ts";

const CHOOSER = fileURLToPath(new URL("servers/keeps-choice.ts", import.meta.url));

test("terminals that choose a model at the same time do not come in each other's way", async (test) => {
  const cache = temporaryFolder(test);
  const choosers = Array.from({ length: 3 }, () => fork(CHOOSER, [cache]));
  test.after(() => {
    for (const chooser of choosers) chooser.kill("SIGKILL");
  });
  const failed = await Promise.all(choosers.map(async (chooser) => (await once(chooser, "message"))[0]));
  assert.deepEqual(failed, [0, 0, 0]);
  assert.equal(keptChoice(cache).model, "model-999");
  assert.deepEqual(readdirSync(cache), ["embedding-model.json"]);
});
