import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chosenQuery, codesFor } from "../server/chosen/chosen-codes.ts";
import { ChosenVectors } from "../server/chosen/chosen-vectors.ts";
import { VectorRows } from "../server/chosen/vector-rows.ts";
import { offerKnown } from "../server/search/closeness.ts";
import { TopList } from "../server/search/top-list.ts";
import { openSegment, SEGMENT_DIMS, type Snapshot } from "../server/store/segment.ts";
import { buildSegment } from "../server/store/segment-build.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { compileModule } from "../server/vectors/kernels.ts";
import { codeBytes, encoded, type StoredForm } from "../server/vectors/stored-form.ts";
import { plainRecord } from "./plain-record.ts";
import { seeded } from "./seeded.ts";

/** More than the signs of 256 dimensions, and no multiple of them. */
const DIMS = 320;
const FILES = 110;
const CHUNKS_PER_FILE = 1_000;
const BEST = 50;

const kernels = compileModule(await compileKernels());
const random = seeded(9);
const noise = () => (random(2_001) + random(2_001)) / 2_000 - 1;
/** What the vectors of a code base look like: many small crowds, and each member at its own place in its crowd. */
const CROWDS = Array.from({ length: 1_000 }, () => Float32Array.from({ length: DIMS }, noise));
const snapshot = snapshotOf(FILES);

/** Files of a thousand chunks each, of which nothing but their number matters here. */
function snapshotOf(files: number): Snapshot {
  const record = plainRecord(CHUNKS_PER_FILE);
  const codes = new Int8Array(CHUNKS_PER_FILE * SEGMENT_DIMS);
  const scales = new Float32Array(CHUNKS_PER_FILE);
  const segment = openSegment(
    buildSegment(
      Array.from({ length: files }, (_, file) => ({
        path: `file${file}.txt`,
        content: file.toString(16).padStart(32, "0"),
        record,
        codes,
        scales,
      })),
    ),
  );
  const dead = new Uint8Array(files);
  const dots = () => new Int32Array(segment.chunkCount);
  return { views: [{ segment, dead, dots }], fileCount: files, chunkCount: segment.chunkCount };
}

/** The vectors as a search has them, and all of them to be compared one by one. */
function largeSet(
  form: StoredForm,
  near: (crowd: Float32Array) => Float32Array,
): { vectors: ChosenVectors; rows: VectorRows } {
  const vectors = new ChosenVectors("model", form, kernels);
  const rows = new VectorRows(form, kernels);
  const bytes = codeBytes(form);
  const hashes = new Uint8Array(CHUNKS_PER_FILE * 16);
  const { segment } = snapshot.views[0];
  for (let file = 0; file < segment.fileCount; file++) {
    const codes = new Int8Array(CHUNKS_PER_FILE * bytes);
    const scales = new Float32Array(CHUNKS_PER_FILE);
    for (let i = 0; i < CHUNKS_PER_FILE; i++) {
      const own = encoded(near(CROWDS[random(CROWDS.length)]), form);
      codes.set(own.codes, i * bytes);
      scales[i] = own.scale;
      rows.add(own.codes, own.scale, hashes);
    }
    vectors.add(segment.content(file), { hashes, codes, scales });
  }
  return { vectors, rows };
}

function best(scores: Float32Array, mayBeFound = (_: number) => true, most = BEST): number[] {
  const top = new TopList(most);
  for (let chunk = 0; chunk < scores.length; chunk++) if (mayBeFound(chunk)) top.offer(chunk, scores[chunk]);
  return top.sorted().map(({ item }) => item);
}

/** By how much a model puts whatever it reads into one corner: the cosine of any two texts is then 0.97 or so. */
const CORNER = Float32Array.from({ length: DIMS }, () => 8 * noise());

for (const [form, corner, models] of [
  [{ kind: "int8", dims: DIMS }, undefined, "a chosen model"],
  [{ kind: "int8", dims: DIMS }, CORNER, "a model that finds all texts alike"],
  [{ kind: "int4", dims: DIMS }, undefined, "a chosen model"],
] as const) {
  const near = (crowd: Float32Array) => crowd.map((value, d) => value + 0.7 * noise() + (corner?.[d] ?? 0));

  describe(`the closest of more than 100,000 chunks by ${models}, kept as ${form.kind}`, () => {
    const { vectors, rows } = largeSet(form, near);
    const queries = Array.from({ length: 20 }, (_, i) => chosenQuery("model", form, near(CROWDS[i * 40])));
    const found = (query: (typeof queries)[number], mayBeFound?: (chunk: number) => boolean) => {
      const [cosines] = vectors.compare(snapshot, query).cosines;
      assert.ok(!(cosines instanceof Float32Array), "the signs are asked first");
      const top = new TopList(BEST);
      const cosine = offerKnown(cosines, top, 0, mayBeFound);
      return { items: top.sorted(), cosine };
    };
    const exact = (query: (typeof queries)[number]) => rows.cosines(codesFor("model", form, query));

    it("are nearly all among those whose signs differ least", () => {
      let same = 0;
      for (const query of queries) {
        const expected = new Set(best(exact(query)));
        for (const { item } of found(query).items) if (expected.has(item)) same++;
      }
      assert.ok(same >= 0.99 * BEST * queries.length, `${same} of ${BEST * queries.length}`);
    });

    it("are exactly found among few that a filter lets pass", () => {
      const mayBeFound = (chunk: number) => chunk % 100 === 3;
      for (const query of queries.slice(0, 5)) {
        const items = found(query, mayBeFound).items.map(({ item }) => item);
        assert.deepEqual(items, best(exact(query), mayBeFound).slice(0, items.length));
        assert.ok(items.length > 10);
      }
      assert.deepEqual(found(queries[0], () => false).items, []);
    });

    it("and any other are told by the same measure: what all have in common counts as none", () => {
      const scores = exact(queries[0]);
      const { items, cosine } = found(queries[0]);
      const [one, two] = [items[0].item, items[20].item];
      const slope = (cosine(one) - cosine(two)) / (scores[one] - scores[two]);
      for (const chunk of [0, 1, 99_999, 109_999]) {
        assert.ok(Math.abs(cosine(chunk) - cosine(one) - slope * (scores[chunk] - scores[one])) < 1e-4);
      }
    });
  });
}

describe("vectors of which the signs are in memory", () => {
  for (const [corner, models] of [
    [undefined, "any model"],
    [CORNER, "a model that finds all texts alike"],
  ] as const) {
    it(`of ${models}: the ten closest are among the first hundred by their signs`, () => {
      const near = (crowd: Float32Array) => crowd.map((value, d) => value + 0.7 * noise() + (corner?.[d] ?? 0));
      const form = { kind: "binary", dims: DIMS } as const;
      const [signs, whole] = [new VectorRows(form, kernels), new VectorRows({ kind: "int8", dims: DIMS }, kernels)];
      for (let row = 0; row < 20_000; row++) {
        const { codes, scale } = encoded(near(CROWDS[random(CROWDS.length)]), form);
        for (const rows of [signs, whole]) rows.add(codes, scale, new Uint8Array(16));
      }
      let found = 0;
      for (let i = 0; i < 30; i++) {
        const query = codesFor("model", form, chosenQuery("model", form, near(CROWDS[i * 30])));
        const likely = new Set(best(signs.cosines(query), undefined, 100));
        for (const row of best(whole.cosines(query), undefined, 10)) if (likely.has(row)) found++;
      }
      assert.ok(found >= 290, `${found} of 300`);
    });
  }
});
