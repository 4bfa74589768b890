import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { median, percentile } from "../measure/statistics.ts";
import { Engine } from "../native/engine.ts";
import type { EmbeddedTexts, OnnxFiles, TextKind } from "../native/engine-model.ts";
import { EngineQueue } from "../native/engine-queue.ts";
import { placeModel } from "../native/placement.ts";
import type { Figure } from "./benchmark.ts";
import { peakMB } from "./measured-process.ts";

/** Texts that one index brings at a time. */
const AT_ONCE = 64;
const QUESTIONS = 200;
/** Milliseconds between two questions, at the most: they are to meet a batch at any point of it. */
const BETWEEN_MS = 40;
const STARTS = 5;
const STEADY = 20;
const QUESTION = "where is the configuration read?";

/**
 * What the line before an engine costs, how long a question waits while passages are embedded as fast as the engine can, and
 * what that does to the process that asks.
 *
 * @param texts passages of code
 */
export async function engineLine(model: OnnxFiles, texts: readonly string[], quick: boolean): Promise<Figure[]> {
  const dims = model.dims ?? 0;
  const figures = [await queueCost(texts, dims)];
  const { engine, placement } = await placeModel((device) => Engine.start(model, { device }), [], { isWanted: false });
  await engine.close();
  const run = { batchTokens: placement.batchTokens };
  figures.push(...(await whileIndexing(await Engine.start(model, run), texts, dims, quick ? 20 : QUESTIONS)));
  figures.push(...(await firstQuestions(() => Engine.start(model, run), quick ? 1 : STARTS)));
  return figures;
}

/** With an engine that takes no time. */
async function queueCost(texts: readonly string[], dims: number): Promise<Figure> {
  const engine = {
    isRunning: true,
    batchTokens: 512,
    async embed(given: readonly string[]): Promise<EmbeddedTexts> {
      return { vectors: new Float32Array(given.length * dims), tokens: given.length, batches: 1 };
    },
  };
  const queue = new EngineQueue(engine, dims);
  await Promise.all(texts.map((text) => queue.embed(text, "passage")));
  const started = performance.now();
  await Promise.all(texts.map((text) => queue.embed(text, "passage")));
  const value = (performance.now() - started) / texts.length;
  return { name: "the line before an engine, a text", value, unit: "ms", target: { atMost: 1 } };
}

async function whileIndexing(
  engine: Engine,
  texts: readonly string[],
  dims: number,
  questions: number,
): Promise<Figure[]> {
  const calls: { kind: TextKind; ms: number }[] = [];
  /** Calls with passages that began since the question under way was asked, and the most of them. */
  let [begun, overtaken] = [0, 0];
  const watched = {
    isRunning: true,
    batchTokens: engine.loaded.batchTokens,
    async embed(given: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
      if (kind === "passage") begun++;
      else overtaken = Math.max(overtaken, begun);
      const started = performance.now();
      const embedded = await engine.embed(given, kind);
      calls.push({ kind, ms: performance.now() - started });
      return embedded;
    },
  };
  const queue = new EngineQueue(watched, dims);
  const stop = new AbortController();
  const bring = async (first: number) => {
    for (let at = first; !stop.signal.aborted; at += AT_ONCE) {
      await queue.embed(texts[at % texts.length], "passage", { signal: stop.signal }).catch(() => {});
    }
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const bringing = Array.from({ length: AT_ONCE }, (_, i) => bring(i));
  try {
    await queue.embed(QUESTION, "query");
    delay.enable();
    const times: number[] = [];
    for (let asked = 0; asked < questions; asked++) {
      // A step that meets every point of a pause once, in no order.
      await pause((asked * 17) % BETWEEN_MS);
      begun = 0;
      const started = performance.now();
      await queue.embed(QUESTION, "query");
      times.push(performance.now() - started);
    }
    delay.disable();
    const batches = calls.filter(({ kind }) => kind === "passage").map(({ ms }) => ms);
    const peak = engine.pid === undefined ? undefined : peakMB(engine.pid);
    return [
      { name: "a question while passages are embedded", value: median(times), unit: "ms" },
      {
        name: "a question while passages are embedded, p95",
        value: percentile(times, 0.95),
        unit: "ms",
        target: { atMost: 50 },
      },
      {
        name: "batches that went before a question after it was asked",
        value: overtaken,
        unit: "",
        target: { atMost: 0 },
      },
      { name: "a batch meanwhile", value: median(batches), unit: "ms" },
      { name: "a batch meanwhile, p95", value: percentile(batches, 0.95), unit: "ms" },
      {
        name: "the longest block of the process that asks",
        value: delay.max / 1e6,
        unit: "ms",
        target: { atMost: 50 },
      },
      ...(peak === undefined
        ? []
        : [{ name: "the peak of the engine's memory, a copy of the model included", value: peak, unit: "MB" }]),
    ];
  } finally {
    stop.abort();
    await Promise.all(bringing);
    await engine.close();
  }
}

/** A model has run once when it is loaded: the first question should be like those that follow. */
async function firstQuestions(start: () => Promise<Engine>, starts: number): Promise<Figure[]> {
  const [firsts, steady]: number[][] = [[], []];
  for (let i = 0; i < starts; i++) {
    const engine = await start();
    const times: number[] = [];
    for (let asked = 0; asked <= STEADY; asked++) {
      const started = performance.now();
      await engine.embed([QUESTION], "query");
      times.push(performance.now() - started);
    }
    await engine.close();
    firsts.push(times[0]);
    steady.push(median(times.slice(1)));
  }
  const more = median(firsts.map((first, i) => first - steady[i]));
  return [
    { name: "a question alone", value: median(steady), unit: "ms" },
    { name: "what the first one takes more", value: more, unit: "ms", target: { atMost: 5 } },
  ];
}
