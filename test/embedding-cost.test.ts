import assert from "node:assert/strict";
import { test } from "node:test";
import { costHere } from "../server/chosen/embedding-cost.ts";
import { nodeHost } from "../server/node-host.ts";
import { embeddingServer } from "../server/remote/embedding-server.ts";
import { remoteModel } from "../server/remote/remote-model.ts";
import { readSettings } from "../shared/read-settings.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { startEmbeddingServer } from "./servers/embedding-server.ts";

test("the speed of a model is measured with pieces as they are embedded, not with whole modules", async (test) => {
  const server = await startEmbeddingServer(test);
  const [root, cacheDirectory] = [temporaryFolder(test), temporaryFolder(test)];
  const methods = Array.from(
    { length: 400 },
    (_, i) => `    read${i}(file) {\n        return this.cache[${i}] + file;\n    }\n`,
  );
  const module = `module.exports = function () {\n  return class Files {\n${methods.join("")}  };\n};\n`;
  writeFiles(root, { "files.js": module });
  const { workspace } = await openCore(test, root, cacheDirectory);
  await workspace.idle();

  const host = nodeHost({ level: "silent" });
  const { settings } = readSettings({ cacheDirectory, "cairn.embedding.endpoint": server.url });
  const model = await remoteModel({ host, cacheDirectory, settings }, embeddingServer(settings, "ollama:small"));
  const form = { kind: "int8", dims: model.dims } as const;
  const { chunks, seconds, textsPerSecond } = await costHere(host, model, { cacheDirectory, form }, workspace);
  assert.equal(seconds, chunks / textsPerSecond);
  const longest = Math.max(...server.texts.map(({ length }) => length));
  assert.ok(
    longest <= Math.ceil(module.length / chunks),
    `${longest} characters of ${module.length} in ${chunks} chunks`,
  );
});
