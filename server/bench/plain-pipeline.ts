import { createRequire } from "node:module";
import { basename, dirname } from "node:path";

/** What the parent asks: all texts in one call, or a call for each. */
export interface PipelineOrder {
  readonly texts: readonly string[];
  readonly oneByOne: boolean;
}

/** How long it took in this process, and what came of it. */
export interface PipelineResult {
  readonly ms: number;
  readonly vectors: Float32Array;
}

/** What is used of `@huggingface/transformers`. */
interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: "feature-extraction", model: string, options: { dtype: "fp32"; device: "cpu" }): Promise<Extract>;
}

type Extract = (
  texts: readonly string[],
  options: { pooling: "mean"; normalize: true },
) => Promise<{ readonly data: Float32Array }>;

const [peer, model] = process.argv.slice(2);
const { env, pipeline }: Transformers = createRequire(peer)("@huggingface/transformers");
env.allowRemoteModels = false;
env.localModelPath = dirname(model);
const extract = await pipeline("feature-extraction", basename(model), { dtype: "fp32", device: "cpu" });
const options = { pooling: "mean", normalize: true } as const;

process.on("message", async ({ texts, oneByOne }: PipelineOrder) => {
  const started = performance.now();
  const results = [];
  for (const part of oneByOne ? texts.map((text) => [text]) : [texts])
    results.push((await extract(part, options)).data);
  const ms = performance.now() - started;
  const vectors = Float32Array.from(results.flatMap((data) => [...data]));
  process.send?.({ ms, vectors } satisfies PipelineResult);
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
