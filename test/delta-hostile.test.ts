import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ending, MAGIC, openDelta } from "../server/delta/delta-file.ts";
import type { DeltaOptions } from "../server/delta/delta-options.ts";
import type { Manifest } from "../server/delta/manifest.ts";
import { openModel } from "../server/delta/model-files.ts";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { verify } from "../server/delta/verify.ts";
import { CairnError } from "../shared/errors.ts";
import {
  bf16,
  deltaOptions,
  makeDelta,
  put,
  randomNumbers,
  safetensors,
  tuned,
  weights,
  withHeader,
} from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(30);
const layer = weights(random, 40, 320);
const changed = tuned(random, layer, 0.01);
const baseFile = safetensors([{ name: "a", dtype: "BF16", shape: [40, 320], bytes: bf16(layer) }]);
const fineFile = safetensors([{ name: "a", dtype: "BF16", shape: [40, 320], bytes: bf16(changed) }]);

/** A base, a fine-tune and the delta between them, in a folder. */
async function prepared(test: TestContext) {
  const folder = temporaryFolder(test);
  const options = deltaOptions(test, 1);
  const base = put(folder, { "base.safetensors": baseFile });
  const fine = put(folder, { "fine.safetensors": fineFile });
  const made = await makeDelta(options, base, fine, join(folder, "delta"));
  return { folder, options, made, path: join(folder, "delta") };
}

/** Opens and rebuilds; whatever goes wrong, nothing may be left. */
async function rebuild(folder: string, path: string, options: DeltaOptions, base = "base.safetensors"): Promise<void> {
  try {
    await reconstruct(openDelta(path), openModel(join(folder, base)), join(folder, "out"), {
      ...options,
      force: false,
    });
  } catch (error) {
    assert.ok(error instanceof CairnError, `${error instanceof Error ? error.stack : error}`);
    assert.notEqual(error.hint, "");
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("out")),
      [],
    );
    throw error;
  }
}

describe("safetensors headers that lie", () => {
  const lies: Record<string, [file: Uint8Array, why: RegExp]> = {
    "nothing at all": [new Uint8Array(), /too short/],
    "a header of 2^60 bytes": [withHeader("{}", new Uint8Array(), 2n ** 60n), /claims 1152921504606846976 bytes/],
    "a header of 2^64 - 1 bytes": [withHeader("{}", new Uint8Array(), 2n ** 64n - 1n), /claims/],
    "no JSON": [withHeader("{nope", new Uint8Array()), /not JSON/],
    "a list": [withHeader("[]", new Uint8Array()), /not JSON/],
    "bytes that are no text": [withHeader("{}\xff", new Uint8Array()), /not JSON/],
    "a tensor beyond the file": [header({ dtype: "U8", shape: [9], data_offsets: [0, 9] }), /beyond the file/],
    "a tensor of 2^60 values": [
      header({ dtype: "F32", shape: [2 ** 30, 2 ** 30], data_offsets: [0, 4] }),
      /does not fit its shape/,
    ],
    "a size that overflows to the right one": [
      header({ dtype: "U8", shape: [2 ** 32, 2 ** 32], data_offsets: [0, 0] }),
      /fit its shape/,
    ],
    "negative places": [header({ dtype: "U8", shape: [4], data_offsets: [-4, 0] }), /as the format wants/],
    "an end before its beginning": [header({ dtype: "U8", shape: [4], data_offsets: [4, 0] }), /beyond/],
    fractions: [header({ dtype: "U8", shape: [0.5], data_offsets: [0, 4] }), /as the format wants/],
    "no places": [header({ dtype: "U8", shape: [4] }), /as the format wants/],
    "a shape that is no list": [header({ dtype: "U8", shape: "4", data_offsets: [0, 4] }), /as the format wants/],
    "tensors that overlap": [
      withHeader(
        JSON.stringify({
          a: { dtype: "U8", shape: [4], data_offsets: [0, 4] },
          b: { dtype: "U8", shape: [4], data_offsets: [2, 6] },
        }),
        new Uint8Array(8),
      ),
      /"b" overlaps/,
    ],
  };

  for (const [name, [file, why]] of Object.entries(lies)) {
    it(`are refused: ${name}`, (test) => {
      const path = put(temporaryFolder(test), { "model.safetensors": file });
      assert.throws(() => openModel(path), { kind: "input", message: why });
    });
  }

  function header(entry: object): Uint8Array {
    return withHeader(JSON.stringify({ a: entry }), new Uint8Array(4));
  }
});

