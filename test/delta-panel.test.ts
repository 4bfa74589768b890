import assert from "node:assert/strict";
import { test } from "node:test";
import { withRecord } from "../extension/delta-history.ts";
import * as wording from "../media/delta-wording.ts";
import * as lineage from "../media/lineage-wording.ts";
import { clicked, inOrder, LARGEST_FIRST, type TensorColumn } from "../media/tensor-order.ts";
import type { DeltaOutcome, DeltaPicture, DeltaRecord, Proposal } from "../shared/delta-panel-messages.ts";
import type { DeltaTensor } from "../shared/delta-types.ts";
import { inWords, type Phrase } from "../shared/phrase.ts";

const { changeInWords, percent, proposedPlace } = wording;
/** What the page says, in English. */
const spoken =
  <Given>(say: (given: Given) => Phrase) =>
  (given: Given): string =>
    inWords(say(given));
const totalInWords = spoken(wording.totalInWords);
const verdict = spoken(wording.verdict);
const runningInWords = spoken(wording.runningInWords);
const historyInWords = spoken(wording.historyInWords);
const outcomeInWords = (outcome: DeltaOutcome) => {
  const { text, next } = wording.outcomeInWords(outcome);
  return { text: inWords(text), next: inWords(next) };
};

function tensor(changes: Partial<DeltaTensor>): DeltaTensor {
  return { name: "w", dtype: "BF16", bytes: 1000, storedBytes: 250, codec: "contexts", change: 0.01, ...changes };
}

/** A picture of one tensor that is the whole model. */
function picture(saved: number, changes: Partial<DeltaTensor> = {}, error = 0): DeltaPicture {
  const deltaBytes = Math.round(1000 * (1 - saved));
  const tensors = [tensor({ storedBytes: deltaBytes, ...changes })];
  return { id: 1, base: "b", subject: "f", measured: false, bytes: 1000, deltaBytes, error, tensors };
}

function record(changes: Partial<DeltaRecord>): DeltaRecord {
  const madeAt = "2026-01-01T10:00:00.000Z";
  return { id: "1", base: "/b", fine: "/f", delta: "/d", bytes: 4e9, deltaBytes: 1e9, madeAt, ...changes };
}

test("the total is one sentence, with its error when it is an estimate", () => {
  assert.equal(
    totalInWords(picture(0.75, {}, 0.008)),
    "75.0% saved: 1.0 kB would take about 250 B, give or take 0.8 points.",
  );
  assert.equal(totalInWords({ ...picture(0.75), measured: true }), "75.0% saved: 1.0 kB in 250 B.");
});

test("a small saving is called small, and why is said", () => {
  assert.match(totalInWords(picture(0.31)), /^Only 31\.0% saved/);
  assert.match(verdict(picture(0.31, { change: 0.14 })), /trained far from the base: they differ from it by 14%/);
  assert.match(verdict(picture(0.39, { dtype: "F32" })), /32 bits/);
  assert.match(verdict(picture(0.39)), /most of their bits/);
  assert.equal(verdict(picture(0.74)), "");
});

test("a base that is none is told from a fine-tune that is far from it", () => {
  assert.match(
    verdict(picture(0.22, { codec: "planes", change: undefined })),
    /Is this the model that it was made from\?$/,
  );
  assert.match(totalInWords(picture(-0.01)), /^Nothing saved/);
  assert.match(verdict(picture(-0.01, { codec: "raw" })), /Keep it as it is/);
});

test("a share is never rounded up to all", () => {
  assert.equal(percent(0.9999), "99.9%");
  assert.equal(percent(1), "100.0%");
  assert.equal(percent(0.7), "70.0%");
  assert.deepEqual([2, 0.0996, 0.01, 0.00001, 0, undefined].map(changeInWords), [
    "200%",
    "10%",
    "1.0%",
    "< 0.01%",
    "0%",
    "",
  ]);
});

test("a dataset with rows of its own is told from one that is near its base", () => {
  assert.match(verdict(picture(0.1, { codec: "rows", dtype: "U8", change: undefined })), /rows are not in the base/);
  assert.equal(verdict(picture(0.9, { codec: "rows", dtype: "U8", change: undefined })), "");
});

test("a table is sorted by any column, back and forth; what is not known comes last", () => {
  const tensors = [
    tensor({ name: "layers.10", bytes: 10, storedBytes: 1, change: 0.3 }),
    tensor({ name: "layers.9", bytes: 30, storedBytes: 9, change: undefined }),
    tensor({ name: "embed", bytes: 20, storedBytes: 20, change: 0.1 }),
  ];
  const by = (column: TensorColumn, descending: boolean) =>
    inOrder(tensors, { column, descending }).map(({ name }) => name.replace("layers.", ""));
  assert.deepEqual(by("bytes", true), ["9", "embed", "10"]);
  assert.deepEqual(by("name", false), ["embed", "9", "10"]);
  assert.deepEqual(by("saved", true), ["10", "9", "embed"]);
  assert.deepEqual(
    [by("change", true), by("change", false)],
    [
      ["10", "embed", "9"],
      ["embed", "10", "9"],
    ],
  );
  assert.deepEqual(clicked(LARGEST_FIRST, "bytes"), { column: "bytes", descending: false });
  assert.deepEqual(clicked(LARGEST_FIRST, "name"), { column: "name", descending: false });
});

