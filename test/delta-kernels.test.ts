import assert from "node:assert/strict";
import { test } from "node:test";
import { type BlockShape, Codec, decodeBlock, encodeBlock } from "../server/delta/block-codec.ts";
import { createCodecMemory } from "../server/delta/codec-memory.ts";
import { numberFormat } from "../server/delta/number-format.ts";
import { bf16, deltaKernels, f32, normal, randomNumbers, tuned, weights } from "./delta-fixture.ts";

assert.ok(deltaKernels, "this machine runs the SIMD kernels");
const simd = createCodecMemory(deltaKernels);
const plain = createCodecMemory(undefined);

/** Codes a block with the SIMD and the plain kernels, which must agree, and decodes it with both. */
function roundTrip(dtype: string, rows: number, cols: number, fine: Uint8Array, base?: Uint8Array): Uint8Array {
  const shape: BlockShape = { format: numberFormat(dtype), rows, cols };
  const [coded, twin] = [simd, plain].map((codec) => {
    if (base) codec.bytes(codec.at.base, base.length).set(base);
    codec.bytes(codec.at.fine, fine.length).set(fine);
    return encodeBlock(codec, shape, base !== undefined).slice();
  });
  assert.deepEqual(coded, twin, "both kernels give the same block");
  for (const codec of [simd, plain]) {
    codec.bytes(codec.at.fine, fine.length).fill(0xaa);
    if (base) codec.bytes(codec.at.base, base.length).set(base);
    assert.equal(Buffer.compare(decodeBlock(codec, shape, coded), fine), 0, "the block comes back");
  }
  return coded;
}

function randomBytes(seed: number, length: number): Uint8Array {
  const random = randomNumbers(seed);
  return Uint8Array.from({ length }, () => 256 * random());
}

test("a fine-tune of bf16 weights is coded in contexts, in a third of its size", () => {
  const random = randomNumbers(1);
  const base = weights(random, 128, 256);
  const coded = roundTrip("BF16", 128, 256, bf16(tuned(random, base, 0.01)), bf16(base));
  assert.equal(coded[0], Codec.contexts);
  assert.ok(coded.length < (128 * 256 * 2) / 3, `${coded.length}`);
});

test("a fine-tune of f32 weights is coded in contexts", () => {
  const random = randomNumbers(2);
  const base = weights(random, 64, 256);
  const coded = roundTrip("F32", 64, 256, f32(tuned(random, base, 0.01)), f32(base));
  assert.equal(coded[0], Codec.contexts);
  assert.ok(coded.length < 0.7 * 64 * 256 * 4, `${coded.length}`);
});

test("rows that change by different amounts have contexts of their own", () => {
  const random = randomNumbers(3);
  const base = weights(random, 256, 256);
  // Every other row, as those of an embedding whose words did not occur, does not change.
  const fine = base.map((value, i) => (Math.floor(i / 256) % 2 ? value : value + normal(random, 0.0002)));
  const mixed = roundTrip("BF16", 256, 256, bf16(fine), bf16(base)).length;
  const rowless = roundTrip("BF16", 1, 256 * 256, bf16(fine), bf16(base)).length;
  assert.ok(mixed < 0.9 * rowless, `${mixed} < ${rowless}`);
});

for (const dtype of [
  "F32",
  "F16",
  "BF16",
  "F8_E4M3",
  "F8_E5M2",
  "I8",
  "U8",
  "I16",
  "I32",
  "F64",
  "I64",
  "BOOL",
  "X9",
]) {
  test(`blocks of ${dtype} come back: equal, near, far, without a base, of any length`, () => {
    const { width } = numberFormat(dtype);
    for (const cols of [1, 2, 3, 5, 8, 17, 64, 100, 1000]) {
      for (const rows of [1, 2, 7, 65]) {
        const base = randomBytes(rows * cols, rows * cols * width);
        const near = base.map((byte, i) => (i % (3 * width) === 0 ? byte ^ 1 : byte));
        assert.deepEqual(roundTrip(dtype, rows, cols, base, base), Uint8Array.of(Codec.same));
        roundTrip(dtype, rows, cols, near, base);
        roundTrip(dtype, rows, cols, randomBytes(7, base.length), base);
        roundTrip(dtype, rows, cols, base);
      }
    }
  });
}

test("every bit pattern of 16 bits comes back, against every kind of base", () => {
  const all = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer);
  for (const against of [0, 0x8000, 0x7f80, 0xff80, 0x7fff, 0xffff, 0x3f80]) {
    const base = new Uint8Array(new Uint16Array(65_536).fill(against).buffer);
    roundTrip("BF16", 256, 256, all, base);
    roundTrip("F16", 256, 256, base, all);
  }
});

test("the largest differences of 32 bits come back", () => {
  const edges = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7f800000, 0xff800000, 0x00800000, 0x80800000];
  const fine = Uint32Array.from({ length: 81 * 40 }, (_, i) => edges[i % 9]);
  const base = Uint32Array.from({ length: 81 * 40 }, (_, i) => edges[Math.floor(i / 9) % 9]);
  for (const dtype of ["F32", "I32"])
    roundTrip(dtype, 40, 81, new Uint8Array(fine.buffer), new Uint8Array(base.buffer));
});

