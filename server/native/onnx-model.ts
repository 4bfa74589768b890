import { availableParallelism } from "node:os";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { EXECUTION_PROVIDERS, onCpu } from "./device.ts";
import type { EmbeddedTexts, EngineRun, LoadedModel, OnnxFiles, RunningModel, TextKind } from "./engine-model.ts";
import { ModelTokenizer } from "./model-tokenizer.ts";
import { normalise, pool } from "./pooling.ts";
import { textWindows, tokenBatches, WINDOW_TOKENS } from "./text-windows.ts";

/** More threads than this share too little work for texts of the usual length. */
const MOST_THREADS = 4;

/** Inputs that are known, each made of the texts' tokens. */
const INPUTS: Readonly<Record<string, (window: Window) => (position: number) => number>> = {
  input_ids:
    ({ ids, padding }) =>
    (at) =>
      ids[at] ?? padding,
  attention_mask:
    ({ ids }) =>
    (at) =>
      at < ids.length ? 1 : 0,
  token_type_ids: () => () => 0,
  position_ids: () => (at) => at,
};

type Runtime = typeof import("onnxruntime-node");

interface Window {
  readonly ids: readonly number[];
  readonly padding: number;
}

/** A model in this process. Loading and running block the thread: it belongs into a process of its own. */
export class OnnxModel implements RunningModel {
  readonly loaded: LoadedModel;
  readonly #model: OnnxFiles;
  readonly #tokenizer: ModelTokenizer;
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #output: string;

  private constructor(
    model: OnnxFiles,
    tokenizer: ModelTokenizer,
    runtime: Runtime,
    session: InferenceSession,
    output: string,
    loaded: LoadedModel,
  ) {
    this.#model = model;
    this.#runtime = runtime;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#output = output;
    this.loaded = loaded;
  }

