import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { formChoices } from "../server/chosen/form-choices.ts";
import { KeptRecalls } from "../server/chosen/kept-recalls.ts";
import { folderPrecisions } from "../server/chosen/local-model.ts";
import { VectorDatabase } from "../server/store/vector-database.ts";
import { FORM_KINDS, type StoredForm, storedName } from "../server/vectors/stored-form.ts";
import { bert } from "./engine-fixture.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const NOMIC = { name: "nomic", identity: "nomic@1", dims: 768, matryoshka: [512, 256, 128, 64] };
const PLAIN = { name: "plain", identity: "plain@1", dims: 384 };

/** Stores one vector in a form. */
function store(cache: string, model: typeof PLAIN, form: StoredForm): void {
  const database = new VectorDatabase(join(cache, "vectors.db"));
  const [hashes, codes] = [new Uint8Array(16), new Int8Array(form.dims)];
  database.add({ model: storedName(model.identity, form, model.dims), hashes, codes, scales: Float32Array.of(1) });
  database.close();
}

/** What is said to be stored of forms, by their names. */
function storedOf(cache: string, model: typeof PLAIN, ...names: readonly string[]): (string | undefined)[] {
  const forms = formChoices(cache, model, { chunks: 1 });
  const stored = new Map(forms.map((one) => [`${one.vectors.kind} ${one.vectors.dims}`, one.stored]));
  return names.map((name) => stored.get(name));
}

describe("the forms that vectors can be kept in", () => {
  it("are all kinds in all lengths that the model was trained for, the usual one first, with their presets", (test) => {
    const forms = formChoices(temporaryFolder(test), NOMIC, { chunks: 10 });
    assert.deepEqual(
      forms.map(({ vectors: { kind, dims } }) => [kind, dims]),
      [768, 512, 256, 128, 64].flatMap((dims) => FORM_KINDS.map((kind) => [kind, dims])),
    );
    assert.deepEqual(forms[0].form, { vectors: "int8", dimensions: "all" });
    assert.deepEqual([forms[0].vectors.diskBytes, forms[0].bytes], [772, 10 * (768 + 64)]);
    const presets = Object.fromEntries(forms.map(({ vectors: { dims }, presets }) => [dims, presets]));
    assert.deepEqual(presets, {
      768: ["high-quality"],
      512: [],
      256: ["ultra-efficient", "efficient"],
      128: [],
      64: [],
    });
  });

  it("in other dimensions are those that are asked for, or refused with the reason", (test) => {
    const cache = temporaryFolder(test);
    const lengths = (dimensions: string) =>
      formChoices(cache, NOMIC, { chunks: 1, dimensions }).map(({ vectors: { dims } }) => dims);
    assert.deepEqual(
      lengths("efficient"),
      FORM_KINDS.map(() => 256),
    );
    assert.deepEqual(
      lengths("300!"),
      FORM_KINDS.map(() => 300),
    );
    assert.throws(() => lengths("300"), /was trained for 768, 512, 256, 128, 64 dimensions, not for 300/);
    assert.throws(
      () => formChoices(cache, PLAIN, { chunks: 1, dimensions: "256" }),
      /was not trained so that its first/,
    );
  });

  it("say what of them is stored, and what they can be made of", (test) => {
    const cache = temporaryFolder(test);
    const plain = () => storedOf(cache, PLAIN, "int8 384", "int4 384", "binary 384");
    assert.deepEqual(plain(), ["none", "none", "none"]);
    store(cache, PLAIN, { kind: "int4", dims: 384 });
    assert.deepEqual(plain(), ["smaller", "same", "smaller"]);
    store(cache, PLAIN, { kind: "int8", dims: 384 });
    assert.deepEqual(plain(), ["same", "same", "same"]);
    assert.deepEqual(storedOf(cache, PLAIN, "int8-calibrated 384"), ["smaller"], "it needs what int8 has lost");
    store(cache, NOMIC, { kind: "int8", dims: 256 });
    assert.deepEqual(storedOf(cache, NOMIC, "int8 512", "int4 256", "int4 64"), ["smaller", "larger", "larger"]);
  });

  it("say which one is in use, and what was measured of it", (test) => {
    const cache = temporaryFolder(test);
    const recall = { recall10: 0.991, vectors: 1000, queries: 50, against: "float" } as const;
    new KeptRecalls(cache).keep(NOMIC.identity, { kind: "int4", dims: 256 }, recall);
    const chosen = { vectors: "int4", dimensions: "ultra-efficient" };
    const forms = formChoices(cache, NOMIC, { chunks: 1, chosen });
    assert.deepEqual(
      forms.filter((one) => one.chosen).map(({ form, vectors }) => [form, vectors.recall]),
      [[{ vectors: "int4", dimensions: "256" }, recall]],
    );
    const refused = formChoices(cache, PLAIN, { chunks: 1, chosen: { vectors: "", dimensions: "100" } });
    assert.equal(
      refused.some((one) => one.chosen),
      false,
    );
  });
});

it("the precisions of a folder are those of its files, the usual one first; a file has none", (test) => {
  const folder = temporaryFolder(test);
  writeFiles(folder, { ...bert.files(), "onnx/model_fp16.onnx": bert.onnx({ precision: "fp16" }) });
  assert.deepEqual(
    folderPrecisions(folder).map(({ name, onDisk }) => [name, onDisk]),
    [
      [`${folder}:int8`, true],
      [`${folder}:fp16`, true],
    ],
  );
  const [int8, fp16] = folderPrecisions(folder);
  assert.ok(fp16.bytes < int8.bytes);
  assert.deepEqual(folderPrecisions(join(folder, "config.json")), []);
});
