import type { ChosenModel } from "../chosen/chosen-model.ts";

export interface TriedModel {
  /** In the order in which the texts were given: the cosine between the question and each. */
  readonly similarities: readonly { readonly text: string; readonly similarity: number }[];
  readonly threads: number;
  /** What it runs on, for people; absent where no process of this machine does the work. */
  readonly device?: string;
  /** Until it could embed. */
  readonly loadMs: number;
  /** The texts that were given, over and over for about a second. */
  readonly textsPerSecond: number;
  /** With prefix and special tokens. */
  readonly tokensPerText: number;
  /** Memory of the engine's process at the end. */
  readonly engineBytes: number;
}

const MEASURE_MS = 1_000;

/**
 * Loads a model that is on disk, embeds a question and texts, and measures how fast it is here.
 *
 * @param texts the question and at least one text
 * @throws {CairnError} `input` when it is not on disk, `corrupt` when a file is not what it must be, and what the engine
 * throws
 */
export async function tryModel(
  model: ChosenModel,
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<TriedModel> {
  const engine = await model.start(signal);
  const stop = () => void engine.close();
  signal?.addEventListener("abort", stop);
  try {
    signal?.throwIfAborted();
    const [question, ...passages] = texts;
    const { vectors: asked } = await engine.embed([question], "query");
    const { vectors, tokens } = await engine.embed(passages, "passage");
    let [rounds, elapsed] = [0, 0];
    for (const started = performance.now(); elapsed < MEASURE_MS; elapsed = performance.now() - started) {
      await engine.embed(passages, "passage");
      rounds++;
    }
    return {
      similarities: passages.map((text, i) => ({ text, similarity: cosine(asked, vectors, i) })),
      threads: engine.loaded.threads,
      device: engine.loaded.device,
      loadMs: engine.loaded.loadMs,
      textsPerSecond: (1000 * rounds * passages.length) / elapsed,
      tokensPerText: tokens / passages.length,
      engineBytes: await engine.memory(),
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    await engine.close();
  }
}

/** Of unit vectors. */
function cosine(asked: Float32Array, vectors: Float32Array, row: number): number {
  return asked.reduce((sum, value, d) => sum + value * vectors[row * asked.length + d], 0);
}