  /**
   * Loads a model and runs it once: what it wants and gives is then known, and its memory is there.
   * @param wanted threads; 0 for one a core, at most four
   * @throws {CairnError} `output` for files that are no model, or one that gives other vectors than it should;
   * `unavailable` when the runtime is not there
   */
  static async load(model: OnnxFiles, { device, threads: wanted, batchTokens }: EngineRun): Promise<OnnxModel> {
    const threads = wanted || Math.min(MOST_THREADS, availableParallelism());
    const started = performance.now();
    const tokenizer = new ModelTokenizer(model.folder);
    const runtime = await loadRuntime();
    const provider = EXECUTION_PROVIDERS[device];
    // One that the runtime does not have it would leave out without a word.
    if (!runtime.listSupportedBackends().some(({ name }) => name === provider)) {
      throw unusable(model, `the ONNX engine of ${process.platform}-${process.arch} has no ${device}`);
    }
    const session = await runtime.InferenceSession.create(model.weights, {
      // What a graphics device cannot do, the processor does.
      executionProviders: device === "cpu" ? ["cpu"] : [provider, "cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      // Threads that wait by spinning take the cores from everything else, and are slower for it when those are busy.
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    }).catch((error: Error) => {
      throw unusable(model, error.message);
    });
    const unknown = session.inputNames.filter((name) => !Object.hasOwn(INPUTS, name));
    if (unknown.length > 0) throw unusable(model, `it wants ${unknown.join(", ")}`);
    const { before, after } = tokenizer.special;
    const probe = await run(runtime, session, [[...before, ...tokenizer.encode("a"), ...after]], tokenizer.padding);
    const output = outputOf(session.outputNames, probe);
    if (!output) throw unusable(model, `it gives ${session.outputNames.join(", ")}`);
    const shape = probe[output].dims;
    const dims = shape[shape.length - 1];
    if (dims !== (model.dims ?? dims)) throw unusable(model, `its vectors have ${dims} dimensions, not ${model.dims}`);
    return new OnnxModel(model, tokenizer, runtime, session, output, {
      dims,
      inputs: session.inputNames,
      pooledByModel: shape.length === 2,
      title: "",
      threads,
      batchTokens,
      device: device === "cpu" ? onCpu(threads) : device,
      loadMs: performance.now() - started,
    });
  }

  async embed(texts: readonly string[], kind: TextKind): Promise<EmbeddedTexts> {
    const { maxTokens, queryPrefix, passagePrefix } = this.#model;
    const { dims } = this.loaded;
    const prefix = kind === "query" ? queryPrefix : passagePrefix;
    const prefixIds = prefix === "" ? [] : this.#tokenizer.encode(prefix);
    const most = Math.min(maxTokens, WINDOW_TOKENS);
    const windows = texts.flatMap((text, of) =>
      textWindows(this.#tokenizer.encode(prefix + text), prefixIds, this.#tokenizer.special, most).map((ids) => ({
        of,
        ids,
      })),
    );
    const vectors = new Float32Array(texts.length * dims);
    const one = new Float32Array(dims);
    const batches = tokenBatches(
      windows.map(({ ids }) => ids.length),
      this.loaded.batchTokens,
    );
    for (const batch of batches) {
      const members = batch.map((index) => windows[index]);
      const rows = await this.#run(members.map(({ ids }) => ids));
      for (const [i, { of, ids }] of members.entries()) {
        this.#vector(rows, i, ids.length, one);
        const at = of * dims;
        for (let d = 0; d < dims; d++) vectors[at + d] += ids.length * one[d];
      }
    }
    for (let i = 0; i < texts.length; i++) normalise(vectors.subarray(i * dims, (i + 1) * dims));
    return { vectors, tokens: windows.reduce((sum, { ids }) => sum + ids.length, 0), batches: batches.length };
  }

  /** Gives its weights back; it embeds nothing more. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async #run(windows: readonly (readonly number[])[]): Promise<{ values: Float32Array; rowLength: number }> {
    const { [this.#output]: tensor } = await run(this.#runtime, this.#session, windows, this.#tokenizer.padding);
    const values = asFloats(tensor);
    return { values, rowLength: values.length / windows.length };
  }

  #vector(rows: { values: Float32Array; rowLength: number }, row: number, length: number, into: Float32Array): void {
    const values = rows.values.subarray(row * rows.rowLength, (row + 1) * rows.rowLength);
    if (this.loaded.pooledByModel) {
      into.set(values);
      normalise(into);
    } else pool(values, length, this.#model.pooling, into);
  }
}

/** Not part of the code: its libraries are made for one platform, and a package for another has none. */
async function loadRuntime(): Promise<Runtime> {
  try {
    return await import("onnxruntime-node");
  } catch (error) {
    throw new CairnError(
      "unavailable",
      phrase(
        "There is no ONNX engine for {0} here ({1}).",
        `${process.platform}-${process.arch}`,
        (error as Error).message.split("\n")[0],
      ),
      phrase(
        "The model in the package works without it. macOS on Intel has none; else install the package for this platform.",
      ),
      { cause: error },
    );
  }
}

async function run(
  { Tensor }: Runtime,
  session: InferenceSession,
  windows: readonly (readonly number[])[],
  padding: number,
): Promise<Record<string, Tensor>> {
  const longest = Math.max(...windows.map(({ length }) => length));
  const feeds = session.inputNames.map((name) => {
    const data = new BigInt64Array(windows.length * longest);
    for (const [row, ids] of windows.entries()) {
      const valueAt = INPUTS[name]({ ids, padding });
      for (let at = 0; at < longest; at++) data[row * longest + at] = BigInt(valueAt(at));
    }
    return [name, new Tensor("int64", data, [windows.length, longest])];
  });
  return (await session.run(Object.fromEntries(feeds))) as Record<string, Tensor>;
}

/** The vectors of the tokens where they are offered, else the one of the text. */
function outputOf(names: readonly string[], outputs: Record<string, Tensor>): string | undefined {
  const numbers = names.filter((name) => /^float(?:16|32)$/.test(outputs[name].type));
  return [3, 2].flatMap((rank) => numbers.filter((name) => outputs[name].dims.length === rank))[0];
}

function asFloats(tensor: Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data;
  // Half precision comes as its bits, or where the platform has them as an array of halves.
  return tensor.data instanceof Uint16Array
    ? Float32Array.from(tensor.data, halfToFloat)
    : Float32Array.from(tensor.data as unknown as ArrayLike<number>);
}

function halfToFloat(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function unusable({ name }: OnnxFiles, why: string): CairnError {
  return new CairnError(
    "output",
    phrase("{0} cannot be used: {1}.", name, why),
    phrase("Check the model with `cairn models verify`, or pull it in another precision."),
  );
}
