/** The process of one engine: native code that fails takes this process along, and nothing else. */
import { answer } from "../thread-rpc.ts";
import type { EngineMethods, RunningModel } from "./engine-model.ts";
import { GgufModel } from "./gguf-model.ts";
import { OnnxModel } from "./onnx-model.ts";
import { parentChannel } from "./process-channel.ts";
import { QuestionsAside } from "./questions-aside.ts";

let model: RunningModel | undefined;

const methods: { [Name in keyof EngineMethods]: (argument: Parameters<EngineMethods[Name]>[0]) => unknown } = {
  async load({ model: files, run }) {
    if (files.format === "gguf") model = await GgufModel.load(files, run);
    else {
      const loaded = await OnnxModel.load(files, run);
      model = QuestionsAside.suits(files, run) ? new QuestionsAside(loaded, files, run) : loaded;
    }
    return model.loaded;
  },
  async embed({ texts, kind }) {
    if (!model) throw new Error("no model is loaded");
    return { ...(await model.embed(texts, kind)), memoryBytes: process.memoryUsage.rss() };
  },
  memory: () => process.memoryUsage.rss(),
};

answer(parentChannel(), methods);
// Threads of native code may be in the middle of a computation, for which an orderly exit would wait.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
