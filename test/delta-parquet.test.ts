import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { openDelta } from "../server/delta/delta-file.ts";
import { estimate } from "../server/delta/estimate.ts";
import { openModel } from "../server/delta/model-files.ts";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { joinSnappy, splitSnappy } from "../server/delta/snappy.ts";
import { verify } from "../server/delta/verify.ts";
import { CairnError } from "../shared/errors.ts";
import { deltaOptions, makeDelta, put, randomNumbers } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(110);
const WORDS = "the of model data row answer question why how token list value prompt system user about when".split(" ");

interface Row {
  id: number;
  prompt: string;
  answer: string;
  score: number;
}

function sentence(words: number): string {
  return Array.from(
    { length: words },
    () => `${WORDS[Math.floor(random() * WORDS.length)]}${Math.floor(random() * 900)}`,
  ).join(" ");
}

function made(id: number): Row {
  return { id, prompt: sentence(20), answer: sentence(40), score: random() };
}

const records = Array.from({ length: 2000 }, (_, id) => made(id));
const tenthNew = [
  ...records.filter(({ id }) => id % 10 !== 3),
  ...Array.from({ length: 140 }, (_, i) => made(5000 + i)),
];

type Codec = "SNAPPY" | "GZIP" | "UNCOMPRESSED";

/** A stream as most programs write it: 64 KiB of data after the other, each by itself. */
function snappy(data: Uint8Array): Uint8Array {
  const withoutLength = (stream: Uint8Array) => stream.subarray(1 + stream.findIndex((byte) => byte < 128));
  const whole = snappyCompress(data);
  const elements: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 65_536)
    elements.push(withoutLength(snappyCompress(data.slice(at, at + 65_536))));
  return Buffer.concat([whole.subarray(0, whole.length - withoutLength(whole).length), ...elements]);
}

/** The bytes of a Parquet file with these rows, and what else each has. */
function parquet(rows: readonly Row[], codec: Codec = "SNAPPY", more: ColumnSource[] = []): Uint8Array {
  const column = (name: keyof Row, type: "INT32" | "STRING" | "DOUBLE") => ({
    name,
    data: rows.map((row) => row[name]),
    type,
  });
  const columnData = [column("id", "INT32"), column("prompt", "STRING"), column("answer", "STRING"), ...more];
  columnData.push(column("score", "DOUBLE"));
  const compressors = { SNAPPY: snappy, GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) };
  return new Uint8Array(parquetWriteBuffer({ columnData, codec, compressors, pageSize: 100_000 }));
}

/** Compresses, verifies, rebuilds and compares a dataset. */
async function roundTrip(test: TestContext, base: Uint8Array, fine: Uint8Array, name = "d.parquet") {
  const folder = temporaryFolder(test);
  const options = deltaOptions(test);
  const [basePath, finePath] = ["base", "fine"].map((prefix) => join(folder, `${prefix}-${name}`));
  put(folder, { [`base-${name}`]: base, [`fine-${name}`]: fine });
  const result = await makeDelta(options, basePath, finePath, join(folder, "d"));
  await verify(result.delta, result.base, options);
  await reconstruct(result.delta, result.base, join(folder, "out"), { ...options, force: false });
  assert.equal(Buffer.compare(readFileSync(join(folder, "out")), fine), 0);
  return { folder, options, result, basePath, finePath, saved: 1 - result.bytes / result.originalBytes };
}

