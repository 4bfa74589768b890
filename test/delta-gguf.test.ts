import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { describeDelta } from "../server/delta/describe.ts";
import { findModels } from "../server/delta/found-models.ts";
import { findDescents } from "../server/delta/lineage.ts";
import { openModel } from "../server/delta/model-files.ts";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { verify } from "../server/delta/verify.ts";
import { bf16, deltaOptions, f16, f32, makeDelta, put, randomNumbers, tuned, weights } from "./delta-fixture.ts";
import { GgmlType, gguf, q4, q8, text, u32, u64 } from "./gguf-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(90);
const layer = weights(random, 200, 320);
const changed = tuned(random, layer, 0.01);
const norm = weights(random, 1, 320);
const words = Array.from({ length: 3000 }, (_, i) => `▁word${(i * 7919) % 3001}`);

const QUANTISED = {
  F32: f32,
  F16: f16,
  BF16: bf16,
  Q8_0: q8,
  Q4_0: q4,
} as const;

/** A model with a layer and a norm, as a format of ggml keeps it. */
function model(type: keyof typeof QUANTISED, values: Float32Array, name: string, alignment = 32) {
  return gguf(
    {
      "general.name": name,
      "general.alignment": alignment,
      "tokenizer.ggml.tokens": words,
      "tokenizer.chat_template": `{{ ${name} }}`,
    },
    [
      { name: "blk.0.attn_q.weight", type: GgmlType[type], sizes: [320, 200], bytes: QUANTISED[type](values) },
      { name: "output_norm.weight", type: GgmlType.F32, sizes: [320], bytes: f32(norm) },
    ],
  );
}

/** Compresses, verifies, rebuilds and compares. Returns what the delta says of itself. */
async function roundTrip(test: TestContext, base: Uint8Array, fine: Uint8Array) {
  const folder = temporaryFolder(test);
  const options = deltaOptions(test);
  put(folder, { "base.gguf": base, "fine.gguf": fine });
  const made = await makeDelta(options, join(folder, "base.gguf"), join(folder, "fine.gguf"), join(folder, "delta"));
  await verify(made.delta, made.base, options);
  await reconstruct(made.delta, made.base, join(folder, "restored.gguf"), { ...options, force: false });
  assert.equal(Buffer.compare(readFileSync(join(folder, "restored.gguf")), fine), 0);
  return describeDelta(made.delta);
}

describe("a GGUF file", () => {
  for (const [type, least] of [
    ["BF16", 0.7],
    ["F16", 0.55],
    ["F32", 0.35],
    ["Q8_0", 0.6],
    ["Q4_0", 0.8],
  ] as const) {
    it(`with values of ${type} is compared tensor by tensor, whatever stands in its header`, async (test) => {
      const fine = model(type, changed, "a fine-tune with a longer name", 64);
      const { bytes, deltaBytes, tensors } = await roundTrip(test, model(type, layer, "base"), fine);
      assert.ok(1 - deltaBytes / bytes > least, `${1 - deltaBytes / bytes}`);
      assert.deepEqual(
        tensors.map(({ name, dtype, codecs }) => [name, dtype, codecs]),
        [
          ["tokenizer.ggml.tokens", "U8", ["same"]],
          ["blk.0.attn_q.weight", type, ["contexts"]],
          ["output_norm.weight", "F32", ["same"]],
        ],
      );
    });
  }

  it("of a type that is not known is still compared", async (test) => {
    const made = (bytes: Uint8Array) => gguf({}, [{ name: "a", type: 77, sizes: [64_000], bytes }]);
    const { bytes, deltaBytes, tensors } = await roundTrip(test, made(bf16(layer)), made(bf16(changed)));
    assert.deepEqual([tensors[0].dtype, deltaBytes < bytes], ["GGML_77", true]);
  });

  it("is taken as bytes when it is none, or of a version that is not known", async (test) => {
    for (const file of [
      Buffer.from("GG"),
      Buffer.from("no GGUF at all, whatever its name says, and long enough to be one"),
      Buffer.concat([Buffer.from("GGUF"), u32(9), new Uint8Array(80)]),
      Buffer.concat([Buffer.from("GGUF"), Buffer.from([0, 0, 0, 3]), new Uint8Array(80)]),
    ])
      assert.deepEqual((await roundTrip(test, model("F16", layer, "base"), file)).tensors, []);
  });

  it("is found to be made from another, unless its weights say nothing of that", async (test) => {
    const folder = temporaryFolder(test);
    const unrelated = weights(random, 200, 320);
    put(folder, {
      "floats/base.gguf": model("F16", layer, "base"),
      "floats/fine.gguf": model("F16", changed, "fine"),
      "floats/other.gguf": model("F16", unrelated, "other"),
      "packed/base.gguf": model("Q8_0", layer, "base"),
      "packed/other.gguf": model("Q8_0", unrelated, "other"),
    });
    const calm = { signal: new AbortController().signal };
    const models = await findModels(folder, calm);
    assert.equal(models.length, 5);
    const descents = await findDescents(models, calm);
    assert.deepEqual(
      descents.map(({ fine, base }) => [basename(fine.path), basename(base.path)]),
      [["fine.gguf", "base.gguf"]],
    );
  });
});

