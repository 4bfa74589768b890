import { relative, sep } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { StaticEncoder } from "../embed/static.ts";
import { nodeHost } from "../node-host.ts";
import { openSegment } from "../store/segment.ts";
import { mergeSegments } from "../store/segment-build.ts";
import { allocateBase, writeSnapshot } from "../store/snapshot-file.ts";
import type { StoreMethods } from "../store/store.ts";
import { answer, Caller } from "../thread-rpc.ts";
import { type Chunker, createChunker } from "./chunk-file.ts";
import { embeddedBatch } from "./embedded-batch.ts";
import { openRules } from "./ignore-rules.ts";
import { indexBatch, restoreBatch } from "./index-batch.ts";
import type { Admitted, IndexWorkerData, IndexWorkerMethods, MergedSegment } from "./index-jobs.ts";
import { overlayOf } from "./overlay.ts";
import { yieldToOthers } from "./thread-priority.ts";
import { admits, requireRoot, walkBelow } from "./walk.ts";

/** A thread that walks, reads, parses, tokenises, embeds and merges; several run side by side. */
const data = workerData as IndexWorkerData;
const host = nodeHost();
const store = new Caller<StoreMethods>(data.store);
const encoder = new StaticEncoder(data.model);
const walkOptions = { exclude: data.exclude, maxFileBytes: data.maxFileBytes };
let chunker: Promise<Chunker> | undefined;
if (data.lowPriority) yieldToOthers();

const methods: { [K in keyof IndexWorkerMethods]: (argument: Parameters<IndexWorkerMethods[K]>[0]) => unknown } = {
  async warm() {
    chunker ??= createChunker();
    await chunker;
    return null;
  },

  admit(paths): Admitted {
    const admitted: Admitted = { files: [], skipped: [], gone: [], folders: [] };
    const rules = openRules(host, data.root, data.exclude);
    for (const absolute of paths) {
      const path = relative(data.root, absolute).split(sep).join("/");
      const verdict = admits(host, data.root, path, walkOptions, rules);
      if (verdict === undefined) admitted.gone.push(path);
      else if (verdict !== "folder") {
        if ("reason" in verdict) admitted.skipped.push(verdict);
        else admitted.files.push(verdict);
      } else {
        admitted.folders.push(path);
        for (const batch of walkBelow(host, data.root, path, walkOptions, undefined, rules)) {
          admitted.files.push(...batch.files);
          admitted.skipped.push(...batch.skipped);
        }
      }
    }
    if (admitted.gone.length > 0) requireRoot(host, data.root);
    return admitted;
  },

  async process(files) {
    chunker ??= createChunker();
    return indexBatch({ host, root: data.root, store, encoder, chunker: await chunker }, files);
  },

  async overlay(file) {
    chunker ??= createChunker();
    return overlayOf({ host, root: data.root, encoder, chunker: await chunker }, file, walkOptions);
  },

  async embedded(job) {
    chunker ??= createChunker();
    return embeddedBatch({ host, root: data.root, store, chunker: await chunker }, job);
  },

  restore: (files) => restoreBatch({ store, encoder }, files),

  merge({ inputs, snapshotPath }): MergedSegment {
    const segments = inputs.map(({ bytes, dead }) => ({ segment: openSegment(bytes), dead }));
    if (snapshotPath === undefined) return { bytes: mergeSegments(segments), problem: "" };
    const base = allocateBase();
    const bytes = mergeSegments(segments, base.allocate);
    let problem = "";
    try {
      writeSnapshot(snapshotPath, bytes);
    } catch (error) {
      problem = `The snapshot ${snapshotPath} could not be written (${(error as Error).message}).`;
    }
    return { bytes, memory: base.memory(), problem };
  },
};

if (parentPort) answer(parentPort, methods as never);
