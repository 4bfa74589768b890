import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";
import { openDelta } from "../server/delta/delta-file.ts";
import { describeDelta } from "../server/delta/describe.ts";
import { estimate } from "../server/delta/estimate.ts";
import { openModel } from "../server/delta/model-files.ts";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { verify } from "../server/delta/verify.ts";
import { CairnError } from "../shared/errors.ts";
import { deltaOptions, makeDelta, put, randomNumbers } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const random = randomNumbers(60);
const WORDS = "the of model data row answer question why how token list value prompt system user about when".split(" ");

function sentence(words: number): string {
  return Array.from(
    { length: words },
    () => `${WORDS[Math.floor(random() * WORDS.length)]}${Math.floor(random() * 90)}`,
  ).join(" ");
}

const records = Array.from({ length: 3000 }, (_, id) => ({
  id,
  prompt: sentence(20),
  answer: sentence(30),
  score: random().toFixed(6),
}));

function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

function shuffled<T>(rows: readonly T[]): T[] {
  return rows
    .map((row) => ({ row, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ row }) => row);
}

/** Compresses, verifies, rebuilds and compares a dataset. Returns the share that is saved. */
async function saved(test: TestContext, name: string, base: string | Uint8Array, fine: string | Uint8Array) {
  const folder = temporaryFolder(test);
  const options = deltaOptions(test);
  put(folder, { [`base-${name}`]: base, [`fine-${name}`]: fine });
  const made = await makeDelta(options, join(folder, `base-${name}`), join(folder, `fine-${name}`), join(folder, "d"));
  await verify(made.delta, made.base, options);
  await reconstruct(made.delta, made.base, join(folder, "out"), { ...options, force: false });
  assert.equal(Buffer.compare(readFileSync(join(folder, "out")), readFileSync(join(folder, `fine-${name}`))), 0);
  const { byCodec } = describeDelta(made.delta);
  assert.deepEqual(Object.keys(byCodec), ["rows"]);
  return { share: 1 - made.bytes / made.originalBytes, bytes: made.bytes, folder, options, made };
}

