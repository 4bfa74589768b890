import assert from "node:assert/strict";
import { test } from "node:test";
import { VectorArena } from "../server/vectors/arena.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { compileModule, createKernels } from "../server/vectors/kernels.ts";
import { createSharedMemory } from "../server/vectors/shared-memory.ts";

const simd = compileModule(await compileKernels());

test("this machine runs the SIMD kernels, and what is not a module is declined", () => {
  assert.ok(simd);
  assert.equal(compileModule(Uint8Array.of(1, 2, 3)), undefined);
});

/** Rows that random numbers would hardly hit. */
const EDGES: Record<string, (d: number) => number> = {
  zero: () => 0,
  "all -128": () => -128,
  "all 127": () => 127,
  alternating: (d) => (d % 2 ? -128 : 127),
  "one component": (d) => (d === 5 ? 1 : 0),
};

for (const dims of [32, 64, 128, 256]) {
  test(`SIMD and plain kernels give the same bits in ${dims} dimensions`, () => {
    const rows = [...Object.values(EDGES), ...Array.from({ length: 8 }, () => randomCode())];
    const table = rows.flatMap((row) => Array.from({ length: dims }, (_, d) => row(d)));
    // Row counts that are no multiple of four end in single rows.
    for (let count = 0; count <= rows.length; count++) {
      assert.deepEqual(everyKernel(simd, table, count, dims), everyKernel(undefined, table, count, dims));
    }
  });
}

test("dots are exact integers", () => {
  const rows = Int8Array.from({ length: 5 * 16 }, (_, i) => (i < 16 ? -128 : i - 40));
  const query = Int8Array.from({ length: 16 }, (_, d) => (d % 3) - 128);
  for (const kernels of [simd, undefined]) {
    const arena = VectorArena.create(0, kernels);
    const expected = Array.from({ length: 5 }, (_, row) =>
      query.reduce((sum, code, d) => sum + code * rows[row * 16 + d], 0),
    );
    assert.deepEqual([...arena.dots(arena.place(rows), 5, query)], expected);
  }
});

test("some rows give the same dots as all of them", () => {
  const rows = Int8Array.from({ length: 300 * 256 }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 24) - 128);
  const query = rows.slice(0, 256);
  const numbers = Uint32Array.of(299, 0, 7, 7, 130);
  for (const kernels of [simd, undefined]) {
    const arena = VectorArena.create(0, kernels);
    const at = arena.place(rows);
    const all = arena.dots(at, 300, query).slice();
    assert.deepEqual(
      [...arena.dotsOf(at, numbers, query)],
      Array.from(numbers, (row) => all[row]),
    );
    // The same bytes as rows of four bits: twice as many components in each.
    const halves = Int8Array.of(...query, ...query);
    const all4 = arena.dots4(at, 300, halves).slice();
    assert.deepEqual(
      [...arena.dots4Of(at, numbers, halves)],
      Array.from(numbers, (row) => all4[row]),
    );
    for (const [scan, wrong] of [
      ["dotsOf", 20],
      ["dots4Of", 48],
    ] as const) {
      assert.equal(arena[scan](at, new Uint32Array(), query).length, 0);
      assert.throws(() => arena[scan](at, Uint32Array.of(2 ** 24), query), /reaches beyond the arena/);
      assert.throws(() => arena[scan](at, numbers, new Int8Array(wrong)), /dimensions, not a multiple of/);
    }
  }
});

test("the distance of signs is the number of bits that differ, up to 255", () => {
  const query = Int8Array.from({ length: 256 }, () => 0xa5);
  const differing = [0, 1, 31, 32, 64, 200, 255, 256];
  const rows = Int8Array.from({ length: 32 * differing.length }, (_, i) => {
    let bits = 0xa5;
    for (let bit = 0; bit < 8; bit++) if ((i % 32) * 8 + bit < differing[i >> 5]) bits ^= 1 << bit;
    return bits;
  });
  for (const kernels of [simd, undefined]) {
    const arena = VectorArena.create(0, kernels);
    const at = arena.place(rows);
    const signs = new Uint8Array(query.buffer, 0, 32);
    assert.deepEqual([...arena.distances(at, 8, signs)], [0, 1, 31, 32, 64, 200, 255, 255]);
    assert.throws(() => arena.distances(at, 2 ** 26, signs), /reach beyond the arena/);
    assert.throws(() => arena.distances(at, 1, signs.subarray(1)), /31 bytes of signs/);
  }
});

