import { asCairnError } from "../../shared/errors.ts";
import type { Device } from "./device.ts";
import type { EmbeddingEngine } from "./embedding-engine.ts";
import type { EmbeddedTexts } from "./engine-model.ts";

/** What one device did with a model. */
export interface DeviceTrial {
  readonly device: Device;
  /** Why it is not used; undefined where it worked. */
  readonly failure?: string;
  /** Tokens of a batch that are best there, and what they gave; zeros where it did not work. */
  readonly batchTokens: number;
  readonly batchMs: number;
  readonly tokensPerSecond: number;
}

/** Where a model runs on this machine, and how much it is given at once. */
export interface Placement {
  readonly device: Device;
  /** Tokens that the engine is given at once. */
  readonly batchTokens: number;
  /** What was tried, in that order. */
  readonly trials: readonly DeviceTrial[];
}

/** Sizes of a batch that are tried, in tokens. */
const BATCHES: readonly number[] = [256, 512, 1_024];
const GRAPHICS_BATCHES: readonly number[] = [512, 2_048, 8_192];
/** A question waits for a batch that is under way, so that none may take longer where a smaller one does not. */
const LONGEST_BATCH_MS = 50;
/** A larger batch, or another device, must be faster by more than what one measurement differs from the next. */
const WORTHWHILE = 1.05;
/** Milliseconds that a size is measured for. */
const MEASURE_MS = 120;
/** A driver that needs longer to load a model and to run it is none that anybody wants. */
const TRIAL_MS = 30_000;
/** One that was named may compile the model for itself first. */
const WANTED_TRIAL_MS = 120_000;
/** Cosine between the vectors of the processor and those of another device. */
const LEAST_ALIKE = 0.999;

/** Pieces of code of not quite a hundred tokens each, as an index has them: no model takes less. */
const SAMPLES: readonly string[] = Array.from({ length: 8 }, (_, i) =>
  Array.from(
    { length: 3 },
    (_, line) =>
      `export function read${i}${line}(path: string): Buffer { return cache.get(path) ?? load(path, ${line}); }`,
  ).join("\n"),
);

/**
 * Finds out where a model runs best: on the processor, or on one of the devices if it gives the same vectors there, and
 * more of them. Each runs in a process of its own, so that a driver which takes its process along is one that failed.
 *
 * @param start starts the model on a device; its process is ended here, but for the one that is returned
 * @param devices to be tried besides the processor
 * @param isWanted the one device was named by the user: it is taken if it works, however slow
 * @returns the engine that won, running
 * @throws {CairnError} what the processor throws; the signal's reason
 */
export async function placeModel<E extends EmbeddingEngine>(
  start: (device: Device, signal: AbortSignal) => Promise<E>,
  devices: readonly Device[],
  { isWanted, signal }: { isWanted: boolean; signal?: AbortSignal },
): Promise<{ engine: E; placement: Placement }> {
  const ending = signal ?? new AbortController().signal;
  let engine = await start("cpu", ending);
  try {
    const expected = await engine.embed(SAMPLES, "passage");
    let best = await measured("cpu", engine, BATCHES, expected.tokens / SAMPLES.length);
    const trials = [best];
    for (const device of devices) {
      const limitMs = isWanted ? WANTED_TRIAL_MS : TRIAL_MS;
      const stop = AbortSignal.any([ending, AbortSignal.timeout(limitMs)]);
      const { trial, engine: other } = await tried(device, () => start(device, stop), stop, limitMs, expected);
      ending.throwIfAborted();
      trials.push(trial);
      if (!other) continue;
      const wins = isWanted || trial.tokensPerSecond > WORTHWHILE * best.tokensPerSecond;
      await (wins ? engine : other).close();
      if (wins) [best, engine] = [trial, other];
    }
    return { engine, placement: { device: best.device, batchTokens: best.batchTokens, trials } };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Runs a model on a device; without an engine when that failed, or gave other vectors than the processor. */
async function tried<E extends EmbeddingEngine>(
  device: Device,
  start: () => Promise<E>,
  tooLong: AbortSignal,
  limitMs: number,
  expected: EmbeddedTexts,
): Promise<{ trial: DeviceTrial; engine?: E }> {
  const failed = (failure: string) => ({ trial: { device, failure, batchTokens: 0, batchMs: 0, tokensPerSecond: 0 } });
  let engine: E | undefined;
  const stop = () => void engine?.close();
  tooLong.addEventListener("abort", stop);
  try {
    engine = await start();
    const { vectors } = await engine.embed(SAMPLES, "passage");
    const alike = leastCosine(expected.vectors, vectors);
    if (alike < LEAST_ALIKE) {
      await engine.close();
      return failed(`its vectors differ from the processor's (cosine ${alike.toFixed(4)})`);
    }
    const trial = await measured(device, engine, GRAPHICS_BATCHES, expected.tokens / SAMPLES.length);
    return { trial, engine };
  } catch (error) {
    await engine?.close();
    return failed(tooLong.aborted ? `it took longer than ${limitMs / 1000} s` : asCairnError(error).message);
  } finally {
    tooLong.removeEventListener("abort", stop);
  }
}

/** The size of a batch with which most is embedded, of those that nobody has to wait for. */
async function measured(
  device: Device,
  engine: EmbeddingEngine,
  sizes: readonly number[],
  perText: number,
): Promise<DeviceTrial> {
  let best: DeviceTrial | undefined;
  for (const batchTokens of sizes) {
    const count = Math.max(1, Math.round(batchTokens / perText));
    const texts = Array.from({ length: count }, (_, i) => SAMPLES[i % SAMPLES.length]);
    let [rounds, elapsed, tokens] = [0, 0, 0];
    for (const started = performance.now(); elapsed < MEASURE_MS; elapsed = performance.now() - started) {
      tokens += (await engine.embed(texts, "passage")).tokens;
      rounds++;
    }
    const trial = { device, batchTokens, batchMs: elapsed / rounds, tokensPerSecond: (1000 * tokens) / elapsed };
    const wins = best === undefined || trial.tokensPerSecond > WORTHWHILE * best.tokensPerSecond;
    if (best !== undefined && trial.batchMs > LONGEST_BATCH_MS) break;
    if (wins) best = trial;
  }
  // There is always one size.
  return best as DeviceTrial;
}

/** Of unit vectors, one after the other. */
function leastCosine(expected: Float32Array, given: Float32Array): number {
  const dims = expected.length / SAMPLES.length;
  const cosines = SAMPLES.map((_, row) => {
    let cosine = 0;
    for (let d = row * dims; d < (row + 1) * dims; d++) cosine += expected[d] * given[d];
    return cosine;
  });
  // Not a number is not alike either.
  return cosines.some(Number.isNaN) ? 0 : Math.min(...cosines);
}
