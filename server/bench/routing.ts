import { createHash } from "node:crypto";
import { readSettings } from "../../shared/read-settings.ts";
import { percentile } from "../measure/statistics.ts";
import { nodeHost } from "../node-host.ts";
import { GainModel } from "../route/gain-model.ts";
import { labelledQuestions } from "../route/labelled-questions.ts";
import { loadGainModel, questionEncoder } from "../route/load-gain-model.ts";
import { digestOf, type PreparedQuestion, prepared, trainGain } from "../route/train-gain.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { madeQuestions } from "./made-questions.ts";
import { type Bounded, callsByChance, callsNeeded, callsSaved, type ScoredSet } from "./routing-curve.ts";

const FOLDS = 5;
/** Groups of subjects that are like each other; each is left out as a whole. */
const GROUPS = 4;
const SHARES = [0.95, 0.98];
/** With --quick, of the made questions or those in --data. */
const QUICK_QUESTIONS = 1_500;

type Folds = readonly (readonly PreparedQuestion[])[];

/** Calls of a strong model that routing needs for nearly all of its quality, beside chance and length. */
export const routing: Benchmark = {
  name: "routing",
  about:
    "calls of a strong model needed for 95 and 98 % of its quality; on labelled questions in --data, else on made ones",
  async run({ data, quick }, note) {
    const host = nodeHost();
    const encoder = questionEncoder(host);
    if (data === undefined) note("no --data: questions are made, which show that it works and not how well");
    const labelled = data === undefined ? madeQuestions() : labelledQuestions(data);
    const every = Math.max(1, quick ? Math.floor(labelled.length / QUICK_QUESTIONS) : 1);
    const questions = labelled.filter((_, i) => i % every === 0).map((one) => prepared(one, encoder));
    const scoredBy = (folds: Folds, what: string) =>
      folds.map((held, i) => {
        note(`${what}: part ${i + 1} of ${folds.length}`);
        const isHeld = new Set(held);
        const rest = questions.filter((one) => !isHeld.has(one));
        const model = new GainModel(trainGain(rest, encoder), encoder);
        return held.map((one) => ({ ...one, score: model.estimate(one.text).gain }));
      });
    const byLength = (folds: Folds) => folds.map((held) => held.map((one) => ({ ...one, score: one.text.length })));

    const parts = Array.from({ length: FOLDS }, (_, fold) => questions.filter(({ text }) => partOf(text) === fold));
    const inDomain = [scoredBy(parts, "cross-validation").flat()];
    const figures = [
      { name: "questions", value: questions.length, unit: "questions" },
      ...compared("in-domain", inDomain, [byLength(parts).flat()], data === undefined ? [] : [{ atMost: 0.5 }]),
      ...asSet(inDomain[0]),
    ];
    for (const [name, folds] of leftOut(questions)) {
      figures.push(...compared(name, scoredBy(folds, name), byLength(folds), [], { atLeast: 0 }));
    }
    note("the parameters that come with Cairn");
    const shipped = loadGainModel(host, "");
    if (shipped.parameters.trainedOn.sha256 !== digestOf(labelled)) {
      const scored = questions.map((one) => ({ ...one, score: shipped.estimate(one.text).gain }));
      figures.push(...compared("as shipped, all new", [scored], byLength([questions]), [], { atLeast: 0 }));
    }
    return [...figures, ...speed(shipped, questions)];
  },
};

/** By the text, so that the same question never lies on both sides. */
function partOf(text: string): number {
  return createHash("sha256").update(`part ${text}`).digest().readUInt16LE() % FOLDS;
}

/** Whole subjects that nothing is learned of: one in five, and all that are like each other. */
function leftOut(questions: readonly PreparedQuestion[]): [name: string, folds: Folds][] {
  const subjects = [...new Set(questions.map(({ subject }) => subject))];
  if (subjects.length < 2 * GROUPS) return [];
  const held = (groupOf: (subject: string) => number, count: number) =>
    Array.from({ length: count }, (_, group) => questions.filter(({ subject }) => groupOf(subject) === group)).filter(
      ({ length }) => length > 0,
    );
  const groups = groupsOf(subjects.map((subject) => centreOf(questions.filter((one) => one.subject === subject))));
  return [
    ["subjects left out", held((subject) => subjects.indexOf(subject) % FOLDS, FOLDS)],
    ["groups of like subjects left out", held((subject) => groups[subjects.indexOf(subject)], GROUPS)],
  ];
}

function compared(
  name: string,
  routed: readonly ScoredSet[],
  byLength: readonly ScoredSet[],
  targets: readonly Figure["target"][],
  saving?: Figure["target"],
): Figure[] {
  return SHARES.flatMap((share, i) => {
    const at = `${100 * share} % of the quality, ${name}`;
    return [
      bounded(`${at}: calls`, callsNeeded(routed, share), targets[i]),
      bounded("  by length", callsNeeded(byLength, share)),
      bounded("  by chance", callsByChance(routed, share)),
      bounded("  fewer than by chance", callsSaved(routed, share), saving),
    ];
  });
}

function bounded(name: string, { value, low, high }: Bounded, target?: Figure["target"]): Figure {
  return { name, value, unit: "", bounds: { low, high }, ...(target && { target }) };
}

/** What the settings as they are make of it. */
function asSet(scored: ScoredSet): Figure[] {
  const { settings } = readSettings({});
  const strong = scored.reduce((sum, one) => sum + one.strong, 0);
  const allowed = (1 - settings["answer.routing.quality"]) * (strong / scored.length);
  const routed = scored.filter(({ score }) => score > allowed);
  const right = scored.reduce((sum, one) => sum + (one.score > allowed ? one.strong : one.weak), 0);
  return [
    { name: "as the settings are, in-domain: calls", value: routed.length / scored.length, unit: "" },
    { name: "  quality", value: right / strong, unit: "" },
  ];
}

function speed(model: GainModel, questions: readonly PreparedQuestion[]): Figure[] {
  const times = questions.slice(0, 2_000).map(({ text }) => {
    const started = performance.now();
    model.estimate(text);
    return performance.now() - started;
  });
  return [{ name: "an estimate: p95", value: percentile(times, 0.95), unit: "ms", target: { atMost: 10 } }];
}

function centreOf(members: readonly PreparedQuestion[]): Float64Array {
  const sum = new Float64Array(members[0].codes.length);
  for (const { codes, scale } of members) for (let d = 0; d < sum.length; d++) sum[d] += codes[d] * scale;
  const length = Math.hypot(...sum) || 1;
  return sum.map((value) => value / length);
}

/** k-means over subjects, from seeds that are far from each other. */
function groupsOf(subjects: readonly Float64Array[]): number[] {
  const near = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, d) => sum + value * b[d], 0);
  const seeds = [subjects[0]];
  while (seeds.length < GROUPS) {
    const closeness = subjects.map((subject) => Math.max(...seeds.map((seed) => near(subject, seed))));
    seeds.push(subjects[closeness.indexOf(Math.min(...closeness))]);
  }
  let centres = seeds;
  let groups: number[] = [];
  for (let round = 0; round < 10; round++) {
    groups = subjects.map((subject) => {
      const closeness = centres.map((centre) => near(subject, centre));
      return closeness.indexOf(Math.max(...closeness));
    });
    centres = centres.map((centre, group) => {
      const members = subjects.filter((_, i) => groups[i] === group);
      return members.length === 0
        ? centre
        : centre.map((_, d) => members.reduce((sum, one) => sum + one[d], 0) / members.length);
    });
  }
  return groups;
}
