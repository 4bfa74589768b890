import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FolderIndexer } from "../eval/folder-indexer.ts";
import { engineCandidates } from "../measure/measure-engine.ts";
import { type Arm, measureRounds, SYSTEM_CLOCK } from "../measure/rounds.ts";
import { inEnglish } from "../measure/shown.ts";
import { pairedRatio, summarise } from "../measure/statistics.ts";
import { Engine } from "../native/engine.ts";
import type { OnnxFiles } from "../native/engine-model.ts";
import { ModelTokenizer } from "../native/model-tokenizer.ts";
import { nodeHost } from "../node-host.ts";
import { tokenize } from "../text/tokens.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bringCorpus } from "./corpus.ts";
import { engineLine } from "./engine-line.ts";
import { bringPeer } from "./peer-packages.ts";
import type { PipelineOrder, PipelineResult } from "./plain-pipeline.ts";
import { TinyBert } from "./tiny-bert.ts";

/** all-MiniLM-L6-v2; the weights are random, which is as fast. */
const SHAPE = { hidden: 384, layers: 6, heads: 12, inner: 1536, positions: 512 };
/** Words of the code that the tokenizer knows whole; it puts others together of their letters. */
const WORDS = 4_000;
const MOST_TOKENS = 500;
const BATCH = 32;
const BATCHES = 6;
/** A round is one batch, embedded in every way. */
const LIMITS = { warmUp: 1, least: 6, most: 12, ms: 180_000, precision: 0.03 };
const TABLE = { warmUp: 1, least: 6, most: 12, ms: 90_000, precision: 0.05 };
const QUICK = { warmUp: 0, least: 1, most: 1, ms: 1_000, precision: 1 };