describe("an index of shards", () => {
  for (const shard of [
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\x",
    "..\\x",
    "missing.safetensors",
    "",
    7,
    "sub/../../x",
  ]) {
    it(`that names ${JSON.stringify(shard)} is refused`, (test) => {
      const folder = temporaryFolder(test);
      put(folder, { "model.safetensors.index.json": JSON.stringify({ weight_map: { a: shard } }) });
      assert.throws(() => openModel(folder), { kind: "input", message: /not a file beside it/ });
    });
  }

  it("that is no JSON is refused", (test) => {
    const folder = temporaryFolder(test);
    put(folder, { "model.safetensors.index.json": "{" });
    assert.throws(() => openModel(folder), { kind: "input", message: /not a valid index/ });
  });
});

describe("a wrong base", () => {
  it("is known before anything is written when it is another file", async (test) => {
    const { folder, path, options } = await prepared(test);
    put(folder, { "other.safetensors": fineFile });
    await assert.rejects(rebuild(folder, path, options, "other.safetensors"), {
      kind: "input",
      message: /not the base/,
    });
  });

  it("is found by its content, whatever its name", async (test) => {
    const { folder, path, options } = await prepared(test);
    put(folder, { "models/x.safetensors": baseFile, "models/other.safetensors": fineFile });
    await rebuild(folder, path, options, "models");
    assert.equal(Buffer.compare(readFileSync(join(folder, "out")), fineFile), 0);
  });

  it("that differs in one bit, where no first look sees it, leaves nothing behind", async (test) => {
    const folder = temporaryFolder(test);
    const options = deltaOptions(test, 1);
    const big = weights(random, 400, 1000);
    const file = (values: Float32Array) =>
      safetensors([{ name: "a", dtype: "BF16", shape: [400, 1000], bytes: bf16(values) }]);
    const base = put(folder, { "base.safetensors": file(big) });
    const fine = put(folder, { "fine.safetensors": file(tuned(random, big, 0.01)) });
    await makeDelta(options, base, fine, join(folder, "delta"));
    // Halfway between two of the 64 pieces that the first look takes.
    const altered = file(big);
    altered[Math.floor(altered.length * (10.5 / 63))] ^= 1;
    writeFileSync(base, altered);
    await assert.rejects(rebuild(folder, join(folder, "delta"), options), {
      kind: "input",
      message: /not the base.*SHA-256/,
    });
  });
});