test("progress says what is done and how far it is", () => {
  const running = { work: "compress", path: "/models/fine", cancelling: false } as const;
  assert.equal(runningInWords(running), "Compressing fine…");
  const progress = { phase: "coding", done: 430, total: 1000 } as const;
  assert.equal(runningInWords({ ...running, progress }), "Comparing with the base: 43%, 430 B of 1.0 kB");
  assert.match(runningInWords({ ...running, progress, cancelling: true }), /^Cancelling/);
  const looking = { phase: "looking", done: 12, total: 0 } as const;
  assert.equal(
    runningInWords({ ...running, work: "scan", progress: looking }),
    "Looking for models and datasets: 12 found",
  );
  const item = { number: 2, count: 5 };
  assert.equal(runningInWords({ ...running, work: "scan", item }), "2 of 5, models/fine: Looking at fine…");
  assert.equal(runningInWords({ ...running, work: "collect", item }), "2 of 5, models/fine: Compressing fine…");
});

test("an end says what there is now, and what to do next", () => {
  const unchecked = outcomeInWords({ kind: "compressed", path: "/d", checked: false, resumed: false });
  assert.deepEqual(unchecked, { text: "/d is written.", next: "Verify it before you delete the original." });
  assert.equal(outcomeInWords({ kind: "cancelled", work: "compress" }).next, "Nothing was written.");
  assert.equal(outcomeInWords({ kind: "cancelled", work: "verify" }).next, "");
  assert.match(outcomeInWords({ kind: "cancelled", work: "collect" }).next, /finished before are there/);
});

test("deltas of a folder are added up, and what failed is not passed over", () => {
  const collected = { kind: "collected", folder: "/d", deltas: 2, bytes: 4e9, deltaBytes: 1e9, failed: 1 } as const;
  assert.deepEqual(outcomeInWords(collected), {
    text: "2 deltas made, checked and listed in /d: 4.0 GB in 1.0 GB, 3.0 GB saved.",
    next: "1 could not be made: the list says why.",
  });
  assert.equal(outcomeInWords({ ...collected, deltas: 0, failed: 2 }).text, "No delta was made.");
  assert.equal(outcomeInWords({ kind: "undone", folder: "/d", deltas: 1 }).text, "1 delta in /d is undone.");
});

test("what speaks for a base is said in words", () => {
  const evidence = spoken(lineage.evidence);
  assert.equal(
    evidence({ kind: "model", declared: true, sameArchitecture: true, shared: 1, distance: 0.011 }),
    "named as the base by the model itself, the same architecture, all tensors of the same shape, weights that differ by 1.1%",
  );
  assert.equal(evidence({ kind: "model", declared: false, shared: 0.62 }), "62.0% of the tensors alike");
  assert.equal(
    evidence({ kind: "dataset", declared: true, shared: 0.9, distance: 0.1 }),
    "named as the source by its card, 90.0% of its rows or cells are there",
  );
});

test("a scan says what there is, and names datasets where there are any", () => {
  const scanInWords = spoken(lineage.scanInWords);
  const scan = { folder: "/m", isHub: false, models: 1, datasets: 0, proposals: [] };
  assert.equal(scanInWords(scan), "1 model in /m, none made from another.");
  assert.equal(scanInWords({ ...scan, models: 2, datasets: 3 }), "2 models, 3 datasets in /m, none made from another.");
});

test("a proposal says what would be saved, then what was", () => {
  const proposalInWords = spoken(lineage.proposalInWords);
  const found: Proposal = {
    kind: "model",
    base: "/b",
    fine: "/f",
    bytes: 1000,
    declared: false,
    shared: 1,
    distance: 0.01,
  };
  const estimate = { deltaBytes: 250, error: 0.01 };
  const made = { delta: "/d", deltaBytes: 240, replaced: false };
  assert.equal(proposalInWords(found), "not estimated yet");
  assert.equal(proposalInWords({ ...found, problem: "It is cut off." }), "no estimate");
  assert.equal(proposalInWords({ ...found, estimate }), "about 75.0% saved, 1.0 kB in 250 B");
  assert.equal(proposalInWords({ ...found, estimate, made }), "76.0% saved, 1.0 kB in 240 B");
  const chosen = spoken(lineage.choiceInWords);
  assert.equal(chosen([{ ...found, estimate }]), "1 chosen: 1.0 kB would take about 250 B, 750 B less.");
  assert.equal(chosen([]), "None is chosen.");
});

test("the history adds up what is saved, and never more than there is", () => {
  assert.equal(
    historyInWords([record({}), record({ bytes: 2e9, deltaBytes: 5e8 })]),
    "2 deltas: 6.0 GB in 1.5 GB, 4.5 GB saved (75.0%).",
  );
  assert.equal(historyInWords([record({ deltaBytes: 5e9 })]), "1 delta: 4.0 GB in 5.0 GB, nothing saved.");
  assert.equal(historyInWords([]), "");
});

test("a delta that replaces another takes its place in the history", () => {
  const kept = withRecord([record({ id: "1" }), record({ id: "2", delta: "/e" })], record({ id: "3" }));
  assert.deepEqual(
    kept.map(({ id }) => id),
    ["3", "2"],
  );
});

test("a delta is put beside its fine-tune, on every system", () => {
  assert.equal(proposedPlace("/models/fine.safetensors"), "/models/fine.delta");
  assert.equal(proposedPlace("/models/fine.v2/"), "/models/fine.v2.delta");
  assert.equal(proposedPlace("C:\\models\\fine.gguf"), "C:\\models\\fine.delta");
  assert.equal(proposedPlace("owner/name"), "");
});
