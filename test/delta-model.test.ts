import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { compress } from "../server/delta/compress.ts";
import { describeDelta } from "../server/delta/describe.ts";
import { estimate } from "../server/delta/estimate.ts";
import { recordBytes } from "../server/delta/factors.ts";
import { openModel } from "../server/delta/model-files.ts";
import { floatValues } from "../server/delta/number-format.ts";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { readTensor, saveTensor, verify } from "../server/delta/verify.ts";
import {
  bf16,
  deltaOptions,
  f16,
  f32,
  type MadeTensor,
  makeDelta,
  merged,
  put,
  randomNumbers,
  safetensors,
  tuned,
  weights,
} from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(20);
const layer = weights(random, 200, 320);
const changed = tuned(random, layer, 0.01);
const norm = weights(random, 1, 320);

/** Compresses, verifies, rebuilds and compares a file. Returns what the delta says of itself. */
async function roundTrip(test: TestContext, base: readonly MadeTensor[], fine: readonly MadeTensor[]) {
  const folder = temporaryFolder(test);
  const options = deltaOptions(test);
  const basePath = put(folder, { "base.safetensors": safetensors(base) });
  const finePath = put(folder, { "fine.safetensors": safetensors(fine, { format: "pt" }) });
  const made = await makeDelta(options, basePath, finePath, join(folder, "fine.delta"));
  await verify(made.delta, made.base, options);
  await reconstruct(made.delta, made.base, join(folder, "restored"), { ...options, force: false });
  assert.equal(Buffer.compare(readFileSync(join(folder, "restored")), readFileSync(finePath)), 0);
  assert.deepEqual(readdirSync(folder).sort(), ["base.safetensors", "fine.delta", "fine.safetensors", "restored"]);
  return { ...describeDelta(made.delta), ...made, bytes: made.originalBytes, folder, options };
}

/** A value as a format of two bytes keeps it. */
function roundedTo(bytesOf: typeof bf16, value: number): number {
  const bytes = bytesOf(Float32Array.of(value));
  return floatValues(bytesOf === f16 ? "F16" : "BF16", bytes)?.[0] ?? Number.NaN;
}

/** A place that is neither a file nor a folder, as a device is; undefined where there are none. */
function madePipe(path: string): string | undefined {
  return spawnSync("mkfifo", [path]).status === 0 ? path : undefined;
}

function tensor(name: string, values: Float32Array, shape = [200, 320]): MadeTensor {
  return { name, dtype: "BF16", shape, bytes: bf16(values) };
}

