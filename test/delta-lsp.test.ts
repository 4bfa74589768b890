import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, truncateSync, utimesSync } from "node:fs";
import { join, relative } from "node:path";
import { type TestContext, test } from "node:test";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import type { DeltaProgress, DerivedDownload } from "../shared/delta-types.ts";
import type { WireError } from "../shared/errors.ts";
import { ToClient, ToServer } from "../shared/protocol.ts";
import { bf16, put, randomNumbers, safetensors, tuned, weights } from "./delta-fixture.ts";
import { LspClient } from "./lsp-client.ts";
import { temporaryFolder } from "./open-core.ts";

const REQUEST_CANCELLED = -32800;
const REQUEST_FAILED = -32803;

const random = randomNumbers(70);
const layer = weights(random, 200, 320);

/** A model of some layers, each of them as large as `layer`. */
function model(values: Float32Array, layers = 1): Uint8Array {
  const bytes = bf16(values);
  const large = Buffer.concat(Array.from({ length: layers }, () => bytes));
  return safetensors([
    { name: "layers.0.weight", dtype: "BF16", shape: [200 * layers, 320], bytes: large },
    { name: "norm.weight", dtype: "BF16", shape: [320], bytes: bytes.subarray(0, 640) },
  ]);
}

/** A server without a folder, a base and its fine-tune, and what the server tells of its progress. */
async function openPair(test: TestContext, { layers = 1, through }: { layers?: number; through?: string[] } = {}) {
  const folder = temporaryFolder(test);
  const models = join(folder, "models");
  put(models, {
    "base.safetensors": model(layer, layers),
    "fine.safetensors": model(tuned(random, layer, 0.01), layers),
  });
  const client = await LspClient.start(test, { cacheDirectory: join(folder, "cache"), through });
  const progress: DeltaProgress[] = [];
  client.on(ToClient.deltaProgress, (told) => void progress.push(told));
  const pair = { base: join(models, "base.safetensors"), fine: join(models, "fine.safetensors") };
  return { client, models, pair, progress, out: join(models, "fine.delta") };
}

/** The request is answered with an error for people, without a stack. */
async function refused(answer: Promise<unknown>, message: RegExp, hint: RegExp): Promise<void> {
  await assert.rejects(answer, (error: { code: number; message: string; data: WireError<string> }) => {
    assert.equal(error.code, REQUEST_FAILED, error.message);
    assert.match(error.message, message);
    assert.match(error.data.hint, hint);
    assert.doesNotMatch(error.message + error.data.hint, /\n| at /);
    return true;
  });
}

test("an estimate comes without a folder, per tensor", async (test) => {
  const { client, pair } = await openPair(test);
  const estimate = await client.request(ToServer.deltaEstimate, pair);
  assert.ok(estimate.deltaBytes < 0.3 * estimate.bytes);
  const [largest] = estimate.tensors;
  assert.deepEqual([largest.name, largest.dtype, largest.bytes], ["layers.0.weight", "BF16", 128_000]);
  assert.ok(largest.storedBytes < 0.3 * largest.bytes);
  assert.ok(largest.change !== undefined && largest.change > 0.005 && largest.change < 0.02);
  assert.deepEqual(client.surprises, []);
});

test("a delta is made, described, verified and rebuilt, and progress is told under the task's number", async (test) => {
  const { client, models, pair, progress, out } = await openPair(test);
  const made = await client.request(ToServer.deltaCompress, { ...pair, out, check: true, task: 7 });
  assert.equal(made.path, out);
  assert.deepEqual(
    made.tensors.map(({ name }) => name),
    ["layers.0.weight", "norm.weight", "(all else)"],
  );
  const stored = made.tensors.reduce((sum, tensor) => sum + tensor.storedBytes, 0);
  assert.equal(stored, made.deltaBytes, "the rows add up");
  assert.deepEqual([...new Set(progress.map(({ task }) => task))], [7]);
  assert.deepEqual([...new Set(progress.map(({ phase }) => phase))], ["coding", "hashing", "checking"]);

  const { resumedBlocks, ...contents } = made;
  assert.equal(resumedBlocks, 0);
  assert.deepEqual(await client.request(ToServer.deltaDescribe, { delta: out }), contents);
  const { base, fine } = pair;
  const verified = await client.request(ToServer.deltaVerify, { delta: out, base });
  assert.deepEqual(verified, { files: 1, tensors: 2, bytes: made.bytes });

  const again = join(models, "again.safetensors");
  const rebuilt = await client.request(ToServer.deltaReconstruct, { delta: out, base, out: again });
  assert.deepEqual(rebuilt, { path: again, bytes: made.bytes });
  assert.deepEqual(readFileSync(again), readFileSync(fine));
});

