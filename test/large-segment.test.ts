import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { offerClosest } from "../server/search/semantic.ts";
import { TopList } from "../server/search/top-list.ts";
import { LiveIndex } from "../server/store/live-index.ts";
import {
  align,
  openSegment,
  SEGMENT_DIMS,
  type Segment,
  type SegmentView,
  SIGNS_FROM_CHUNKS,
} from "../server/store/segment.ts";
import { buildSegment, mergeSegments } from "../server/store/segment-build.ts";
import { allocateBase } from "../server/store/snapshot-file.ts";
import { VectorArena } from "../server/vectors/arena.ts";
import { compileKernels } from "../server/vectors/compile-kernels.ts";
import { compileModule } from "../server/vectors/kernels.ts";
import { signsOf } from "../server/vectors/signs.ts";
import { plainRecord } from "./plain-record.ts";

const kernels = compileModule(await compileKernels());
const random = seeded(7);

/** What the vectors of a code base look like: many small crowds, and each member at its own place in its crowd. */
const CROWDS = Array.from({ length: 1_000 }, () => Float32Array.from({ length: SEGMENT_DIMS }, gaussian));
const CHUNKS_PER_FILE = 1_000;

const small = segmentOf(0, 30);
const large = baseOf([small, segmentOf(30, 60)], 0);

describe("the signs of vectors", () => {
  it("are one bit a component, set for those below zero", () => {
    const codes = Int8Array.from({ length: 512 }, (_, i) => (i % 3 === 0 || i > 500 ? -1 - (i % 128) : i % 128));
    const signs = signsOf(codes);
    assert.deepEqual(
      Array.from({ length: 512 }, (_, i) => (signs[i >> 3] >> (i & 7)) & 1),
      Array.from(codes, (code) => (code < 0 ? 1 : 0)),
    );
  });

  it("are carried by large segments alone, and made anew when segments are merged", () => {
    assert.ok(small.chunkCount < SIGNS_FROM_CHUNKS && large.segment.chunkCount >= SIGNS_FROM_CHUNKS);
    assert.equal(small.vectorSigns.length, 0);
    assert.deepEqual(large.segment.vectorSigns.subarray(), Buffer.from(signsOf(large.segment.vectorCodes)));
    assert.equal(baseOf([large.segment], 30).segment.vectorSigns.length, 0);
  });

  it("are used for a base that has them, and for nothing else", () => {
    assert.ok(viewOf(large).signs);
    assert.equal(viewOf(baseOf([small], 0)).signs, undefined);
    const tail = new LiveIndex(VectorArena.create(0, kernels));
    tail.add(large.segment);
    assert.equal(tail.snapshot.views[0].signs, undefined);
  });
});

describe("the closest chunks of a large segment", () => {
  const view = viewOf(large);
  const exact: SegmentView = { segment: view.segment, dead: view.dead, dots: (query) => view.dots(query) };
  const queries = Array.from({ length: 20 }, (_, i) => codesOf([CROWDS[i * 40]], 0.8).codes);

  it("are nearly all among those whose signs differ least", () => {
    let same = 0;
    for (const query of queries) {
      const expected = new Map(closest(exact, query).map(({ item, score }) => [item, score]));
      for (const { item, score } of closest(view, query)) {
        if (!expected.has(item)) continue;
        same++;
        assert.equal(score, expected.get(item));
      }
    }
    assert.ok(same >= 0.99 * 50 * queries.length, `${same} of ${50 * queries.length}`);
  });

  it("are exactly found among few that a filter lets pass", () => {
    const mayBeFound = (chunk: number) => chunk % 100 === 3;
    for (const query of queries) {
      assert.deepEqual(closest(view, query, mayBeFound), closest(exact, query, mayBeFound));
    }
    assert.deepEqual(
      closest(view, queries[0], () => false),
      [],
    );
  });

  it("any chunk tells its cosine", () => {
    const [cosine, expected] = [view, exact].map((one) => offerClosest(one, queries[0], new TopList(50), 0, undefined));
    for (const chunk of [0, 1, 29_999, 59_999]) {
      const found = cosine(chunk);
      assert.equal(found, expected(chunk));
    }
  });
});

it("sections can begin beyond two gigabytes", () => {
  assert.deepEqual([align(0), align(1), align(16)], [0, 16, 16]);
  assert.deepEqual([align(2 ** 31 - 1), align(2 ** 31 + 1)], [2 ** 31, 2 ** 31 + 16]);
});

function closest(view: SegmentView, query: Int8Array, mayBeFound?: (chunk: number) => boolean) {
  const best = new TopList(50);
  offerClosest(view, query, best, 0, mayBeFound);
  return best.sorted();
}

/** Files of a thousand chunks each, with numbers from one to before the other. */
function segmentOf(from: number, to: number): Segment {
  const record = plainRecord(CHUNKS_PER_FILE);
  const files = Array.from({ length: to - from }, (_, i) => ({
    path: `file${from + i}.txt`,
    content: "0".repeat(32),
    record,
    ...codesOf(CROWDS, 1),
  }));
  return openSegment(buildSegment(files));
}

/** One base of all segments, without so many of their first files. */
function baseOf(segments: readonly Segment[], without: number): { segment: Segment; arena: VectorArena } {
  const base = allocateBase();
  const inputs = segments.map((segment) => ({
    segment,
    dead: Uint8Array.from({ length: segment.fileCount }, (_, file) => (file < without ? 1 : 0)),
  }));
  const segment = openSegment(mergeSegments(inputs, base.allocate));
  return { segment, arena: VectorArena.adopt(base.memory(), kernels) };
}

function viewOf({ segment, arena }: { segment: Segment; arena: VectorArena }): SegmentView {
  const live = new LiveIndex(VectorArena.create(0, kernels));
  live.open(segment, arena);
  return live.snapshot.views[0];
}

/** A unit vector near each centre, as codes and scales. */
function codesOf(centres: readonly Float32Array[], spread: number): { codes: Int8Array; scales: Float32Array } {
  const codes = new Int8Array(centres.length * SEGMENT_DIMS);
  const scales = Float32Array.from(centres, (centre, i) => {
    const own = codes.subarray(i * SEGMENT_DIMS, (i + 1) * SEGMENT_DIMS);
    for (let d = 0; d < SEGMENT_DIMS; d++)
      own[d] = Math.max(-127, Math.min(127, 20 * (centre[d] + spread * gaussian())));
    return 1 / Math.hypot(...own);
  });
  return { codes, scales };
}

/** Near enough to a normal distribution. */
function gaussian(): number {
  return random() + random() + random() + random() - 2;
}

/** Numbers in [0, 1) that look random and are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