/** The ONNX engine: by length and batch, and beside the plain pipeline of the package that many embed with. */
export const engines: Benchmark = {
  name: "engines",
  about:
    "the ONNX engine on a made model in the shape of MiniLM-L6, fp32, with the line before it, beside the plain transformers.js pipeline",
  async run({ quick }, note, skip) {
    note("making a model");
    const host = nodeHost();
    const indexer = await FolderIndexer.create();
    const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
    try {
      const texts = await indexer.read(host, [{ root: bringCorpus("small").root }]);
      const chunks: string[] = [];
      for (const text of texts.filter((_, i) => i % 10 === 0)) {
        chunks.push(...(await indexer.chunk(text)).chunks.map((chunk) => chunk.text));
      }
      const model = writeModel(join(folder, "made"), chunks);
      const tokenizer = new ModelTokenizer(model.folder);
      const fitting = chunks.filter((text) => tokenizer.encode(text).length <= MOST_TOKENS);
      const step = Math.floor(fitting.length / (BATCH * BATCHES));
      const mixed = Array.from({ length: BATCH * BATCHES }, (_, i) => fitting[((i * 7919) % (BATCH * BATCHES)) * step]);
      const engine = await Engine.start(model);
      try {
        note("embedding by length and batch");
        const table = await byLength(engine, chunks, quick);
        const beside = await besidePipeline(engine, model, mixed, quick, note, skip);
        await engine.close();
        note("asking while it embeds");
        return [...table, ...beside, ...(await engineLine(model, fitting, quick))];
      } finally {
        await engine.close();
      }
    } finally {
      indexer.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function byLength(engine: Engine, chunks: readonly string[], quick: boolean): Promise<Figure[]> {
  const lines = chunks.flatMap((text) => text.split("\n")).filter((line) => line.trim() !== "");
  const candidates = engineCandidates(engine, "made", lines, { clock: SYSTEM_CLOCK });
  const never = new AbortController().signal;
  const { values } = await measureRounds(candidates, quick ? QUICK : TABLE, SYSTEM_CLOCK, never);
  return candidates.flatMap(({ name, unit }, i) => {
    const { median, p95, p99 } = summarise(values[i]);
    const whole = { name: inEnglish(name), value: median, unit };
    if (unit !== "ms") return [whole];
    return [whole, { name: "  p95", value: p95, unit }, { name: "  p99", value: p99, unit }];
  });
}

async function besidePipeline(
  engine: Engine,
  model: OnnxFiles,
  texts: readonly string[],
  quick: boolean,
  note: (what: string) => void,
  skip: (what: string, reason: string) => void,
): Promise<Figure[]> {
  note("bringing @huggingface/transformers");
  const peer = bringPeer("@huggingface/transformers");
  if ("reason" in peer) {
    skip("the plain pipeline", peer.reason);
    return [];
  }
  const entry = new URL("./plain-pipeline.ts", import.meta.url);
  const child = fork(entry, [join(peer.folder, "package.json"), model.folder], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    const [ready] = await Promise.race([once(child, "message"), once(child, "exit").then(() => [undefined])]);
    if (ready !== "ready") {
      skip("the plain pipeline", "it cannot be loaded on this machine.");
      return [];
    }
    note(`embedding batches of ${BATCH} chunks`);
    return await inTurns(engine, child, SHAPE.hidden, texts, quick);
  } finally {
    child.kill("SIGKILL");
  }
}

async function inTurns(
  engine: Engine,
  child: ChildProcess,
  dims: number,
  texts: readonly string[],
  quick: boolean,
): Promise<Figure[]> {
  const batchOf = (round: number) =>
    texts.slice(BATCH * ((round + 1) % BATCHES), BATCH * (((round + 1) % BATCHES) + 1));
  const plain = async (order: PipelineOrder): Promise<PipelineResult> => {
    const answer = once(child, "message");
    child.send(order);
    return (await answer)[0] as PipelineResult;
  };
  const arms: Arm[] = [
    { run: (round) => engine.embed(batchOf(round), "passage").then(() => undefined) },
    {
      async run(round) {
        for (const text of batchOf(round)) await engine.embed([text], "passage");
        return undefined;
      },
    },
    { run: async (round) => (await plain({ texts: batchOf(round), oneByOne: false })).ms },
    { run: async (round) => (await plain({ texts: batchOf(round), oneByOne: true })).ms },
  ];
  const never = new AbortController().signal;
  const { values } = await measureRounds(arms, quick ? QUICK : LIMITS, SYSTEM_CLOCK, never);
  const [own, ownSingles, pipeline, pipelineSingles] = values;
  const perSecond = (times: readonly number[]) => BATCH / (summarise(times).median / 1000);
  const gain = (name: string, others: readonly number[], target?: Figure["target"]): Figure[] => {
    const { ratio, low, high } = pairedRatio(others, own);
    return [
      { name, value: ratio, unit: "x", ...(target && { target }) },
      { name: "  at least (95 %)", value: low, unit: "x" },
      { name: "  at most (95 %)", value: high, unit: "x" },
    ];
  };
  const [first, second] = [
    (await engine.embed(batchOf(0), "passage")).vectors,
    (await plain({ texts: batchOf(0), oneByOne: true })).vectors,
  ];
  return [
    { name: `engine, ${BATCH} chunks of mixed length in a call`, value: perSecond(own), unit: "texts/s" },
    { name: "engine, one by one", value: perSecond(ownSingles), unit: "texts/s" },
    { name: "plain pipeline, the same in a call", value: perSecond(pipeline), unit: "texts/s" },
    { name: "plain pipeline, one by one", value: perSecond(pipelineSingles), unit: "texts/s" },
    ...gain("engine beside the pipeline, in a call", pipeline, { atLeast: 1.8 }),
    ...gain("engine in a call beside itself one by one", ownSingles, { atLeast: 1 }),
    { name: "the least cosine of their vectors", value: leastCosine(first, second, dims), unit: "" },
  ];
}

function leastCosine(one: Float32Array, other: Float32Array, dims: number): number {
  let least = 1;
  for (let at = 0; at < one.length; at += dims) {
    let dot = 0;
    for (let d = at; d < at + dims; d++) dot += one[d] * other[d];
    least = Math.min(least, dot);
  }
  return least;
}

/** Writes the model as a repository on the Hub has it, and what an engine must know of it. */
function writeModel(folder: string, chunks: readonly string[]): OnnxFiles {
  const counts = new Map<string, number>();
  for (const chunk of chunks) for (const word of tokenize(chunk)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([word]) => word);
  const signs = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i).toLowerCase());
  const pieces = [...signs, ...signs.map((sign) => `##${sign}`), ...frequent.slice(0, WORDS)];
  const bert = new TinyBert(SHAPE, 11, [...new Set(pieces)]);
  const files: Record<string, Uint8Array> = { ...bert.files(), "onnx/model.onnx": bert.onnx() };
  const limit = JSON.parse(Buffer.from(files["tokenizer_config.json"]).toString());
  files["tokenizer_config.json"] = Buffer.from(JSON.stringify({ ...limit, model_max_length: SHAPE.positions }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return {
    format: "onnx",
    name: "made",
    folder,
    weights: join(folder, "onnx/model.onnx"),
    dims: SHAPE.hidden,
    pooling: "mean",
    maxTokens: SHAPE.positions,
    queryPrefix: "",
    passagePrefix: "",
  };
}