describe("GGUF headers that lie", () => {
  const start = (tensors: number | bigint, metadata: number | bigint, ...rest: Uint8Array[]) =>
    Buffer.concat([Buffer.from("GGUF"), u32(3), u64(tensors), u64(metadata), ...rest]);
  const tensor = (sizes: readonly (number | bigint)[], type = 0, offset: number | bigint = 0, name = "a") =>
    Buffer.concat([text(name), u32(sizes.length), ...sizes.map(u64), u32(type), u64(offset)]);
  const room = new Uint8Array(400);
  const nested = (depth: number): Uint8Array[] =>
    depth === 0 ? [u32(4), u64(0)] : [u32(9), u64(1), ...nested(depth - 1)];

  const lies: Record<string, [file: Uint8Array, why: RegExp]> = {
    "2^60 tensors": [start(2n ** 60n, 0, room), /claims 1152921504606846976/],
    "more tensors than there are": [start(300, 0, room), /twice|beyond|claims|of a type|dimensions|overlaps/],
    "2^64 - 1 values of metadata": [start(0, 2n ** 64n - 1n, room), /claims/],
    "a key of 2^63 bytes": [start(0, 1, u64(2n ** 63n), room), /claims/],
    "a name as long as the file": [start(1, 0, u64(5000), new Uint8Array(6000)), /name of 5000 bytes/],
    "metadata of a type that there is not": [start(0, 1, text("k"), u32(99), room), /values of the type 99/],
    "a list of 2^59 numbers": [start(0, 1, text("k"), u32(9), u32(4), u64(2n ** 59n), room), /claims/],
    "a list that reaches beyond the file": [start(0, 1, text("k"), u32(9), u32(10), u64(400), room), /beyond the file/],
    "lists in lists in lists": [start(0, 1, text("k"), u32(9), ...nested(9), room), /nested too deep/],
    "an alignment of nothing": [start(0, 1, text("general.alignment"), u32(4), u32(0), room), /alignment is 0/],
    "a tensor of a hundred dimensions": [start(1, 0, tensor(Array(100).fill(1))), /100 dimensions/],
    "a tensor of 2^60 values": [start(1, 0, tensor([2n ** 60n]), room), /claims/],
    "a size that overflows": [start(1, 0, tensor([400, 400, 400, 400, 400, 400, 400]), room), /beyond the file/],
    "a tensor beyond the file": [start(1, 0, tensor([99]), room.subarray(0, 300)), /"a" reaches beyond the file/],
    "a place beyond the file": [start(1, 0, tensor([1], 0, 420), room), /"a" reaches beyond the file/],
    "rows that are no whole blocks": [start(1, 0, tensor([33], 8), room), /does not fill its blocks/],
    "tensors that overlap": [start(2, 0, tensor([4]), tensor([4], 0, 8, "b"), room), /"b" overlaps/],
    "a name twice": [start(2, 0, tensor([4]), tensor([4], 0, 32), room), /"a" twice/],
    "an end in its header": [start(1, 0, text("a")), /beyond the file/],
  };
  for (const [name, [file, why]] of Object.entries(lies)) {
    it(`are refused: ${name}`, (test) => {
      const path = put(temporaryFolder(test), { "model.gguf": file });
      assert.throws(() => openModel(path), { kind: "input", message: why });
    });
  }

  it("end in an error or are read, whichever bits are turned", (test) => {
    const folder = temporaryFolder(test);
    const whole = model("Q4_0", layer, "base").subarray(0, 200_000);
    const headerBytes = 80_000;
    for (let round = 0; round < 300; round++) {
      const altered = Buffer.from(whole);
      // Most of the header is the vocabulary; what comes before and after is turned more often.
      const at = round % 2 ? random() * 200 : random() * headerBytes;
      altered[Math.floor(at)] ^= 1 << Math.floor(random() * 8);
      const path = put(folder, { "altered.gguf": altered });
      try {
        const [{ tensors }] = openModel(path).files;
        assert.ok(tensors.every((one) => one.at + one.bytes <= altered.length));
      } catch (error) {
        assert.equal((error as { kind?: string }).kind, "input", String(error));
      }
    }
  });
});