test("work that is cancelled while it writes leaves nothing", async (test) => {
  const { client, models, pair, progress, out } = await openPair(test, { layers: 250 });
  const before = readdirSync(models);
  const source = new CancellationTokenSource();
  client.on(ToClient.deltaProgress, (told) => {
    progress.push(told);
    source.cancel();
  });
  const working = client.request(
    ToServer.deltaCompress,
    { ...pair, out, check: true, threads: 1, task: 1 },
    source.token,
  );
  await assert.rejects(working, { code: REQUEST_CANCELLED });
  assert.equal(progress[0].phase, "coding");
  assert.ok(progress[0].done < progress[0].total);
  assert.deepEqual(readdirSync(models), before);
  assert.deepEqual(await client.statuses(), [], "the server goes on");
});

test("what cannot be used is said, with what to do next, and nothing is written", async (test) => {
  const { client, models, pair, out } = await openPair(test);
  const { base, fine } = pair;
  await client.request(ToServer.deltaCompress, { ...pair, out });
  put(models, {
    "cut.safetensors": readFileSync(fine).subarray(0, 90_000),
    "wrong.safetensors": model(layer.slice(), 2),
  });
  const before = readdirSync(models);
  const { deltaEstimate, deltaCompress, deltaVerify, deltaReconstruct, deltaDescribe } = ToServer;
  const place = join(models, "new.delta");

  await refused(client.request(deltaEstimate, { base: fine, fine }), /are the same/, /choose the model/);
  await refused(client.request(deltaEstimate, { base, fine: join(models, "none") }), /There is no /, /Give a file/);
  await refused(client.request(deltaEstimate, { base, fine: "" }), /parameter fine is missing/, /path/);
  await refused(client.request(deltaEstimate, { base, fine: join(models, "cut.safetensors") }), /cut/, /again/);
  await refused(client.request(deltaCompress, { ...pair, out }), /already there/, /\w/);
  await refused(
    client.request(deltaCompress, { ...pair, out: join(models, "no", "d") }),
    /There is no folder/,
    /write to another place/,
  );
  await refused(client.request(deltaDescribe, { delta: fine }), /is not a delta/, /\w/);
  const wrong = join(models, "wrong.safetensors");
  await refused(
    client.request(deltaVerify, { delta: out, base: wrong }),
    /is not the base of this delta/,
    /Give the base/,
  );
  await refused(
    client.request(deltaReconstruct, { delta: out, base: wrong, out: place }),
    /is not the base of this delta/,
    /Give the base/,
  );
  truncateSync(out, 20_000);
  await refused(client.request(deltaVerify, { delta: out, base }), /cut off/, /again/);
  assert.deepEqual(readdirSync(models), before);
  assert.deepEqual(client.surprises, []);
});

test("a disk that takes no more ends the work with a sentence, and nothing half-written", async (test) => {
  const through = ["sh", "-c", 'ulimit -f 64; exec "$@"', "sh"];
  const { client, models, pair, out } = await openPair(test, { layers: 8, through });
  const before = readdirSync(models);
  await refused(
    client.request(ToServer.deltaCompress, { ...pair, out }),
    /cannot be written/,
    /write to another place/,
  );
  assert.deepEqual(readdirSync(models), before);
});

