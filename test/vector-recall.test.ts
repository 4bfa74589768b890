import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FolderIndexer } from "../server/eval/folder-indexer.ts";
import { realVectors } from "../server/measure/real-vectors.ts";
import { type VectorForm, vectorForms } from "../server/measure/vector-forms.ts";
import { recallOf } from "../server/measure/vector-recall.ts";
import { nodeHost } from "../server/node-host.ts";
import { loadKernels } from "../server/vectors/load-kernels.ts";
import { MANY_FUNCTIONS } from "./many-functions.ts";

const TEXTS = Object.entries(MANY_FUNCTIONS).map(([path, text]) => ({ path, text }));

describe("recall of vectors in fewer bytes", () => {
  it("is whole of exact ones, and the less the fewer bits are left", async (test) => {
    const indexer = await FolderIndexer.create();
    test.after(() => indexer.close());
    const host = nodeHost();
    const limits = { vectors: 10_000, queries: 40 };
    const { set, queries, model } = await realVectors(indexer, TEXTS, host, limits);
    assert.deepEqual([set.count, queries.length], [600, 40]);
    assert.match(model, /^cairn-/);
    const forms = vectorForms(set, loadKernels(host.files));
    const found = await recallOf(set, forms, queries, 10, new AbortController().signal);
    const recall = Object.fromEntries(
      found.map(({ form, shares }) => [form.id, shares.reduce((sum, share) => sum + share, 0) / shares.length]),
    );
    assert.equal(recall.float, 1);
    assert.ok(
      recall.int8 >= 0.95 && recall["int8-calibrated"] >= 0.95 && recall["int8-steps"] >= 0.95,
      JSON.stringify(recall),
    );
    assert.ok(recall.int8 > recall.int4 && recall.int4 > recall["binary-asymmetric"], JSON.stringify(recall));
    assert.ok(recall["binary-asymmetric"] > recall.binary && recall["binary-int8"] > 0.9, JSON.stringify(recall));
    const bytes = Object.fromEntries(forms.map((form) => [form.id, form.bytes]));
    assert.deepEqual([bytes.float, bytes.int8, bytes.int4, bytes.binary], [1024, 260, 132, 32]);
    assert.equal(bytes["int8-calibrated"], 264);
  });

  it("counts a copy of one of the closest for what it is, and another vector not", async () => {
    const exact = Float32Array.of(1, 0, 1, 0, 0, 1);
    const set = { dims: 2, count: 3, exact, codes: new Int8Array(6), scales: new Float32Array(3) };
    const query = { exact: Float32Array.of(1, 0), codes: new Int8Array(2) };
    const form = (id: string, row: number): VectorForm => ({
      id,
      name: { text: id, values: [] },
      bytes: 1,
      closest: () => [row],
    });
    const forms = [form("exact", 0), form("the copy", 1), form("another", 2)];
    const found = await recallOf(set, forms, [query], 1, new AbortController().signal);
    assert.deepEqual(
      found.map(({ shares }) => shares),
      [[1], [1], [0]],
    );
  });
});
