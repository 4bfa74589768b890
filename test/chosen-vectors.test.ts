import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chosenQuery } from "../server/chosen/chosen-codes.ts";
import { ChosenVectors, type FileVectors } from "../server/chosen/chosen-vectors.ts";
import type { Closeness } from "../server/search/closeness.ts";
import { searchSnapshot } from "../server/search/search.ts";
import type { Snapshot } from "../server/store/segment.ts";
import { codeBytes, encoded, type StoredForm } from "../server/vectors/stored-form.ts";
import { indexed } from "./search-fixture.ts";
import { seeded } from "./seeded.ts";

/** No multiple of 16, as no kernel would like it. */
const DIMS = 40;
const WHOLE: StoredForm = { kind: "int8", dims: DIMS };
const FILES = Object.fromEntries(
  ["apple", "pear", "plum", "grape", "melon", "cherry"].map((name) => [`${name}.ts`, `export const ${name} = "x";\n`]),
);

function randomVector(random: (below: number) => number): Float32Array {
  return Float32Array.from({ length: DIMS }, () => random(2_001) / 1_000 - 1);
}

/** Vectors of a file, and under which hash the store would know each. */
function fileVectors(vectors: readonly Float32Array[], form = WHOLE, from = 0): FileVectors {
  const bytes = codeBytes(form);
  const codes = new Int8Array(vectors.length * bytes);
  const hashes = new Uint8Array(vectors.length * 16);
  const scales = Float32Array.from(vectors, (vector, i) => {
    const coded = encoded(unit(vector), form);
    codes.set(coded.codes, i * bytes);
    hashes[i * 16] = from + i;
    return coded.scale;
  });
  return { hashes, codes, scales };
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function cosine(one: Float32Array, two: Float32Array): number {
  return unit(one).reduce((sum, value, d) => sum + value * unit(two)[d], 0);
}

/** The files of a snapshot that has one view, by path. */
function contentsOf({ views: [{ segment }] }: Snapshot): Map<string, string> {
  return new Map(
    Array.from({ length: segment.fileCount }, (_, file) => [segment.path(file), segment.content(file)] as const),
  );
}

/** An index of the files, with a random vector for each but `plum.ts`. */
async function fixture() {
  const random = seeded(4);
  const snapshot = await indexed(FILES);
  const vectors = new ChosenVectors("model", WHOLE, undefined);
  const byPath = new Map<string, Float32Array>();
  for (const [path, content] of contentsOf(snapshot)) {
    if (path === "plum.ts") continue;
    byPath.set(path, randomVector(random));
    vectors.add(content, fileVectors([byPath.get(path) as Float32Array]));
  }
  return { random, snapshot, vectors, byPath };
}

/** The cosines of the one view, of which all chunks were compared. */
function allOf({ cosines: [cosines] }: Closeness): Float32Array {
  assert.ok(cosines instanceof Float32Array);
  return cosines;
}

function pathsByCloseness(snapshot: Snapshot, closeness: Closeness): string[] {
  const cosines = allOf(closeness);
  const { segment } = snapshot.views[0];
  return [...cosines.keys()]
    .sort((a, b) => cosines[b] - cosines[a])
    .map((chunk) => segment.path(segment.chunkFile[chunk]));
}

describe("the chosen model's vectors", () => {
  it("order the chunks as their cosines do, whatever the model finds alike in all of them", async () => {
    const { random, snapshot, vectors, byPath } = await fixture();
    for (let round = 0; round < 20; round++) {
      const question = randomVector(random);
      const closeness = vectors.compare(snapshot, chosenQuery("model", WHOLE, question));
      const expected = [...byPath].sort(([, a], [, b]) => cosine(b, question) - cosine(a, question));
      assert.deepEqual(
        pathsByCloseness(snapshot, closeness).filter((path) => path !== "plum.ts"),
        expected.map(([path]) => path),
      );
    }
  });

  it("say nothing of a chunk that has none, and name its file", async () => {
    const { snapshot, vectors, byPath } = await fixture();
    const { files, chunks } = vectors.lackingIn(snapshot);
    assert.deepEqual([files.map(({ path, chunks }) => [path, chunks]), chunks], [[["plum.ts", 1]], 6]);
    const question = byPath.get("pear.ts") as Float32Array;
    const closeness = vectors.compare(snapshot, chosenQuery("model", WHOLE, question));
    const { segment } = snapshot.views[0];
    const cosines = allOf(closeness);
    const plum = cosines.findIndex((_, chunk) => segment.path(segment.chunkFile[chunk]) === "plum.ts");
    assert.equal(cosines[plum], 0);
    assert.ok(Math.max(...cosines) > 0.97);
  });

  it("find by meaning, and a chunk that has none by its words", async () => {
    const { snapshot, vectors, byPath } = await fixture();
    const meaning = vectors.compare(snapshot, chosenQuery("model", WHOLE, byPath.get("pear.ts") as Float32Array));
    const found = (query: string) =>
      searchSnapshot(snapshot, { query }, meaning).map(({ view, file }) => snapshot.views[view].segment.path(file));
    assert.deepEqual(found("zeppelin").slice(0, 1), ["pear.ts"]);
    assert.deepEqual(found("plum").slice(0, 1), ["plum.ts"]);
  });

  it("are those of the files that can be found: what is no longer needed is forgotten once it is much", async () => {
    const { random, snapshot, vectors } = await fixture();
    const question = chosenQuery("model", WHOLE, randomVector(random));
    const before = vectors.compare(snapshot, question);
    const others = fileVectors(Array.from({ length: 1_000 }, () => randomVector(random)));
    for (let i = 0; i < 8; i++) vectors.add(String(i).repeat(32), others);
    vectors.compact(snapshot);
    assert.deepEqual(vectors.compare(snapshot, question), before);
    assert.deepEqual(
      vectors.lackingIn(snapshot).files.map(({ path }) => path),
      ["plum.ts"],
    );
    assert.equal(vectors.rows, 5);
  });
});

describe("the chosen model's vectors in fewer bytes", () => {
  for (const form of [
    { kind: "int4", dims: DIMS },
    { kind: "int8", dims: 24 },
    { kind: "binary", dims: DIMS },
  ] as const) {
    it(`find what is closest: ${form.kind} of ${form.dims} dimensions`, async () => {
      const random = seeded(6);
      const snapshot = await indexed(FILES);
      const vectors = new ChosenVectors("model", form, undefined);
      const stored: { codes: Int8Array; scales: Float32Array }[] = [];
      const byPath = new Map<string, Float32Array>();
      for (const [path, content] of contentsOf(snapshot)) {
        // What matters most lies first, as in a model that was trained to be shortened.
        const vector = randomVector(random).map((value, d) => (d < 24 ? value : value / 10));
        byPath.set(path, vector);
        const own = fileVectors([vector], form, stored.length);
        stored.push(own);
        vectors.add(content, own);
      }
      const asked: number[] = [];
      const inStore = async (hashes: Uint8Array) => {
        const numbers = Array.from({ length: hashes.length / 16 }, (_, i) => hashes[i * 16]);
        asked.push(...numbers);
        return {
          found: new Uint8Array(numbers.length).fill(1),
          codes: Int8Array.from(numbers.flatMap((number) => [...stored[number].codes])),
          scales: Float32Array.from(numbers, (number) => stored[number].scales[0]),
        };
      };
      for (const [path, vector] of byPath) {
        const closeness = await vectors.compareStored(snapshot, chosenQuery("model", form, vector), inStore);
        assert.equal(pathsByCloseness(snapshot, closeness)[0], path);
      }
      assert.equal(asked.length, form.kind === "binary" ? 6 * byPath.size : 0);
    });
  }

  it("of which the store has lost one are still found by what is in memory", async () => {
    const form: StoredForm = { kind: "binary", dims: DIMS };
    const random = seeded(8);
    const snapshot = await indexed(FILES);
    const vectors = new ChosenVectors("model", form, undefined);
    const byPath = new Map<string, Float32Array>();
    for (const [path, content] of contentsOf(snapshot)) {
      byPath.set(path, randomVector(random));
      vectors.add(content, fileVectors([byPath.get(path) as Float32Array], form));
    }
    const nothing = async (hashes: Uint8Array) => {
      const count = hashes.length / 16;
      return { found: new Uint8Array(count), codes: new Int8Array(count * DIMS), scales: new Float32Array(count) };
    };
    const question = chosenQuery("model", form, byPath.get("plum.ts") as Float32Array);
    const closeness = await vectors.compareStored(snapshot, question, nothing);
    assert.equal(pathsByCloseness(snapshot, closeness)[0], "plum.ts");
  });
});