describe("a dataset that was derived from another", () => {
  const base = jsonl(records);

  it("with nine rows of ten kept and some new is a fortieth, a tenth of what zstd makes of it", async (test) => {
    const fresh = Array.from({ length: 100 }, (_, id) => ({
      id: 9000 + id,
      prompt: sentence(20),
      answer: sentence(30),
    }));
    const fine = jsonl([...records.filter((_, i) => i % 10 !== 3), ...fresh]);
    const { share, bytes } = await saved(test, "d.jsonl", base, fine);
    const alone = zstdCompressSync(fine, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }).length;
    assert.ok(share > 0.97, `${share}`);
    assert.ok(bytes * 10 < alone, `${bytes} of ${alone}`);
  });

  for (const [what, make, least] of [
    ["shuffled", () => shuffled(records), 0.97],
    ["sampled", () => records.filter(() => random() < 0.3), 0.97],
    ["with a column more", () => records.map((row) => ({ ...row, split: row.id % 7 === 0 ? "test" : "train" })), 0.97],
    ["with a column less", () => records.map(({ score: _, ...row }) => row), 0.97],
    [
      "with a tenth of the rows edited",
      () => records.map((row) => (row.id % 10 ? row : { ...row, answer: `${row.answer} edited` })),
      0.97,
    ],
    [
      "shuffled, each row edited",
      () => shuffled(records).map((row) => ({ ...row, prompt: `Please: ${row.prompt}` })),
      0.93,
    ],
    ["with rows twice", () => [...records, ...records.slice(5, 900)], 0.97],
    ["equal", () => records, 0.97],
    ["empty but for one row", () => records.slice(7, 8), -1],
  ] as const) {
    it(`${what} refers to its rows`, async (test) => {
      const { share } = await saved(test, "d.jsonl", base, jsonl(make()));
      assert.ok(share > least, `${share}`);
    });
  }

  it("comes back byte for byte whatever its rows are", async (test) => {
    const bom = "\ufeff";
    const cells = [
      'a,"b\nc",d\r\n',
      '"say ""hi""",2,3\r\n',
      "plain,1,2\n",
      "ü,€,😀\n",
      ",,\n",
      "\n",
      '"open\nto the end',
    ];
    const csv = (count: number) => bom + Array.from({ length: count }, () => cells[Math.floor(random() * 6)]).join("");
    for (const [name, one, other] of [
      ["x.csv", csv(500), csv(400) + cells[6]],
      ["x.csv", csv(50) + cells[6], csv(60)],
      ["x.tsv", "a\tb\n1\t2", "a\tb\n1\t2\n"],
      ["x.jsonl", "{}\n", "\n\n{}\r\n{"],
      ["x.jsonl", base, new Uint8Array([0xff, 0xfe, 10, 0, 10, 0xc3])],
      ["x.ndjson", base, base.slice(0, -20)],
    ] as const) {
      await saved(test, name, one, other);
    }
  });

  it("in a folder refers to the rows of all files of its kind", async (test) => {
    const folder = temporaryFolder(test);
    const options = deltaOptions(test);
    put(join(folder, "base"), {
      "1.jsonl": jsonl(records.slice(0, 1500)),
      "2.jsonl": jsonl(records.slice(1500)),
      "x.csv": "a,b\n1,2\n",
    });
    const files = {
      "train.jsonl": jsonl(shuffled(records).slice(0, 2000)),
      "y.csv": "a,b\n1,2\n3,4\n",
      "README.md": "hello",
    };
    put(join(folder, "fine"), files);
    const made = await makeDelta(options, join(folder, "base"), join(folder, "fine"), join(folder, "d"));
    await reconstruct(made.delta, made.base, join(folder, "out"), { ...options, force: false });
    for (const [name, content] of Object.entries(files))
      assert.equal(readFileSync(join(folder, "out", name), "utf8"), content);
    assert.ok(made.bytes < 0.03 * made.originalBytes, `${made.bytes} of ${made.originalBytes}`);
  });

  it("is estimated", async (test) => {
    const { folder, options, share } = await saved(test, "d.jsonl", base, jsonl(shuffled(records)));
    const guess = await estimate(openModel(join(folder, "base-d.jsonl")), openModel(join(folder, "fine-d.jsonl")), {
      ...options,
      fast: false,
    });
    assert.ok(Math.abs(guess.saved - share) < 0.01, `${guess.saved} for ${share}`);
  });

  it("tells which of its rows are kept, changed and new, before it is compressed and after", async (test) => {
    const folder = temporaryFolder(test);
    const options = deltaOptions(test);
    const fresh = Array.from({ length: 40 }, () => ({ text: `${random()} ${random()} ${random()}` }));
    const edited = records.slice(0, 100).map((row) => ({ ...row, answer: `${row.answer} edited` }));
    put(join(folder, "base"), { "all.jsonl": base, "notes.md": "hello" });
    put(join(folder, "fine"), {
      "train.jsonl": jsonl([...edited, ...records.slice(100, 900)]),
      "test.jsonl": jsonl([...fresh, ...records.slice(900, 960)]),
      "notes.md": "hello",
    });
    const together = { kept: 860, changed: 100, added: 40 };
    const guess = await estimate(openModel(join(folder, "base")), openModel(join(folder, "fine")), {
      ...options,
      fast: false,
    });
    assert.deepEqual(guess.rows, together);
    const made = await makeDelta(options, join(folder, "base"), join(folder, "fine"), join(folder, "d"));
    const { rows, datasets } = describeDelta(made.delta);
    assert.deepEqual(rows, together);
    assert.deepEqual(
      datasets.map(({ file, rows }) => [file, rows]),
      [
        ["test.jsonl", { kept: 60, changed: 0, added: 40 }],
        ["train.jsonl", { kept: 800, changed: 100, added: 0 }],
      ],
    );
  });

  it("counts rows of CSV by their quotes, and one without an end", async (test) => {
    const cell = (text: string) => `"${text}\n${text}",1\n`;
    const known = Array.from({ length: 50 }, (_, i) => cell(`row ${i} ${random()}`));
    const fine = `${known.slice(10).join("")}"new\none",2\n"and ""another""`;
    const { made } = await saved(test, "x.csv", known.join(""), fine);
    assert.deepEqual(describeDelta(made.delta).rows, { kept: 40, changed: 0, added: 2 });
  });

  it("is refused when any byte of its delta is altered", async (test) => {
    const { folder, options, made } = await saved(
      test,
      "d.jsonl",
      base,
      jsonl(records.slice(100).map((row) => (row.id % 3 ? row : { ...row, id: 1 }))),
    );
    const whole = readFileSync(made.path);
    for (let round = 0; round < 40; round++) {
      const altered = Buffer.from(whole);
      altered[Math.floor(random() * altered.length)] ^= 1 << Math.floor(random() * 8);
      put(folder, { altered });
      await assert.rejects(
        async () =>
          reconstruct(openDelta(join(folder, "altered")), made.base, join(folder, "never"), {
            ...options,
            force: false,
          }),
        CairnError,
      );
    }
  });
});