test("what cannot be made shorter is kept as it is, one byte longer", () => {
  const noise = randomBytes(11, 4096);
  assert.equal(roundTrip("U8", 1, 4096, noise).length, 4097);
});

test("a block that was altered anywhere is refused or decodes to something else, and never more", () => {
  const random = randomNumbers(5);
  const base = bf16(weights(random, 16, 64));
  const fine = bf16(tuned(random, new Float32Array(16 * 64), 1));
  const shape: BlockShape = { format: numberFormat("BF16"), rows: 16, cols: 64 };
  for (const codec of [simd, plain]) {
    codec.bytes(codec.at.base, base.length).set(base);
    codec.bytes(codec.at.fine, fine.length).set(fine);
    const coded = encodeBlock(codec, shape, true).slice();
    for (let i = 0; i < coded.length; i++) {
      for (const flip of [1, 0x80, 0xff]) {
        const altered = coded.slice();
        altered[i] ^= flip;
        try {
          assert.equal(decodeBlock(codec, shape, altered).length, fine.length);
        } catch (error) {
          assert.equal((error as { kind?: string }).kind, "corrupt");
        }
      }
    }
    for (let length = 0; length < coded.length; length += 7) {
      assert.throws(() => decodeBlock(codec, shape, coded.subarray(0, length)), { kind: "corrupt" });
    }
  }
});

/** Every kernel of prediction over the same numbers, in both kinds; what they leave in memory. */
function products(codec: typeof simd, bits: Uint32Array, rows: number, cols: number): Uint8Array {
  const { kernels, at } = codec;
  const n = rows * cols;
  const [rank, stride, width] = [5, Math.ceil(cols / 4) * 4, 16];
  codec.words(at.floats, n).set(bits.subarray(0, n));
  codec.words(at.z, n).set(bits.subarray(n, 2 * n));
  const small = Float32Array.from({ length: width * Math.max(rows, stride) }, (_, i) => Math.sin(i));
  codec.floats(at.left, rows * rank).set(small.subarray(0, rows * rank));
  codec.floats(at.right, rank * stride).set(small.subarray(0, rank * stride));
  kernels.addProduct(at.floats, rows, cols, at.left, at.right, rank, stride);
  kernels.bf16OfFloats(at.floats, n, at.base);
  kernels.f16OfFloats(at.floats, n, at.fine);
  kernels.floatsOfBf16(at.base, n, at.rowSums);
  kernels.floatsOfF16(at.fine, n, at.colSums);
  return Buffer.concat([
    codec.bytes(at.floats, 4 * n),
    codec.bytes(at.base, 2 * n),
    codec.bytes(at.fine, 2 * n),
    codec.bytes(at.rowSums, 4 * n),
    codec.bytes(at.colSums, 4 * n),
  ]);
}

test("predictions have the same bits from both kernels, infinities and what is no number included", () => {
  const random = randomNumbers(8);
  const edges = [0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f812345, 1, 0x80000001, 0x7f7fffff];
  const bits = Uint32Array.from({ length: 2 * 33 * 37 }, (_, i) => (i % 7 === 0 ? edges[i % 10] : random() * 2 ** 32));
  for (const [rows, cols] of [
    [33, 37],
    [1, 1],
    [2, 16],
    [3, 19],
    [4, 20],
  ]) {
    assert.deepEqual(products(simd, bits, rows, cols), products(plain, bits, rows, cols), `${rows} x ${cols}`);
  }
});

test("the search for factors takes the same steps with both kernels", () => {
  const random = randomNumbers(9);
  const [rows, cols, width] = [7, 13, 32];
  const found = [simd, plain].map(({ kernels, at, floats }, i) => {
    const again = i === 0 ? random : randomNumbers(9);
    floats(at.floats, rows * cols).set(Float32Array.from({ length: rows * cols }, () => normal(again, 1)));
    floats(at.z, rows * cols).set(Float32Array.from({ length: rows * cols }, () => normal(again, 1)));
    floats(at.right, cols * width).set(Float32Array.from({ length: cols * width }, () => normal(again, 1)));
    kernels.subtract(at.floats, at.z, rows * cols);
    kernels.times(at.floats, rows, cols, at.right, width, at.left);
    kernels.addTransposedTimes(at.floats, rows, cols, at.left, width, at.right);
    return [Float32Array.from(floats(at.left, rows * width)), Float32Array.from(floats(at.right, cols * width))];
  });
  assert.deepEqual(found[0], found[1]);
});

test("every half float keeps its value as a float and comes back, but for what is not finite", () => {
  for (const { kernels, at, memory } of [simd, plain]) {
    const halves = new Uint16Array(memory.buffer, at.base, 65_536);
    for (let i = 0; i < 65_536; i++) halves[i] = i;
    kernels.floatsOfF16(at.base, 65_536, at.floats);
    kernels.f16OfFloats(at.floats, 65_536, at.fine);
    const back = new Uint16Array(memory.buffer, at.fine, 65_536);
    for (let i = 0; i < 65_536; i++) if ((i & 0x7c00) !== 0x7c00) assert.equal(back[i], i);
    assert.equal(new Float32Array(memory.buffer, at.floats, 65_536)[0x3c00], 1);
    assert.equal(new Float32Array(memory.buffer, at.floats, 65_536)[0x0001], 2 ** -24);
  }
});
