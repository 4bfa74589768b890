import assert from "node:assert/strict";
import { chmodSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { findModels, foundModel, type Looking } from "../server/delta/found-models.ts";
import { findBases, findDescents } from "../server/delta/lineage.ts";
import { CairnError } from "../shared/errors.ts";
import { bf16, put, randomNumbers, safetensors, tuned, weights } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(30);
const layer = weights(random, 200, 320);
const calm: Looking = { signal: new AbortController().signal };

function model(values: Float32Array, name = "w"): Uint8Array {
  return safetensors([{ name, dtype: "BF16", shape: [values.length / 320, 320], bytes: bf16(values) }]);
}

/** Folders with a model each; those that are named later have later files. */
function family(root: string, members: Readonly<Record<string, Record<string, Uint8Array | string>>>): void {
  for (const [at, [name, files]] of Object.entries(members).entries()) {
    put(join(root, name), files);
    const when = new Date(Date.UTC(2026, 0, 1 + at));
    for (const file of Object.keys(files)) utimesSync(join(root, name, file), when, when);
  }
}

const TINY = JSON.stringify({ model_type: "llama", hidden_size: 320, num_hidden_layers: 1, vocab_size: 200 });
const MORE_TOKENS = JSON.stringify({ model_type: "llama", hidden_size: 320, num_hidden_layers: 1, vocab_size: 201 });
const card = (base: string) => `---\nbase_model: ${base}\n---\n`;

test("candidates for a base come with what speaks for them, the likeliest first", async (test) => {
  const root = temporaryFolder(test);
  const fine = tuned(random, layer, 0.01);
  family(root, {
    stranger: { "model.safetensors": model(weights(random, 200, 320)), "config.json": TINY },
    base: { "model.safetensors": model(layer), "config.json": TINY },
    other: { "model.safetensors": model(layer, "other"), "config.json": "{}" },
    mine: { "model.safetensors": model(fine), "config.json": MORE_TOKENS, "README.md": card("org/base") },
    child: { "model.safetensors": model(tuned(random, fine, 0.02)), "config.json": "not JSON" },
  });
  const candidates = await findBases(foundModel(join(root, "mine")), await findModels(root, calm), calm);
  assert.deepEqual(
    candidates.map(({ base, standing, declared, sameArchitecture, shared }) => [
      ...[basename(base.path), standing, declared, sameArchitecture, shared],
    ]),
    [
      ["base", "likely", true, true, 1],
      ["child", "after", false, undefined, 1],
      ["stranger", "unrelated", false, true, 1],
    ],
  );
  const [base, child, stranger] = candidates.map(({ distance }) => distance ?? 0);
  assert.ok(base > 0.005 && base < 0.015 && child > base && child < 0.03, `${base} ${child}`);
  assert.ok(stranger > 1.2 && stranger < 1.6, `${stranger}`);
});

test("a base that the card names is listed also where the shapes say nothing for it", async (test) => {
  const root = temporaryFolder(test);
  family(root, {
    base: { "model.safetensors": model(layer, "before"), "config.json": TINY },
    mine: { "model.safetensors": model(layer, "after"), "config.json": TINY, "README.md": card("base") },
  });
  const candidates = await findBases(foundModel(join(root, "mine")), await findModels(root, calm), calm);
  const [{ standing, declared, shared, distance }] = candidates;
  assert.deepEqual(
    { standing, declared, shared, distance },
    { standing: "little", declared: true, shared: 0, distance: undefined },
  );
});

test("files that lie together are models of their own, and a copy is no base of itself", async (test) => {
  const root = temporaryFolder(test);
  put(root, { "base.safetensors": model(layer), "fine.safetensors": model(tuned(random, layer, 0.01)) });
  utimesSync(join(root, "base.safetensors"), 1e9, 1e9);
  const models = await findModels(root, calm);
  const candidates = await findBases(foundModel(join(root, "fine.safetensors")), models, calm);
  assert.deepEqual(
    candidates.map(({ base, standing }) => [basename(base.path), standing]),
    [["base.safetensors", "likely"]],
  );
  const descents = await findDescents(models, calm);
  assert.deepEqual(
    descents.map(({ fine, base }) => [basename(fine.path), basename(base.path)]),
    [["fine.safetensors", "base.safetensors"]],
  );
});

test("the Hub's names are whole names: a longer one is another model", async (test) => {
  const root = temporaryFolder(test);
  const snapshot = (name: string) => `models--org--${name}/snapshots/c0ffee`;
  family(root, {
    [snapshot("tiny-2")]: { "model.safetensors": model(weights(random, 200, 320)), "config.json": TINY },
    [snapshot("tiny")]: { "model.safetensors": model(layer), "config.json": TINY },
    [snapshot("mine")]: {
      "model.safetensors": model(tuned(random, layer, 0.01)),
      "config.json": TINY,
      "README.md": card("org/tiny"),
    },
  });
  const candidates = await findBases(foundModel(join(root, snapshot("mine"))), await findModels(root, calm), calm);
  assert.deepEqual(
    candidates.map(({ base, declared }) => [base.path.includes("tiny-2"), declared]),
    [
      [false, true],
      [true, false],
    ],
  );
});

test("a folder that is not there is an error, one below that cannot be read is passed over", async (test) => {
  const root = temporaryFolder(test);
  await assert.rejects(
    findModels(join(root, "none"), calm),
    (error: CairnError) => error instanceof CairnError && /cannot be read/.test(error.message) && error.hint !== "",
  );
  family(root, { closed: { "model.safetensors": model(layer) }, open: { "model.safetensors": model(layer) } });
  put(join(root, "broken"), { "model.safetensors": "nonsense" });
  chmodSync(join(root, "closed"), 0o000);
  const found = await findModels(root, calm).finally(() => chmodSync(join(root, "closed"), 0o700));
  // Root reads it all the same.
  const names = found.map(({ path }) => basename(join(path, ".."))).filter((name) => name !== "closed");
  assert.deepEqual(names, ["open"]);
});

test("a search stops when it is cancelled, while it looks and while it compares", async (test) => {
  const root = temporaryFolder(test);
  family(root, {
    base: { "model.safetensors": model(layer), "config.json": TINY },
    mine: { "model.safetensors": model(tuned(random, layer, 0.01)), "config.json": TINY },
  });
  const cancelledAt = (phase: string): Looking => {
    const cancellation = new AbortController();
    return { signal: cancellation.signal, onProgress: (told) => told.phase === phase && cancellation.abort() };
  };
  await assert.rejects(findModels(root, cancelledAt("looking")), /cancelled/);
  const models = await findModels(root, calm);
  await assert.rejects(findDescents(models, cancelledAt("relating")), /cancelled/);
  await assert.rejects(findBases(models[0], models, cancelledAt("relating")), /cancelled/);
});
