import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { namedRepository } from "../server/hub/cache-layout.ts";
import { pullRepository } from "../server/hub/pull-repository.ts";
import { bf16, put, randomNumbers, safetensors, tuned, weights } from "./delta-fixture.ts";
import { content, MAIN, Machine } from "./hub-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { cutsOffAfter, type HubServer, sendsOtherBytes, startHubServer } from "./servers/hub-server.ts";

const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));
const ROWS = { kind: "dataset", name: "acme/rows", revision: "main" } as const;
const FILES = { "README.md": Buffer.from("# Rows\n"), "data/train 1.jsonl": content(300_000, 5) };

async function hubWith(test: TestContext, name: string, files: Record<string, Uint8Array>): Promise<HubServer> {
  const server = await startHubServer(test);
  server.repositories[name] = { main: MAIN, content: { [MAIN]: files } };
  return server;
}

test("a dataset comes whole, into the place where the Hub's own tools look, and once", async (test) => {
  const server = await hubWith(test, "datasets/acme/rows", FILES);
  const machine = new Machine(server, temporaryFolder(test));
  const pulled = await pullRepository(machine.parts, ROWS);
  assert.equal(pulled.folder, join(machine.cacheFolder, "datasets--acme--rows", "snapshots", MAIN));
  for (const [path, bytes] of Object.entries(FILES))
    assert.deepEqual(readFileSync(join(pulled.folder, path)), Buffer.from(bytes));
  const again = await pullRepository(machine.parts, ROWS);
  assert.deepEqual([again.downloadedBytes, [...again.files.values()].some(({ downloaded }) => downloaded)], [0, false]);
});

test("a connection that breaks is taken up where it broke, and other bytes never get a name", async (test) => {
  const server = await hubWith(test, "datasets/acme/rows", { "a.jsonl": content(300_000, 6) });
  const machine = new Machine(server, temporaryFolder(test));
  server.misbehave(sendsOtherBytes, sendsOtherBytes, sendsOtherBytes, sendsOtherBytes);
  await assert.rejects(pullRepository(machine.parts, ROWS), { kind: "output" });
  assert.equal(existsSync(join(machine.cacheFolder, "datasets--acme--rows", "snapshots")), false);
  server.misbehave(cutsOffAfter(100_000));
  const onProgress = ({ done }: { done: number }) => server.tellArrived(done);
  const { files } = await pullRepository(machine.parts, ROWS, { onProgress });
  assert.deepEqual([...files.keys()], ["a.jsonl"]);
});

test("a file whose name leads out of the cache is not written", async (test) => {
  const server = await hubWith(test, "datasets/acme/rows", { "../../../evil.txt": Buffer.from("out") });
  const folder = temporaryFolder(test);
  await assert.rejects(pullRepository(new Machine(server, folder).parts, ROWS), { kind: "output" });
  assert.equal(existsSync(join(folder, "evil.txt")), false);
});

test("what is no name of a repository", () => {
  for (const text of ["/etc/passwd", "../base", "a/b/c", "", "a b", "./x"])
    assert.equal(namedRepository(text), undefined);
  assert.deepEqual(namedRepository("org/name@v1.0"), { kind: "model", name: "org/name", revision: "v1.0" });
  assert.deepEqual(namedRepository("datasets/org/name"), { kind: "dataset", name: "org/name", revision: "main" });
});

test("`cairn delta --download` brings a base that is not there, and asks nobody once it is", async (test) => {
  const random = randomNumbers(8);
  const layer = weights(random, 200, 320);
  const model = (values: Float32Array) =>
    safetensors([{ name: "w", dtype: "BF16", shape: [200, 320], bytes: bf16(values) }]);
  const server = await hubWith(test, "acme/base", {
    "model.safetensors": model(layer),
    "config.json": Buffer.from("{}"),
  });
  const folder = temporaryFolder(test);
  put(join(folder, "mine"), { "model.safetensors": model(tuned(random, layer, 0.01)), "config.json": "{}" });
  const estimate = async (...more: string[]) => {
    const env = { ...process.env, NO_COLOR: "1", HF_HUB_CACHE: join(folder, "hub"), HF_ENDPOINT: server.url };
    const args = [PROGRAM, "delta", "estimate", "mine", "--base", "acme/base", ...more];
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { out, errors };
  };
  assert.match((await estimate()).errors, /no acme\/base in the Hub's cache .*\n?.*--download/);
  assert.equal(server.calls.length, 0);
  const { out, errors } = await estimate("--download");
  assert.match(out, /^7\d\.\d% saved/, errors);
  assert.match(errors, /2 files of acme\/base/);
  const asked = server.calls.length;
  assert.match((await estimate("--download")).out, /^7\d\.\d% saved/);
  assert.equal(server.calls.length, asked);
});
