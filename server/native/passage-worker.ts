/** The thread that embeds passages while another one answers questions; see questions-aside.ts. */
import { parentPort } from "node:worker_threads";
import { answer } from "../thread-rpc.ts";
import { OnnxModel } from "./onnx-model.ts";
import type { PassageMethods } from "./questions-aside.ts";

let model: OnnxModel | undefined;

const methods: { [Name in keyof PassageMethods]: (argument: Parameters<PassageMethods[Name]>[0]) => unknown } = {
  async load({ model: files, run }) {
    model = await OnnxModel.load(files, run);
  },
  embed({ texts }) {
    if (!model) throw new Error("no model is loaded");
    return model.embed(texts, "passage");
  },
  async release() {
    await model?.release();
    model = undefined;
  },
};

if (parentPort) answer(parentPort, methods);