describe("a delta of a model", () => {
  it("gives a fine-tune back byte for byte, in a third of its size", async (test) => {
    const { bytes, deltaBytes, tensors } = await roundTrip(
      test,
      [tensor("a", layer), tensor("b", norm, [320])],
      [tensor("a", changed), tensor("b", norm, [320])],
    );
    assert.ok(deltaBytes < 0.36 * bytes, `${deltaBytes} of ${bytes}`);
    assert.deepEqual(
      tensors.map(({ name, codecs }) => [name, codecs]),
      [
        ["a", ["contexts"]],
        ["b", ["same"]],
      ],
    );
  });

  it("takes tensors that are missing, added, empty, scalar, of other formats, in another order", async (test) => {
    const { tensors } = await roundTrip(
      test,
      [
        tensor("gone", norm, [320]),
        tensor("a", layer),
        { name: "n", dtype: "I64", shape: [], bytes: new Uint8Array(8) },
      ],
      [
        { name: "n", dtype: "I64", shape: [], bytes: new Uint8Array(8).fill(3) },
        { name: "empty", dtype: "F32", shape: [0, 5], bytes: new Uint8Array() },
        tensor("new", norm, [320]),
        { name: "a", dtype: "F32", shape: [200, 320], bytes: f32(changed) },
        { name: "flags", dtype: "BOOL", shape: [9], bytes: new Uint8Array(9).fill(1) },
      ],
    );
    assert.deepEqual(
      tensors.map(({ name }) => name),
      ["n", "empty", "new", "a", "flags"],
    );
  });

  it("compares the rows that are there when a vocabulary grew or shrank", async (test) => {
    const more = Float32Array.from([...changed, ...weights(random, 8, 320)]);
    const grown = await roundTrip(test, [tensor("emb", layer)], [tensor("emb", more, [208, 320])]);
    assert.ok(grown.deltaBytes < 0.4 * grown.bytes, `${grown.deltaBytes} of ${grown.bytes}`);
    const shrunk = await roundTrip(test, [tensor("emb", more, [208, 320])], [tensor("emb", changed)]);
    assert.ok(shrunk.deltaBytes < 0.1 * shrunk.bytes, `${shrunk.deltaBytes} of ${shrunk.bytes}`);
  });

  it("knows tensors behind a wrapper's prefix, and renamed ones whose bytes are the same", async (test) => {
    const { tensors } = await roundTrip(
      test,
      [tensor("layers.0.up.weight", layer), tensor("old", changed)],
      [tensor("model.layers.0.up.weight", changed), tensor("quite.another", changed)],
    );
    // The second is the first's twin: both have the bytes of the base's `old`.
    assert.deepEqual(
      tensors.map(({ codecs }) => codecs),
      [["contexts"], ["twin"]],
    );
    const renamed = await roundTrip(test, [tensor("old", layer)], [tensor("new", layer)]);
    assert.deepEqual(renamed.tensors[0].codecs, ["same"]);
  });

  it("reads one tensor without the others", async (test) => {
    const { delta, base, options } = await roundTrip(
      test,
      [tensor("a", layer), tensor("b", norm, [320])],
      [tensor("a", changed), tensor("b", norm, [320]), tensor("c", changed, [64_000])],
    );
    assert.deepEqual((await readTensor(delta, base, "a", options)).bytes, bf16(changed));
    assert.deepEqual((await readTensor(delta, base, "b", options)).bytes, bf16(norm));
    assert.deepEqual((await readTensor(delta, base, "c", options)).bytes, bf16(changed));
    await assert.rejects(readTensor(delta, base, "d", options), { kind: "input", message: /no tensor "d"/ });
  });

  it("takes a folder: shards, their index, other files, and gives all of it back", async (test) => {
    const folder = temporaryFolder(test);
    const options = deltaOptions(test);
    const index = JSON.stringify({ weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } });
    put(join(folder, "base"), {
      "one.safetensors": safetensors([tensor("a", layer), tensor("b", layer)]),
      "tokenizer.json": "same",
    });
    const files = {
      "model-1.safetensors": safetensors([tensor("a", changed)]),
      "model-2.safetensors": safetensors([tensor("b", layer)]),
      "model.safetensors.index.json": index,
      "tokenizer.json": "same",
      "empty.txt": "",
      "deep/er/notes.md": "hello",
    };
    put(join(folder, "fine"), files);
    const { delta, base, bytes } = await makeDelta(
      options,
      join(folder, "base"),
      join(folder, "fine"),
      join(folder, "d"),
    );
    await reconstruct(delta, base, join(folder, "restored"), { ...options, force: false });
    for (const [name, content] of Object.entries(files)) {
      assert.equal(Buffer.compare(readFileSync(join(folder, "restored", name)), Buffer.from(content)), 0, name);
    }
    assert.ok(bytes < 0.25 * 2 * changed.length * 2, `${bytes}`);
  });

  for (const [dtype, bytesOf, most] of [
    ["BF16", bf16, 0.16],
    ["F16", f16, 0.16],
    ["F32", f32, 0.2],
  ] as const) {
    it(`of a merged adapter in ${dtype} is a prediction and what it misses`, async (test) => {
      const weight = weights(random, 512, 512);
      // What is added to is what the base's file has, as a merge does.
      const stored = dtype === "F32" ? weight : weight.map((value) => roundedTo(bytesOf, value));
      const fine = merged(random, stored, 512, 8, 0.05);
      const { delta, base, options, tensors, deltaBytes, bytes } = await roundTrip(
        test,
        [{ name: "w", dtype, shape: [512, 512], bytes: bytesOf(stored) }],
        [{ name: "w", dtype, shape: [512, 512], bytes: bytesOf(fine) }],
      );
      assert.deepEqual(tensors[0].codecs, ["predicted contexts"]);
      assert.ok(deltaBytes < most * bytes, `${deltaBytes} of ${bytes}`);
      assert.equal((await readTensor(delta, base, "w", options)).bytes.length, tensors[0].bytes);
    });
  }

  it("gives the same bytes whatever the number of threads", async (test) => {
    const folder = temporaryFolder(test);
    const base = put(folder, {
      base: "",
      "b.safetensors": safetensors([tensor("a", layer), tensor("b", norm, [320])]),
    }).replace(/base$/, "b.safetensors");
    const fine = join(folder, "f.safetensors");
    put(folder, { "f.safetensors": safetensors([tensor("a", changed), tensor("b", norm, [320])]) });
    const [one, three] = await Promise.all(
      [1, 3].map((threads) => makeDelta(deltaOptions(test, threads), base, fine, join(folder, `${threads}.delta`))),
    );
    assert.equal(Buffer.compare(readFileSync(one.path), readFileSync(three.path)), 0);
  });

  it("estimates what it would save, with the change of each tensor", async (test) => {
    const { folder, options, deltaBytes, bytes } = await roundTrip(test, [tensor("a", layer)], [tensor("a", changed)]);
    const guess = await estimate(
      openModel(join(folder, "base.safetensors")),
      openModel(join(folder, "fine.safetensors")),
      { ...options, fast: false },
    );
    assert.ok(Math.abs(guess.saved - (1 - deltaBytes / bytes)) < 0.01, `${guess.saved}`);
    const [{ name, change, codec }] = guess.tensors;
    assert.deepEqual([name, codec], ["a", "contexts"]);
    assert.ok(change !== undefined && change > 0.005 && change < 0.02, `${change}`);
  });

  it("names a small tensor that shares its block with no other, and counts those that do", async (test) => {
    for (const [names, row] of [
      [["b"], "b"],
      [["b", "c"], "(2 small tensors)"],
    ] as const) {
      const base = names.map((name, i) => tensor(name, norm.subarray(i), [norm.length - i]));
      const fine = names.map((name, i) =>
        tensor(
          name,
          norm.subarray(i).map((value) => value * 1.01),
          [norm.length - i],
        ),
      );
      const { folder, options } = await roundTrip(test, base, fine);
      const [was, is] = ["base", "fine"].map((name) => openModel(join(folder, `${name}.safetensors`)));
      const { tensors } = await estimate(was, is, { ...options, fast: true });
      assert.deepEqual(tensors.map(({ name }) => name).sort(), ["(headers and other files)", row].sort());
    }
  });

  it("tells from some rows of a matrix what the factors of all would take", async (test) => {
    const [rows, cols] = [1024, 256];
    const values = weights(random, rows, cols);
    const folder = temporaryFolder(test);
    const span = (name: string, from: number, count: number) => ({
      path: join(folder, name),
      at: 2 * cols * from,
      bytes: 2 * cols * count,
    });
    put(folder, { base: bf16(values), fine: bf16(merged(random, values, cols, 4, 0.5)) });
    const { workers } = deltaOptions(test);
    const fit = (from: number, count: number) =>
      workers.run("fit", {
        fine: span("fine", from, count),
        base: span("base", from, count),
        dtype: "BF16",
        rows: count,
        cols,
        rowsInAll: rows,
      });
    const [all, some] = await Promise.all([fit(0, rows), fit(256, 512)]);
    const told = recordBytes(some.bytes, rows / 512);
    assert.ok(Math.abs(told / all.bytes.length - 1) < 0.1, `${told} of ${all.bytes.length}`);
  });

  it("does not replace what is there unless told to", async (test) => {
    const { folder, options, delta, base } = await roundTrip(test, [tensor("a", layer)], [tensor("a", changed)]);
    const out = join(folder, "restored");
    await assert.rejects(reconstruct(delta, base, out, { ...options, force: false }), {
      kind: "input",
      message: /already there/,
    });
    await reconstruct(delta, base, out, { ...options, force: true });
    assert.ok(existsSync(out));
  });

  it("replaces neither what it is made from nor a folder with anything else in it, whatever it is told", async (test) => {
    const folder = temporaryFolder(test);
    const options = { ...deltaOptions(test), force: true };
    const weights = safetensors([tensor("a", changed)]);
    put(folder, { "base/model.safetensors": safetensors([tensor("a", layer)]), "fine/model.safetensors": weights });
    const [basePath, finePath] = [join(folder, "base"), join(folder, "fine")];
    const { delta, base } = await makeDelta(options, basePath, finePath, join(folder, "fine.delta"));
    const home = join(folder, "home");
    const pipe = madePipe(join(folder, "pipe"));
    put(home, { "model.safetensors": "old", "thesis/chapter.txt": "years of work" });

    for (const [out, message] of [
      [basePath, /base is needed to make/],
      [folder, /base is needed to make|fine\.delta is needed to make/],
      [home, /holds thesis\/chapter\.txt, which would not be there any more/],
      ...(pipe ? [[pipe, /pipe is neither a file nor a folder/] as const] : []),
    ] as const) {
      await assert.rejects(reconstruct(delta, base, out, options), { kind: "input", message });
    }
    await assert.rejects(
      saveTensor(delta, base, "a", join(basePath, "model.safetensors"), options),
      /base\/model\.safetensors is needed to make/,
    );
    for (const [out, message] of [
      [join(finePath, "model.safetensors"), /model\.safetensors is needed to make/],
      [home, /is a folder/],
    ] as const) {
      const fine = openModel(join(finePath, "model.safetensors"));
      const all = { ...options, fast: false, check: false, made: "test" };
      await assert.rejects(compress(base, fine, out, all), { kind: "input", message });
    }
    assert.equal(readFileSync(join(home, "thesis/chapter.txt"), "utf8"), "years of work");

    rmSync(join(home, "thesis"), { recursive: true });
    await reconstruct(delta, base, home, options);
    assert.deepEqual(readFileSync(join(home, "model.safetensors")), Buffer.from(weights));
  });
});
