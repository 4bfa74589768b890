/** The process of one engine: native code that fails takes this process along, and nothing else. */
import { answer } from "../thread-rpc.ts";
import type { EngineMethods } from "./engine-model.ts";
import { OnnxModel } from "./onnx-model.ts";
import { parentChannel } from "./process-channel.ts";

let model: OnnxModel | undefined;

const methods: { [Name in keyof EngineMethods]: (argument: Parameters<EngineMethods[Name]>[0]) => unknown } = {
  async load({ model: description, run }) {
    model = await OnnxModel.load(description, run);
    return model.loaded;
  },
  embed({ texts, kind }) {
    if (!model) throw new Error("no model is loaded");
    return model.embed(texts, kind);
  },
  memory: () => process.memoryUsage.rss(),
};

answer(parentChannel(), methods);
process.on("disconnect", () => process.exit());
