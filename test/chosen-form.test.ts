import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formOf, wantedForm } from "../server/chosen/chosen-form.ts";
import { keepChoice } from "../server/chosen/model-choice.ts";
import { readSettings } from "../shared/read-settings.ts";
import { temporaryFolder } from "./open-core.ts";

const NOMIC = { name: "nomic-embed-text-v1.5:int8", dims: 768, matryoshka: [512, 256, 128, 64] };
const BGE = { name: "bge-base-en-v1.5:int8", dims: 768, matryoshka: [] };
const MINI = { name: "all-MiniLM-L6-v2:int8", dims: 384 };

describe("the form of a model's vectors", () => {
  it("is int8 with all dimensions unless something else is wanted", () => {
    assert.deepEqual(formOf(BGE, { vectors: "", dimensions: "" }), { kind: "int8", dims: 768 });
    assert.deepEqual(formOf(BGE, { vectors: "int4", dimensions: "all" }), { kind: "int4", dims: 768 });
  });

  for (const [model, dimensions, dims] of [
    [NOMIC, "256", 256],
    [NOMIC, "ultra-efficient", 256],
    [NOMIC, "efficient", 256],
    [NOMIC, "high-quality", 768],
    [BGE, "high-quality", 768],
    [MINI, "efficient", 384],
    [BGE, "256!", 256],
    [BGE, "efficient!", 384],
    [NOMIC, "300 !", 300],
  ] as const) {
    it(`of ${model.name} with "${dimensions}" has ${dims} dimensions`, () => {
      assert.deepEqual(formOf(model, { vectors: "binary", dimensions }), { kind: "binary", dims });
    });
  }

  for (const [model, wanted, said] of [
    [BGE, { vectors: "", dimensions: "256" }, /not trained so that its first dimensions could stand for all 768/],
    [MINI, { vectors: "", dimensions: "ultra-efficient" }, /all-MiniLM-L6-v2:int8 was not trained/],
    [NOMIC, { vectors: "", dimensions: "300" }, /trained for 768, 512, 256, 128, 64 dimensions, not for 300/],
    [NOMIC, { vectors: "", dimensions: "1024!" }, /gives 768 dimensions, not 1024/],
    [NOMIC, { vectors: "", dimensions: "few" }, /"few" is no number of dimensions/],
    [NOMIC, { vectors: "int2", dimensions: "" }, /"int2" is no form of vectors/],
  ] as const) {
    it(`is refused with a reason: ${JSON.stringify(wanted)} of ${model.name}`, () => {
      assert.throws(() => formOf(model, wanted), { kind: "input", message: said });
    });
  }

  it("is what the settings say, else what was kept with the choice of that very model", (test) => {
    const cache = temporaryFolder(test);
    const wanted = (raw: object, env = {}) => wantedForm(readSettings(raw, env).settings, cache);
    assert.deepEqual(wanted({}), { vectors: "", dimensions: "" });
    keepChoice(cache, { model: "one", vectors: "int4", dimensions: "256" });
    assert.deepEqual(wanted({}), { vectors: "int4", dimensions: "256" });
    assert.deepEqual(wanted({ "embedding.model": "two" }), { vectors: "", dimensions: "" });
    assert.deepEqual(wanted({ "embedding.vectors": "int8" }), { vectors: "int8", dimensions: "256" });
    const env = { CAIRN_EMBEDDING_VECTORS: "binary", CAIRN_EMBEDDING_DIMENSIONS: "all" };
    assert.deepEqual(wanted({}, env), { vectors: "binary", dimensions: "all" });
  });
});