test("the nearest rows of signs are those of the smallest distances", () => {
  const count = 5_000;
  const rows = Uint8Array.from({ length: count * 32 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
  const query = rows.slice(32 * 77, 32 * 78);
  for (const kernels of [simd, undefined]) {
    const arena = VectorArena.create(0, kernels);
    const at = arena.place(new Int8Array(rows.buffer));
    const found = arena.nearest(at, count, query, 200);
    const distances = arena.distances(at, count, query).slice();
    const limit = Math.max(...Array.from(found, (row) => distances[row]));
    assert.deepEqual(
      [...found],
      [...distances.keys()].filter((row) => distances[row] <= limit),
    );
    assert.ok(found.includes(77) && found.length > 100 && found.length < 500, `${found.length} rows`);
    assert.deepEqual([...arena.nearest(at, 3, query, 1_000)], [0, 1, 2]);
    assert.equal(arena.nearest(at, 0, query, 1).length, 0);
  }
});

test("a placed body has length one, whatever its scale", () => {
  for (const scale of [1e-20, 0.003, 1e20]) {
    const { codes, scales } = place(
      Int8Array.from({ length: 32 }, (_, d) => d - 20),
      scale,
      new Float32Array(32),
    );
    assert.ok(Math.abs(length(codes) * scales[0] - 1) < 1e-6);
  }
});

test("a body and a path that cancel each other, and a scale that is not a number, give the zero vector", () => {
  const body = Int8Array.from({ length: 32 }, (_, d) => d);
  const opposite = Float32Array.from(body, (code) => -code);
  for (const [scale, path] of [
    [1, opposite],
    [Number.NaN, opposite],
    [Number.POSITIVE_INFINITY, opposite],
  ] as const) {
    const { codes, scales } = place(body, scale, path);
    assert.deepEqual([length(codes), scales[0]], [0, 0]);
  }
});

test("an arena grows under its vectors and keeps them", () => {
  const arena = VectorArena.create(100, simd);
  const query = new Int8Array(32).fill(1);
  const first = arena.place(new Int8Array(32).fill(1));
  assert.deepEqual([...arena.dots(first, 1, query)], [32]);
  const many = arena.place(new Int8Array(32 * 100_000).fill(2));
  const last = arena.place(new Int8Array(33).fill(3));
  assert.deepEqual([first % 16, many % 16, last % 16], [0, 0, 0]);
  assert.ok(arena.dots(many, 100_000, query).every((score) => score === 64));
  assert.deepEqual([...arena.dots(first, 1, query)], [32]);
  assert.deepEqual([...arena.dots(last, 1, query)], [96]);
});

test("an arena reads vectors that were written straight into its memory", () => {
  const memory = createSharedMemory(3 * 65_536);
  new Int8Array(memory.buffer).fill(1);
  const arena = VectorArena.adopt(memory, simd);
  const full = (3 * 65_536) / 256;
  const query = new Int8Array(256).fill(1);
  assert.ok(arena.dots(0, full, query).every((score) => score === 256));
  const placed = arena.place(new Int8Array(256).fill(-1));
  assert.deepEqual([...arena.dots(placed, 1, query)], [-256]);
  assert.ok(arena.dots(0, full, query).every((score) => score === 256));
});

test("two arenas over one memory do not disturb each other", () => {
  const memory = createSharedMemory(65_536);
  const [one, two] = [VectorArena.adopt(memory, simd), VectorArena.adopt(memory, simd)];
  const atOne = one.place(new Int8Array(16).fill(1));
  const atTwo = two.place(new Int8Array(16).fill(2));
  const query = new Int8Array(16).fill(1);
  const scores = one.dots(atOne, 1, query);
  assert.deepEqual([...two.dots(atTwo, 1, query)], [32]);
  assert.deepEqual([...scores], [16]);
});

test("no vectors have no dot products", () => {
  assert.equal(VectorArena.create(0, simd).dots(0, 0, new Int8Array(256)).length, 0);
});

test("a query of a wrong length and vectors beyond the end are refused", () => {
  const arena = VectorArena.create(65_536, simd);
  assert.throws(() => arena.dots(0, 1, new Int8Array(20)), /20 dimensions, not a multiple of 16/);
  assert.throws(() => arena.dots(0, 1_000, new Int8Array(256)), /reach beyond the arena/);
  assert.throws(() => arena.dots(-16, 1, new Int8Array(256)), /reach beyond the arena/);
});

/** The results of all kernels over `count` rows of the table, as bytes. */
function everyKernel(module: typeof simd, table: readonly number[], count: number, dims: number): unknown {
  const memory = createSharedMemory(65_536);
  const kernels = createKernels(memory, module);
  const at = { table: 0, query: 8_192, tokens: 9_000, weights: 9_200, sum: 10_000, codes: 12_000, scales: 13_000 };
  const path = 14_000;
  const out = {
    dots: 20_000,
    dotsOf: 22_000,
    distances: 23_000,
    dots4: 23_100,
    dots4Of: 23_200,
    signSums: 23_300,
    within: 48_000,
    codes: 24_000,
    scales: 40_000,
  };
  const { buffer } = memory;
  new Int8Array(buffer, at.table).set(table);
  new Int8Array(buffer, at.query).set(table.slice(-dims));
  const random = lcg(count);
  for (let i = 0; i < count; i++) {
    new Int32Array(buffer, at.tokens)[i] = count - 1 - i;
    new Float32Array(buffer, at.weights)[i] = random() * 0.02;
    new Float32Array(buffer, at.scales)[i] = i === 2 ? 0 : random() * 3;
  }
  for (let d = 0; d < dims; d++) new Float32Array(buffer, path)[d] = random() - 0.5;

  kernels.dots(at.table, at.query, out.dots, count, dims);
  kernels.dotsOf(at.table, at.tokens, at.query, out.dotsOf, count, dims);
  kernels.distances(at.table, at.query, out.distances, count);
  kernels.dots4(at.table, at.query, out.dots4, count, dims);
  kernels.dots4Of(at.table, at.tokens, at.query, out.dots4Of, count, dims);
  kernels.signSums(at.table, at.query, out.signSums, count, dims);
  const within = kernels.within(at.table, 127, count * dims - (count % 3), out.within);
  const scale = kernels.body(at.table, dims, at.tokens, at.weights, count, dims, at.sum, at.codes);
  const sum = new Uint8Array(buffer, at.sum, 4 * dims).slice();
  // Half the dimensions of the same rows: the vectors are cut, the rows keep their stride.
  if (dims > 32) kernels.pool(at.table, dims, at.tokens, at.weights, count, dims / 2, path + 4 * dims);
  kernels.place(at.table, at.scales, path, count, dims, at.sum, out.codes, out.scales);
  return { scale, within, sum, memory: new Uint8Array(buffer).slice() };
}

function place(body: Int8Array, scale: number, path: Float32Array): { codes: Int8Array; scales: Float32Array } {
  const memory = createSharedMemory(65_536);
  new Int8Array(memory.buffer).set(body);
  new Float32Array(memory.buffer, 1_024, 1)[0] = scale;
  new Float32Array(memory.buffer, 2_048).set(path);
  createKernels(memory, simd).place(0, 1_024, 2_048, 1, body.length, 4_096, 8_192, 9_216);
  return { codes: new Int8Array(memory.buffer, 8_192, body.length), scales: new Float32Array(memory.buffer, 9_216, 1) };
}

function length(codes: Int8Array): number {
  return Math.hypot(...codes);
}

const nextRandom = lcg(7);

function randomCode(): (d: number) => number {
  const codes = Array.from({ length: 256 }, () => Math.floor(nextRandom() * 256) - 128);
  return (d) => codes[d];
}

/** Numbers in [0, 1) that are the same on every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
