import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VectorArena } from "../server/vectors/arena.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { int4Codes } from "../server/vectors/int4.ts";
import { quantise, stepCodes, stepQuery, stepsOf } from "../server/vectors/int8.ts";
import { compileModule } from "../server/vectors/kernels.ts";
import { signsOf } from "../server/vectors/signs.ts";
import { truncated } from "../server/vectors/truncation.ts";
import { seeded } from "./seeded.ts";

const DIMS = 64;
const simd = compileModule(await compileKernels());
const random = seeded(5);
/** Unit vectors of which the later dimensions vary less and less, as those of a real model do. */
const VECTORS = Array.from({ length: 40 }, () =>
  unit(Float32Array.from({ length: DIMS }, (_, d) => (random(2_001) / 1_000 - 1) / (1 + d / 8))),
);

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function dot(one: Float32Array, two: ArrayLike<number>): number {
  return one.reduce((sum, value, d) => sum + value * two[d], 0);
}

/** The greatest error of the dot products with a query, as an arena gives them. */
function worstError(found: readonly number[], query: Float32Array): number {
  return Math.max(...VECTORS.map((vector, row) => Math.abs(dot(query, vector) - found[row])));
}

function packed<Code extends Int8Array | Uint8Array>(rows: readonly Code[]): Int8Array {
  return Int8Array.from(rows.flatMap((row) => [...new Int8Array(row.buffer, row.byteOffset, row.length)]));
}

for (const [name, kernels] of [
  ["with SIMD", simd],
  ["without SIMD", undefined],
] as const) {
  describe(`vectors in few bytes, ${name}`, () => {
    const query = VECTORS[3];
    const queryCodes = new Int8Array(DIMS);
    const queryScale = quantise(query, queryCodes);

    it("int8 with a scale for each vector is off by less than a hundredth", () => {
      const arena = VectorArena.create(0, kernels);
      const rows = VECTORS.map(() => new Int8Array(DIMS));
      const scales = VECTORS.map((vector, row) => quantise(vector, rows[row]));
      const dots = arena.dots(arena.place(packed(rows)), VECTORS.length, queryCodes);
      const found = Array.from(dots, (value, row) => value * scales[row] * queryScale);
      assert.ok(worstError(found, query) < 0.01, `off by ${worstError(found, query)}`);
    });

    it("int8 in steps of each dimension needs no scale, and is off by less still", () => {
      const arena = VectorArena.create(0, kernels);
      const steps = stepsOf(Float32Array.from(VECTORS.flatMap((vector) => [...vector])), DIMS);
      const rows = VECTORS.map((vector) => {
        const codes = new Int8Array(DIMS);
        stepCodes(vector, steps, codes);
        return codes;
      });
      const codes = new Int8Array(DIMS);
      stepQuery(query, steps, codes);
      const dots = arena.dots(arena.place(packed(rows)), VECTORS.length, codes);
      // One factor for all: it is that of the query with itself.
      const found = Array.from(dots, (value) => (value / dots[3]) * dot(query, query));
      assert.ok(worstError(found, query) < 0.01, `off by ${worstError(found, query)}`);
    });

    it("int4 has two components a byte, and is off by a few hundredths", () => {
      const arena = VectorArena.create(0, kernels);
      const rows = VECTORS.map(() => new Int8Array(DIMS / 2));
      const scales = VECTORS.map((vector, row) => int4Codes(vector, rows[row]));
      const dots = arena.dots4(arena.place(packed(rows)), VECTORS.length, queryCodes);
      const found = Array.from(dots, (value, row) => value * scales[row] * queryScale);
      assert.ok(worstError(found, query) < 0.1, `off by ${worstError(found, query)}`);
    });

    it("int4 keeps each component in its place", () => {
      const arena = VectorArena.create(0, kernels);
      const codes = Int8Array.from({ length: DIMS }, (_, d) => (d % 15) - 7);
      const row = new Int8Array(DIMS / 2);
      assert.equal(int4Codes(Float32Array.from(codes), row), 1);
      const at = arena.place(row);
      for (let d = 0; d < DIMS; d++) {
        const one = new Int8Array(DIMS);
        one[d] = 1;
        assert.equal(arena.dots4(at, 1, one)[0], codes[d], `component ${d}`);
      }
    });

    it("signs are compared with a query of all its bits", () => {
      const arena = VectorArena.create(0, kernels);
      const rows = VECTORS.map((vector) => {
        const codes = new Int8Array(DIMS);
        quantise(vector, codes);
        return codes;
      });
      const expected = rows.map((row) => queryCodes.reduce((sum, code, d) => sum + (row[d] < 0 ? -code : code), 0));
      const at = arena.place(packed(rows.map((row) => signsOf(row))));
      assert.deepEqual([...arena.signDots(at, VECTORS.length, queryCodes)], expected);
    });

    it("queries of a wrong length and rows beyond the end are refused", () => {
      const arena = VectorArena.create(0, kernels);
      for (const scan of ["dots4", "signDots"] as const) {
        assert.throws(() => arena[scan](0, 1, new Int8Array(48)), /48 dimensions, not a multiple of 32/);
        assert.throws(() => arena[scan](0, 2 ** 24, new Int8Array(64)), /reach beyond the arena/);
        assert.equal(arena[scan](0, 0, new Int8Array(64)).length, 0);
      }
    });
  });
}

describe("a vector without direction", () => {
  it("has no scale and zero codes in every form", () => {
    const zeros = new Float32Array(DIMS);
    const codes = new Int8Array(DIMS);
    assert.equal(quantise(zeros, codes), 0);
    assert.equal(int4Codes(zeros, codes.subarray(0, DIMS / 2)), 0);
    stepCodes(VECTORS[0], stepsOf(zeros, DIMS), codes);
    assert.ok(codes.every((code) => code === 0));
    assert.deepEqual(truncated(zeros, 32), new Float32Array(32));
  });

  it("and one with a value that is no number is taken for one", () => {
    const broken = VECTORS[0].slice();
    broken[7] = Number.POSITIVE_INFINITY;
    assert.deepEqual([quantise(broken, new Int8Array(DIMS)), int4Codes(broken, new Int8Array(DIMS / 2))], [0, 0]);
  });
});

describe("the first dimensions", () => {
  it("are at length 1 again", () => {
    const first = truncated(VECTORS[0], 32);
    assert.equal(first.length, 32);
    assert.ok(Math.abs(dot(first, first) - 1) < 1e-6);
    assert.ok(Math.abs(first[0] / first[1] - VECTORS[0][0] / VECTORS[0][1]) < 1e-5);
  });
});
