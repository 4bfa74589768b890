import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FEWEST_VECTORS, formRecall } from "../server/measure/form-recall.ts";
import { bytesOf, decoded, encoded, type StoredForm, sourcesFor, storedName } from "../server/vectors/stored-form.ts";
import { seeded } from "./seeded.ts";

const DIMS = 96;
const random = seeded(3);

function randomUnit(around: Float32Array = new Float32Array(DIMS), spread = 1): Float32Array {
  // Sums of many are spread as the components of real vectors are.
  const noise = () => [1, 2, 3, 4].reduce((sum) => sum + random(2_001) / 1_000 - 1, 0) / 2;
  const vector = around.map((value, d) => value + (spread * noise()) / (1 + d / 24));
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const dot = (one: Float32Array, two: Float32Array) => one.reduce((sum, value, d) => sum + value * two[d], 0);

describe("a stored form", () => {
  it("gives a vector back, nearly", () => {
    for (const [kind, least] of [
      ["int8", 0.999],
      ["binary", 0.999],
      ["int4", 0.98],
    ] as const) {
      const vector = randomUnit();
      const form: StoredForm = { kind, dims: DIMS };
      assert.ok(dot(decoded(encoded(vector, form), form), vector) > least, kind);
    }
  });

  it("has the bytes that it says", () => {
    assert.deepEqual(bytesOf({ kind: "int8", dims: 768 }), { memory: 772, disk: 772 });
    assert.deepEqual(bytesOf({ kind: "int4", dims: 768 }), { memory: 388, disk: 388 });
    assert.deepEqual(bytesOf({ kind: "binary", dims: 768 }), { memory: 116, disk: 772 });
    assert.deepEqual(bytesOf({ kind: "int4", dims: 256 }), { memory: 132, disk: 132 });
    assert.deepEqual(bytesOf({ kind: "int8-calibrated", dims: 768 }), { memory: 776, disk: 772 });
  });

  it("is made of what has more bits and more dimensions, the best of it first, and of nothing else", () => {
    const name = (kind: "int8" | "int4" | "binary", dims: number) => storedName("model", { kind, dims }, 768);
    const names = [
      name("int4", 768),
      name("int8", 512),
      name("int8", 768),
      name("int4", 64),
      "another",
      "model#int9@5",
    ];
    const made = (kind: "int8" | "int4", dims: number) =>
      sourcesFor(names, { model: "model", dims: 768 }, { kind, dims }).map((source) => source.name);
    assert.deepEqual(made("int4", 256), ["model", "model#int8@512", "model#int4@768"]);
    assert.deepEqual(made("int8", 512), ["model"]);
    assert.deepEqual(made("int8", 768), []);
    // Of signs the int8 codes lie on disk: they are there already.
    assert.equal(name("binary", 768), "model");
  });

  it("of fewer dimensions is the same whether it is made of few bits in one step or in two", () => {
    const vector = randomUnit();
    const [whole, half] = [
      { kind: "int8", dims: DIMS },
      { kind: "int8", dims: 48 },
    ] as const;
    const inTwo = encoded(decoded(encoded(vector, whole), whole), half);
    const inOne = encoded(vector, half);
    assert.ok(dot(decoded(inOne, half), decoded(inTwo, half)) > 0.999);
  });
});

describe("what a form keeps", () => {
  it("is told by the closest ten of vectors that it has not seen, and is the less the fewer bits are left", async () => {
    const crowds = Array.from({ length: 20 }, () => randomUnit());
    const vectors = new Float32Array(1_000 * DIMS);
    for (let i = 0; i < 1_000; i++) vectors.set(randomUnit(crowds[i % 20], 0.1), i * DIMS);
    const recall = async (form: StoredForm) => {
      const found = await formRecall(vectors, DIMS, form, undefined, new AbortController().signal);
      assert.deepEqual([found.vectors, found.queries], [950, 50]);
      return found.recall10;
    };
    const [int8, int4, short, binary] = [
      await recall({ kind: "int8", dims: DIMS }),
      await recall({ kind: "int4", dims: DIMS }),
      await recall({ kind: "int4", dims: 32 }),
      await recall({ kind: "binary", dims: DIMS }),
    ];
    assert.ok(int8 > 0.95 && int4 < int8 && short < int4 && binary > 0.8, `${[int8, int4, short, binary]}`);
    assert.ok(FEWEST_VECTORS <= 1_000);
  });
});
