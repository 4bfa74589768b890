import { readFileSync, realpathSync } from "node:fs";
import { availableParallelism, homedir } from "node:os";
import { resolve } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type {
  CollectedDelta,
  CollectParams,
  CompressedModel,
  CompressParams,
  DeltaContents,
  DeltaEstimate,
  DeltaManner,
  DeltaPair,
  DeltaProgress,
  DeltaTensor,
  EstimateParams,
  FindBasesParams,
  FoundBases,
  FoundDescents,
  ReconstructedModel,
  ReconstructParams,
  ScanParams,
  VerifiedDelta,
  VerifyParams,
} from "../../shared/delta-types.ts";
import { CairnError, toWireError, type WireError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { BlockWorkers } from "../delta/block-workers.ts";
import { addToCollection, readCollection, undoCollection } from "../delta/collection.ts";
import { compress } from "../delta/compress.ts";
import { openDelta } from "../delta/delta-file.ts";
import type { DeltaOptions } from "../delta/delta-options.ts";
import { describeDelta } from "../delta/describe.ts";
import { type EstimateOptions, estimate } from "../delta/estimate.ts";
import { locate } from "../delta/hub-cache.ts";
import { type Model, openModel } from "../delta/model-files.ts";
import { reconstruct } from "../delta/reconstruct.ts";
import { verify } from "../delta/verify.ts";
import { packageFile } from "../package-files.ts";
import { basesOf, collected, descentsIn } from "./delta-lineage.ts";

/** What is done in this thread, which reads, writes and hashes, and whose own threads code. */
export interface DeltaTasks {
  estimate(params: EstimateParams): DeltaEstimate;
  compress(params: CompressParams): CompressedModel;
  describe(params: { delta: string }): DeltaContents;
  verify(params: VerifyParams): VerifiedDelta;
  reconstruct(params: ReconstructParams): ReconstructedModel;
  findBases(params: FindBasesParams): FoundBases;
  scan(params: ScanParams): FoundDescents;
  collect(params: CollectParams): CollectedDelta;
  collection(params: { folder: string }): readonly CollectedDelta[];
  undo(params: { folder: string }): readonly CollectedDelta[];
}

export type DeltaTaskParams<Name extends keyof DeltaTasks> = Parameters<DeltaTasks[Name]>[0] & DeltaManner;

type DeltaTask = { [Name in keyof DeltaTasks]: { name: Name; params: DeltaTaskParams<Name> } }[keyof DeltaTasks];

/** From this thread: any number of the first, then one of the others. Any message to it cancels the task. */
export type DeltaMessage = { progress: Omit<DeltaProgress, "task"> } | { result: unknown } | { error: WireError };

/** Progress is told when so many milliseconds have passed since the last time. */
const TELL_MS = 100;

async function run(task: DeltaTask, options: DeltaOptions): Promise<DeltaTasksResult> {
  switch (task.name) {
    case "estimate":
      return estimated(pairOf(task.params), { ...options, fast: task.params.fast ?? false });
    case "compress":
      return compressed(task.params, options);
    case "describe":
      return contentsOf(placeOf(task.params, "delta"));
    case "verify":
      return verify(openDelta(placeOf(task.params, "delta")), modelOf(task.params, "base"), options);
    case "reconstruct": {
      const { force = false } = task.params;
      const delta = openDelta(placeOf(task.params, "delta"));
      const { path, bytes } = await reconstruct(delta, modelOf(task.params, "base"), placeOf(task.params, "out"), {
        ...options,
        force,
      });
      return { path, bytes };
    }
    case "findBases":
      return basesOf(pathOf(task.params, "fine"), folderOf(task.params), options);
    case "scan":
      return descentsIn(folderOf(task.params), options);
    case "collect": {
      const { fast = false, replace = false } = task.params;
      const folder = placeOf(task.params, "folder");
      const entry = await addToCollection(folder, pairOf(task.params), { ...options, made: maker(), fast, replace });
      return collected(folder, entry);
    }
    case "collection":
    case "undo": {
      const folder = placeOf(task.params, "folder");
      const entries = task.name === "undo" ? await undoCollection(folder, options) : readCollection(folder);
      return entries.map((entry) => collected(folder, entry));
    }
  }
}

type DeltaTasksResult = ReturnType<DeltaTasks[keyof DeltaTasks]>;

async function estimated({ base, fine }: ModelPair, options: EstimateOptions): Promise<DeltaEstimate> {
  const { bytes, deltaBytes, error, rows, tensors } = await estimate(base, fine, options);
  return {
    bytes,
    deltaBytes,
    error,
    rows,
    tensors: tensors.map(({ saved, ...tensor }) => ({
      ...tensor,
      storedBytes: Math.round(tensor.bytes * (1 - saved)),
    })),
  };
}

async function compressed(params: CompressParams, options: DeltaOptions): Promise<CompressedModel> {
  const { base, fine } = pairOf(params);
  const { path, resumedBlocks } = await compress(base, fine, placeOf(params, "out"), {
    ...options,
    force: params.force ?? false,
    fast: params.fast ?? false,
    check: params.check ?? false,
    made: maker(),
  });
  return { ...contentsOf(path), resumedBlocks };
}

/** What a manifest says of who made it. */
function maker(): string {
  return `cairn ${JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version}`;
}

function contentsOf(path: string): DeltaContents {
  const { bytes, deltaBytes, rows, tensors, datasets, byCodec } = describeDelta(openDelta(path));
  const named: DeltaTensor[] = [
    ...tensors.map(({ codecs, name, dtype, bytes, storedBytes }) => {
      return { name, dtype, bytes, storedBytes, codec: codecs[0] ?? "" };
    }),
    ...datasets.map(({ file, bytes, storedBytes }) => {
      return { name: file, dtype: "U8", bytes, storedBytes, codec: "rows" };
    }),
  ];
  // What lies between tensors, other files; and the manifest, which is of all.
  const rest: DeltaTensor = {
    name: "(all else)",
    dtype: "U8",
    bytes: named.reduce((left, one) => left - one.bytes, bytes),
    storedBytes: named.reduce((left, one) => left - one.storedBytes, deltaBytes),
    codec: named.length === 0 ? mostOf(byCodec) : "",
  };
  return { path, bytes, deltaBytes, rows, tensors: [...named, rest].sort((a, b) => b.bytes - a.bytes) };
}

/** The codec of the most bytes; "" for an empty file. */
function mostOf(byCodec: Readonly<Record<string, number>>): string {
  return Object.entries(byCodec).sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

interface ModelPair {
  base: Model;
  fine: Model;
}

function pairOf(params: DeltaPair): ModelPair {
  const fine = modelOf(params, "fine");
  const base = modelOf(params, "base");
  if (realpathSync(fine.path) === realpathSync(base.path)) {
    throw new CairnError(
      "input",
      phrase("The base and the fine-tune are the same: {0}.", fine.path),
      phrase("As the base, choose the model that the fine-tune was made from."),
    );
  }
  return { base, fine };
}

function modelOf<Name extends string>(params: { [name in Name]: string }, name: Name): Model {
  return openModel(pathOf(params, name));
}

function pathOf<Name extends string>(params: { [name in Name]: string }, name: Name): string {
  return locate(given(params, name), homedir(), process.env);
}

function placeOf<Name extends string>(params: { [name in Name]: string }, name: Name): string {
  return resolve(homedir(), given(params, name));
}

function folderOf({ folder }: { folder?: string }): string | undefined {
  return folder === undefined ? undefined : placeOf({ folder }, "folder");
}

/** Any client may ask, with anything. */
function given<Name extends string>(params: { [name in Name]: string }, name: Name): string {
  const value: unknown = params[name];
  if (typeof value === "string" && value !== "") return value;
  throw new CairnError(
    "input",
    phrase("The parameter {0} is missing.", name),
    phrase("It is the path of a file or a folder."),
  );
}

/** Runs the task that this thread was started for and answers it. */
async function answer(task: DeltaTask, tell: (message: DeltaMessage) => void): Promise<void> {
  const { threads = Math.max(1, availableParallelism() - 1) } = task.params;
  const workers = new BlockWorkers(threads);
  const cancellation = new AbortController();
  parentPort?.on("message", () => {
    cancellation.abort();
    void workers.close();
  });
  let toldAt = Number.NEGATIVE_INFINITY;
  let phase = "";
  const onProgress: DeltaOptions["onProgress"] = (progress) => {
    const now = performance.now();
    if (progress.phase === phase && now - toldAt < TELL_MS) return;
    toldAt = now;
    phase = progress.phase;
    tell({ progress });
  };
  try {
    tell({ result: await run(task, { workers, signal: cancellation.signal, onProgress }) });
  } catch (error) {
    tell({ error: toWireError(error) });
  } finally {
    await workers.close();
    parentPort?.close();
  }
}

await answer(workerData as DeltaTask, (message) => parentPort?.postMessage(message));
