import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { chosenQuery } from "../server/chosen/chosen-codes.ts";
import { ChosenVectors } from "../server/chosen/chosen-vectors.ts";
import { KeptCalibrations } from "../server/chosen/kept-calibrations.ts";
import { VectorRows } from "../server/chosen/vector-rows.ts";
import { formRecall } from "../server/measure/form-recall.ts";
import { calibrationBy, learnCalibration } from "../server/vectors/calibration.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { compileModule } from "../server/vectors/kernels.ts";
import {
  bytesOf,
  decoded,
  encoded,
  encodedQuery,
  type StoredForm,
  settledForm,
  sourcesFor,
  storedName,
} from "../server/vectors/stored-form.ts";
import { temporaryFolder } from "./open-core.ts";
import { seeded } from "./seeded.ts";

const DIMS = 192;
const simd = compileModule(await compileKernels());

/**
 * Vectors in crowds, as those of code are.
 * @param large of the first so many dimensions each has nearly the same large value in every vector
 */
function vectorsOf(count: number, large: number): Float32Array[] {
  const random = seeded(17);
  const noise = () => [1, 2, 3, 4].reduce((sum) => sum + random(2_001) / 1_000 - 1, 0) / 2;
  const spreads = Array.from({ length: DIMS }, () => 0.5 + random(1_000) / 1_000);
  const crowds = Array.from({ length: 50 }, () => spreads.map((spread) => spread * noise()));
  return Array.from({ length: count }, () => {
    const crowd = crowds[random(crowds.length)];
    const vector = Float32Array.from(crowd, (value, d) => value + 0.5 * spreads[d] * noise() + (d < large ? 10 : 0));
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  });
}

const calibratedBy = (vectors: readonly Float32Array[], dims = DIMS): StoredForm => ({
  kind: "int8-calibrated",
  dims,
  calibration: learnCalibration(vectors, dims),
});

const dot = (one: Float32Array, two: Float32Array) => one.reduce((sum, value, d) => sum + value * two[d], 0);

/** The greatest error of the cosines of a question with vectors in a form. */
function worstError(vectors: readonly Float32Array[], form: StoredForm, kernels = simd): number {
  const rows = new VectorRows(form, kernels);
  for (const vector of vectors) {
    const { codes, scale } = encoded(vector, form);
    rows.add(codes, scale, new Uint8Array(16));
  }
  const query = encodedQuery(vectors[0], form);
  const all = rows.cosines(query);
  const some = Uint32Array.from(vectors, (_, i) => vectors.length - 1 - i);
  assert.deepEqual(rows.cosinesOf(some, query).reverse(), all);
  return Math.max(...vectors.map((vector, i) => Math.abs(dot(vector, vectors[0]) - all[i])));
}

describe("vectors of a model with a few large dimensions", () => {
  const vectors = vectorsOf(1_000, 4);
  const plain: StoredForm = { kind: "int8", dims: DIMS };
  const calibrated = calibratedBy(vectors.slice(0, 100));

  it("lose less in int8 once it is known what each dimension is on average", async () => {
    const all = Float32Array.from(vectors.flatMap((vector) => [...vector]));
    const recall = async (form: StoredForm) =>
      (await formRecall(all, DIMS, form, simd, new AbortController().signal)).recall10;
    const [before, after] = [await recall(plain), await recall(calibrated)];
    assert.ok(before < 0.95 && after > before + 0.03, `${before}, then ${after}`);
  });

  it("have cosines that are nearer the truth, with SIMD and without", () => {
    for (const kernels of [simd, undefined]) {
      const [before, after] = [worstError(vectors, plain, kernels), worstError(vectors, calibrated, kernels)];
      assert.ok(after < before / 3, `${before}, then ${after}`);
    }
  });

  it("are given back nearly as they were, at 4 bytes more in memory", () => {
    for (const vector of vectors.slice(0, 20)) {
      const [before, after] = [plain, calibrated].map((form) => {
        const again = decoded(encoded(vector, form), form);
        return Math.hypot(...again.map((value, d) => value - vector[d]));
      });
      assert.ok(after < before / 3, `off by ${before}, then by ${after}`);
    }
    assert.deepEqual(bytesOf(calibrated), { memory: DIMS + 8, disk: DIMS + 4 });
  });

  it("lose nothing of it in fewer dimensions, which have middles of their own", () => {
    const half = calibratedBy(vectors.slice(0, 100), DIMS / 2);
    for (const vector of vectors.slice(0, 20)) {
      const [own, exact] = [
        decoded(encoded(vector, half), half),
        encodedQuery(vector, { kind: "int8", dims: DIMS / 2 }),
      ];
      const cosine = own.reduce((sum, value, d) => sum + value * exact.codes[d], 0) * exact.unit;
      assert.ok(cosine > 0.999, `${cosine}`);
    }
  });

  it("are told apart from none: a text without a vector is close to nothing, the middle of all is a vector", () => {
    const { middles } = learnCalibration([vectors[0]], DIMS);
    const form: StoredForm = { kind: "int8-calibrated", dims: DIMS, calibration: calibrationBy(middles) };
    const rows = new VectorRows(form, simd);
    for (const vector of [new Float32Array(DIMS), vectors[0]]) {
      const { codes, scale } = encoded(vector, form);
      rows.add(codes, scale, new Uint8Array(16));
    }
    const [none, middle] = rows.cosines(encodedQuery(vectors[1], form));
    assert.equal(none, 0);
    assert.ok(Math.abs(middle - dot(vectors[0], vectors[1])) < 0.001, `${middle}`);
    assert.deepEqual(decoded(encoded(new Float32Array(DIMS), form), form), new Float32Array(DIMS));
  });
});