test("what a model was made from is found beside it and in the Hub's cache", async (test) => {
  const folder = temporaryFolder(test);
  put(join(folder, "models"), {
    "fine.safetensors": model(tuned(random, layer, 0.01)),
    "stranger.safetensors": model(weights(random, 200, 320)),
  });
  put(join(folder, "hub/models--org--base/snapshots/c0ffee"), {
    "model.safetensors": model(layer),
    "config.json": "{}",
  });
  put(join(folder, "data"), { "notes.txt": "nothing to compare\n" });
  const cacheDirectory = join(folder, "cache");
  const through = ["env", `HF_HUB_CACHE=${join(folder, "hub")}`];
  const client = await LspClient.start(test, { cacheDirectory, through });
  const fine = join(folder, "models/fine.safetensors");
  const { deltaFindBases } = ToServer;
  const { folders, models, candidates } = await client.request(deltaFindBases, { fine });
  assert.deepEqual(folders, [join(folder, "models"), join(folder, "hub")]);
  assert.equal(models, 2);
  const places = candidates.map(({ path }) => relative(folder, path));
  assert.deepEqual(places.toSorted(), ["hub/models--org--base/snapshots/c0ffee", "models/stranger.safetensors"]);
  const near = candidates.filter(({ distance = 2 }) => distance < 0.02);
  assert.deepEqual(
    near.map(({ path }) => relative(folder, path)),
    ["hub/models--org--base/snapshots/c0ffee"],
  );
  const elsewhere = await client.request(deltaFindBases, { fine, folder: join(folder, "data") });
  assert.deepEqual(elsewhere, { folders: [join(folder, "data")], models: 0, candidates: [] });
  await refused(
    client.request(deltaFindBases, { fine: join(folder, "data/notes.txt") }),
    /has no tensors and no rows/,
    /Choose the base yourself/,
  );
});

test("a folder is scanned, its fine-tune is stored and removed, and all of it undone", async (test) => {
  const { client, models, pair, progress } = await openPair(test);
  utimesSync(pair.base, 1e9, 1e9);
  const fineBytes = readFileSync(pair.fine);
  const deltas = join(models, "..", "deltas");
  const { deltaScan, deltaCollect, deltaCollection, deltaUndo } = ToServer;
  const found = await client.request(deltaScan, { folder: models, task: 3 });
  assert.deepEqual([found.folder, found.models], [models, 2]);
  const [{ base, fine, declared, shared, distance = 2 }] = found.descents;
  assert.deepEqual({ base, fine, declared, shared }, { ...pair, declared: false, shared: 1 });
  assert.ok(distance > 0.005 && distance < 0.02, `${distance}`);
  assert.deepEqual([...new Set(progress.map(({ phase }) => phase))], ["looking", "relating"]);

  assert.deepEqual(await client.request(deltaCollection, { folder: deltas }), []);
  const made = await client.request(deltaCollect, { ...pair, folder: deltas, replace: true });
  assert.equal(made.delta, join(deltas, "fine.safetensors.delta"));
  assert.deepEqual([made.replaced, existsSync(pair.fine), existsSync(made.delta)], [true, false, true]);
  assert.deepEqual(await client.request(deltaCollection, { folder: deltas }), [made]);
  assert.deepEqual(await client.request(deltaUndo, { folder: deltas }), [made]);
  assert.deepEqual(readFileSync(pair.fine), fineBytes);
  assert.deepEqual(readdirSync(deltas), []);
  await refused(client.request(deltaUndo, { folder: deltas }), /no deltas listed/, /folder/);
  await refused(client.request(deltaScan, { folder: join(models, "none") }), /cannot be read/, /Check its name/);
  assert.deepEqual(client.surprises, []);
});

test("a download that was made from another is told of, once the user wants that", async (test) => {
  const folder = temporaryFolder(test);
  const hub = join(folder, "hub");
  const [base, fine] = ["base", "mine"].map((name) => join(hub, `models--org--${name}`, "snapshots", "1"));
  put(base, { "model.safetensors": model(layer), "config.json": "{}" });
  const client = await LspClient.start(test, {
    cacheDirectory: join(folder, "cache"),
    through: ["env", `HF_HUB_CACHE=${hub}`],
    capabilities: { workspace: { configuration: true, workspaceFolders: true } },
    configuration: { cairn: { delta: { watchDownloads: true } } },
  });
  const told = new Promise<DerivedDownload>((resolve) => client.on(ToClient.derivedDownload, resolve));
  await client.until(() => client.log.some((line) => line.includes("are looked at")));
  put(fine, {
    "model.safetensors": model(tuned(random, layer, 0.01)),
    "config.json": "{}",
    "README.md": "---\nbase_model: org/base\n---\n",
  });
  const found = await told;
  assert.deepEqual([found.base, found.fine], [base, fine]);
  assert.ok(found.deltaBytes < 0.4 * found.bytes, `${found.deltaBytes} of ${found.bytes}`);
});