describe("a dataset in Parquet", () => {
  const base = parquet(records);
  for (const [what, fine, least] of [
    ["with a tenth of its rows left out and new ones", parquet(tenthNew), 0.85],
    [
      "whose rows were edited",
      parquet(records.map((row) => (row.id % 10 ? row : { ...row, prompt: sentence(20) }))),
      0.8,
    ],
    ["with a column more", parquet(records, "SNAPPY", [{ name: "n", data: records.map(({ id }) => id % 7) }]), 0.95],
    ["that is equal", base, 0.99],
  ] as const) {
    it(`${what} is compared with what its pages hold`, async (test) => {
      const { saved } = await roundTrip(test, base, fine);
      assert.ok(saved > least, `${saved}`);
    });
  }

  it("without compression is compared as it lies there", async (test) => {
    const { saved } = await roundTrip(test, parquet(records, "UNCOMPRESSED"), parquet(tenthNew, "UNCOMPRESSED"));
    assert.ok(saved > 0.8, `${saved}`);
  });

  it("comes back byte for byte where its pages cannot be taken apart", async (test) => {
    const few = parquet(records.slice(0, 200));
    const gzipped = parquet(records.slice(20, 150), "GZIP");
    await roundTrip(test, parquet(records.slice(0, 200), "GZIP"), gzipped);
    await roundTrip(test, few, gzipped);
    await roundTrip(test, gzipped, few);
    // A page that is no stream, a footer that points anywhere, a file that is cut off, and no Parquet at all.
    const broken = [9000, few.length - 300, few.length - 9].map((at) => {
      const copy = few.slice();
      copy.fill(0xa5, at, at + 8);
      return copy;
    });
    for (const fine of [...broken, few.slice(0, -50), Buffer.from("PAR1PAR1"), new Uint8Array([1])])
      await roundTrip(test, few, fine);
    await roundTrip(test, broken[1], few);
  });

  it("is estimated", async (test) => {
    const { basePath, finePath, options, saved } = await roundTrip(test, base, parquet(tenthNew));
    const guess = await estimate(openModel(basePath), openModel(finePath), { ...options, fast: false });
    assert.ok(Math.abs(guess.saved - saved) < 0.01, `${guess.saved} for ${saved}`);
  });

  it("is refused when any byte of its delta is altered", async (test) => {
    const { folder, options, result } = await roundTrip(test, base, parquet(tenthNew.slice(1000)));
    const whole = readFileSync(result.path);
    for (let round = 0; round < 20; round++) {
      const altered = Buffer.from(whole);
      altered[Math.floor(random() * altered.length)] ^= 1 << Math.floor(random() * 8);
      put(folder, { altered });
      const rebuilt = async () => {
        const delta = openDelta(join(folder, "altered"));
        await reconstruct(delta, result.base, join(folder, "never"), { ...options, force: false });
      };
      await assert.rejects(rebuilt, CairnError);
    }
  });

  it("is not rebuilt from a base that was altered in a page", async (test) => {
    const { folder, options, result, basePath } = await roundTrip(test, base, parquet(tenthNew));
    const altered = Buffer.from(base);
    altered[90_001] ^= 0xff;
    put(folder, { [basePath.slice(folder.length + 1)]: altered });
    await assert.rejects(
      reconstruct(result.delta, openModel(basePath), join(folder, "never"), { ...options, force: false }),
      { kind: "input", message: /is not the base of this delta/ },
    );
  });
});

describe("a Snappy stream", () => {
  it("is put together from its parts as it was", () => {
    const texts = [0, 1, 59, 60, 61, 300, 70_000, 200_000].map((length) =>
      Uint8Array.from({ length }, () => 97 + Math.floor(random() * 3)),
    );
    const noise = [100, 70_000].map((length) => Uint8Array.from({ length }, () => random() * 256));
    for (const data of [...texts, ...noise, new Uint8Array(100_000)]) {
      for (const stream of [snappyCompress(data), snappy(data)]) {
        const parts = splitSnappy(stream, 1 << 20);
        assert.deepEqual(parts?.data, data);
        assert.ok(parts && Buffer.compare(joinSnappy(parts) ?? new Uint8Array(), stream) === 0);
      }
    }
  });

  it("of every kind of element is understood", () => {
    // abcd, then copies with one, two and four bytes of offset; the last reaches into what it makes.
    const stream = Uint8Array.from([18, 12, 97, 98, 99, 100, 0b001, 4, 0b1110, 8, 0, 0b10111, 1, 0, 0, 0]);
    const parts = splitSnappy(stream, 100);
    assert.equal(Buffer.from(parts?.data ?? []).toString(), "abcdabcdabcddddddd");
    assert.deepEqual(parts && joinSnappy(parts), stream);
  });

  it("that is none is not taken apart", () => {
    for (const bytes of [
      [],
      [5],
      [0x80, 0x80, 0x80, 0x80, 0x80, 1],
      [0xff, 0xff, 0xff, 0xff, 0x7f],
      [4, 12, 97],
      [4, 0b001, 4],
      [8, 12, 97, 98, 99, 100, 0b001, 0],
      [8, 12, 97, 98, 99, 100, 0b001, 9],
      [4, 12, 97, 98, 99, 100, 0],
      [200, 252, 255, 255, 255, 255],
    ])
      assert.equal(splitSnappy(Uint8Array.from(bytes), 100), undefined, `${bytes}`);
    assert.equal(joinSnappy({ data: new Uint8Array(3), tokens: [Uint8Array.of(12)] }), undefined);
    assert.equal(joinSnappy({ data: new Uint8Array(5), tokens: [Uint8Array.of(12)] }), undefined);
  });
});