describe("vectors of a model without such dimensions", () => {
  it("are as good in plain int8: nothing is to be gained", () => {
    const vectors = vectorsOf(600, 0);
    const [before, after] = [
      worstError(vectors, { kind: "int8", dims: DIMS }),
      worstError(vectors, calibratedBy(vectors)),
    ];
    assert.ok(before < 0.01 && after < 0.01, `${before}, then ${after}`);
  });
});

describe("vectors of two calibrations", () => {
  const vectors = vectorsOf(40, 2);
  const [one, two] = [calibratedBy(vectors.slice(0, 20)), calibratedBy(vectors.slice(20))];
  const names = [one, two].map((form) => storedName("model", form, DIMS));

  it("lie under two names, and neither is what the other is made of unless its calibration is known", () => {
    assert.match(names[0], /^model#int8c-[0-9a-f]{16}@192$/);
    assert.notEqual(names[0], names[1]);
    const sources = (form: StoredForm, known: readonly StoredForm[]) => {
      const calibrations = known.flatMap((each) => (each.kind === "int8-calibrated" ? [each.calibration] : []));
      return sourcesFor([...names, "model", "model#int4@192"], { model: "model", dims: DIMS, calibrations }, form).map(
        ({ name }) => name,
      );
    };
    assert.deepEqual(sources(one, [one]), []);
    assert.deepEqual(sources(one, [one, two]), [names[1]]);
    // Plain codes have lost what calibrated ones keep; the other way nothing is embedded.
    assert.deepEqual(sources({ kind: "int8", dims: DIMS }, [one]), [names[0]]);
    assert.deepEqual(sources({ kind: "int4", dims: 64 }, [two]), ["model", names[1], "model#int4@192"]);
  });

  it("are never compared, and there is no such form without a calibration", () => {
    const held = new ChosenVectors("model", one, undefined);
    const nothing = { views: [], fileCount: 0, chunkCount: 0 };
    assert.equal(held.compare(nothing, chosenQuery("model", one, vectors[0])).model, "model");
    assert.throws(() => held.compare(nothing, chosenQuery("model", two, vectors[0])), TypeError);
    assert.throws(
      () => held.compare(nothing, chosenQuery("model", { kind: "int8", dims: DIMS }, vectors[0])),
      TypeError,
    );
    assert.equal(settledForm({ kind: "int8-calibrated", dims: DIMS }, undefined), undefined);
    // @ts-expect-error: the middles are missing
    const unsettled: StoredForm = { kind: "int8-calibrated", dims: DIMS };
    assert.equal(unsettled.dims, DIMS);
  });
});

describe("a calibration on disk", () => {
  const [one, two] = [vectorsOf(10, 1), vectorsOf(20, 3)].map((vectors) => learnCalibration(vectors, DIMS));

  it("is that of the process that was first, for each model and number of dimensions", (test) => {
    const cache = temporaryFolder(test);
    const kept = new KeptCalibrations(cache);
    assert.deepEqual([kept.get("model", DIMS), kept.of("model")], [undefined, []]);
    assert.deepEqual(kept.keep("model", one), one);
    assert.deepEqual(new KeptCalibrations(cache).keep("model", two), one);
    assert.deepEqual(kept.keep("other", two), two);
    assert.deepEqual(kept.of("model"), [one]);
    assert.deepEqual(kept.get("other", DIMS), two);
    assert.equal(kept.get("model", 64), undefined);
  });

  it("that is damaged is none, and gives way to one that is learned anew", (test) => {
    const cache = temporaryFolder(test);
    const warnings: string[] = [];
    const kept = new KeptCalibrations(cache, { warn: (message) => void warnings.push(message) });
    kept.keep("model", one);
    const folder = join(cache, "models", "calibrations");
    const [file] = readdirSync(folder);
    const whole = readFileSync(join(folder, file));
    const flipped = Buffer.from(whole);
    flipped[100] ^= 1;
    for (const damaged of [flipped, whole.subarray(0, 64), Buffer.alloc(0)]) {
      writeFileSync(join(folder, file), damaged);
      assert.deepEqual([kept.get("model", DIMS), kept.of("model")], [undefined, []]);
    }
    assert.deepEqual(kept.keep("model", two), two);
    assert.deepEqual(kept.get("model", DIMS), two);
    assert.equal(warnings.length, 1);
    assert.deepEqual(readdirSync(folder), [file]);
  });

  it("that cannot be written is said: what is coded by it could never be read again", (test) => {
    const cache = temporaryFolder(test);
    writeFileSync(join(cache, "models"), "a file where a folder is wanted");
    assert.throws(() => new KeptCalibrations(cache).keep("model", one), {
      kind: "unavailable",
      message: /could not be written to .*calibrations/,
    });
  });
});
