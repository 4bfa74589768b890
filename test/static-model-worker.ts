import { parentPort, workerData } from "node:worker_threads";
import { StaticEncoder } from "../server/embed/static.ts";
import type { StaticModelShared } from "../server/embed/static-model.ts";

/** A thread that embeds texts with a model that another thread loaded; see static-model.test.ts. */
const { model, texts, dims } = workerData as { model: StaticModelShared; texts: string[]; dims: number };
parentPort?.postMessage(new StaticEncoder(model, dims).bodies(texts));