describe("a damaged delta", () => {
  it("is refused when it is cut off anywhere", async (test) => {
    const { folder, path, options } = await prepared(test);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += Math.ceil(whole.length / 40)) {
      writeFileSync(path, whole.subarray(0, length));
      await assert.rejects(rebuild(folder, path, options), CairnError, `${length}`);
    }
  });

  it("is refused, or rebuilt right, when any of its bytes is altered", async (test) => {
    const { folder, path, options } = await prepared(test);
    const whole = readFileSync(path);
    const pick = randomNumbers(99);
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const altered = Buffer.from(whole);
      const at = round < 64 ? round : round < 128 ? whole.length - 1 - (round - 64) : Math.floor(pick() * whole.length);
      altered[at] ^= 1 << Math.floor(pick() * 8);
      writeFileSync(path, altered);
      await assert.rejects(rebuild(folder, path, options), CairnError, `byte ${at}`);
      refused++;
    }
    assert.equal(refused, 150);
  });

  it("with blocks in another order is refused", async (test) => {
    const { folder, path, options, made } = await prepared(test);
    const { blocks } = made.manifest;
    rewrite(path, { ...made.manifest, blocks: [blocks[1], blocks[0], ...blocks.slice(2)] });
    await assert.rejects(rebuild(folder, path, options), { kind: "corrupt" });
  });

  it("of another base's fine-tune, with a manifest that fits, is refused by its hashes", async (test) => {
    const { folder, path, options, made } = await prepared(test);
    const [file] = made.manifest.files;
    rewrite(path, { ...made.manifest, files: [{ ...file, sha256: "0".repeat(64) }] });
    await assert.rejects(rebuild(folder, path, options), { kind: "corrupt", message: /SHA-256/ });
    await assert.rejects(verify(openDelta(path), openModel(join(folder, "base.safetensors")), options), {
      kind: "corrupt",
    });
  });

  /** Puts another manifest behind the blocks of a delta. */
  function rewrite(path: string, manifest: Manifest): void {
    const whole = readFileSync(path);
    const at = Number(whole.readBigUInt64LE(whole.length - 64));
    writeFileSync(path, Buffer.concat([whole.subarray(0, at), ending(manifest, at)]));
  }

  const lies: Record<string, (manifest: Manifest) => object> = {
    "a file outside the folder": (m) => ({ ...m, files: [{ ...m.files[0], name: "../evil" }] }),
    "an absolute file": (m) => ({ ...m, files: [{ ...m.files[0], name: "/evil" }] }),
    "a Windows path": (m) => ({ ...m, files: [{ ...m.files[0], name: "..\\evil" }] }),
    "a file twice": (m) => ({
      ...m,
      folder: true,
      files: [m.files[0], { ...m.files[0], name: m.files[0].name.toUpperCase() }],
    }),
    "a file of 2^53 bytes": (m) => ({ ...m, files: [{ ...m.files[0], bytes: 2 ** 53 - 1 }] }),
    "a block beyond the file": (m) => ({ ...m, blocks: m.blocks.map(([, ...rest]) => [2 ** 40, ...rest]) }),
    "a block of 2^50 values": (m) => ({ ...m, blocks: m.blocks.map((block) => block.with(4, 2 ** 50)) }),
    "negative sizes": (m) => ({ ...m, blocks: m.blocks.map((block) => block.with(1, -1)) }),
    "a base range beyond the base": (m) => ({
      ...m,
      files: [
        {
          ...m.files[0],
          parts: m.files[0].parts.map((part) => (part.base ? { ...part, base: [0, 2 ** 40, part.bytes] } : part)),
        },
      ],
    }),
    "parts that do not fill their file": (m) => ({
      ...m,
      files: [{ ...m.files[0], parts: m.files[0].parts.slice(1) }],
    }),
    "a part that has its own bytes": (m) => ({
      ...m,
      files: [
        { ...m.files[0], parts: m.files[0].parts.map(({ blocks, pool, ...part }, i) => ({ ...part, as: [0, i] })) },
      ],
    }),
    "unknown fields": (m) => ({ ...m, run: "rm -rf" }),
    "a later format": (m) => ({ ...m, format: 99 }),
    "no object": () => [],
  };
  for (const [name, lie] of Object.entries(lies)) {
    it(`whose manifest claims ${name} is refused when it is opened`, async (test) => {
      const { path, made } = await prepared(test);
      rewrite(path, lie(made.manifest) as Manifest);
      assert.throws(() => openDelta(path), CairnError);
    });
  }

  it("that is something else is said to be no delta", (test) => {
    const folder = temporaryFolder(test);
    put(folder, { text: "hello", empty: "", later: Buffer.concat([MAGIC.with(7, 9), new Uint8Array(100)]) });
    assert.throws(() => openDelta(join(folder, "text")), { kind: "input", message: /not a delta/ });
    assert.throws(() => openDelta(join(folder, "empty")), { kind: "input", message: /not a delta/ });
    assert.throws(() => openDelta(join(folder, "later")), { kind: "input", message: /version 9/ });
    assert.throws(() => openDelta(join(folder, "missing")), { kind: "input", message: /There is no .*missing/ });
  });
});

it("a cancelled run leaves nothing", async (test) => {
  const { folder, options, path } = await prepared(test);
  const signal = AbortSignal.abort();
  const copy = join(folder, "copy");
  copyFileSync(path, copy);
  await assert.rejects(rebuild(folder, copy, { ...options, signal }), { kind: "unavailable", message: /cancelled/ });
  await assert.rejects(
    makeDelta(
      { ...options, signal },
      join(folder, "base.safetensors"),
      join(folder, "fine.safetensors"),
      join(folder, "new"),
    ),
    { kind: "unavailable", message: /cancelled/ },
  );
  assert.equal(existsSync(join(folder, "new")), false);
  assert.deepEqual(readdirSync(folder).sort(), ["base.safetensors", "copy", "delta", "fine.safetensors"]);
});
