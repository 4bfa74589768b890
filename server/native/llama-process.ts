/** The process that runs a language model: native code that fails takes this process along, and nothing else. */
import { verbatim } from "../../shared/phrase.ts";
import { type FromLlama, LlamaError, type LlamaRequest, type ToLlama } from "./llama-messages.ts";
import { LlamaModel } from "./llama-model.ts";

let model: LlamaModel | undefined;
const asked = new Map<number, AbortController>();

// Threads of native code may be in the middle of a computation, for which an orderly exit would wait.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

process.on("message", (message: ToLlama) => {
  if (message.type === "load") {
    LlamaModel.load(message.load).then(
      (loaded) => {
        model = loaded;
        send({ type: "loaded", loaded: loaded.loaded });
      },
      (error) => fail(error, "no-model"),
    );
  }
  if (message.type === "generate") {
    const { id, request } = message;
    const stop = new AbortController();
    asked.set(id, stop);
    generate(id, request, stop.signal)
      .catch((error) => fail(error, stop.signal.aborted ? "stopped" : "ended", id))
      .finally(() => asked.delete(id));
  }
  // One that waits for others ends at once; one that is written ends with the go that is under way.
  if (message.type === "stop") asked.get(message.id)?.abort();
});

async function generate(id: number, request: LlamaRequest, signal: AbortSignal): Promise<void> {
  if (!model) throw new Error("no model is loaded");
  const end = await model.generate(request, (text) => send({ type: "text", id, text }), signal);
  send({ type: "end", id, end });
}

function fail(error: unknown, otherwise: LlamaError["failure"], id?: number): void {
  const known = error instanceof LlamaError ? error : undefined;
  const message = known?.said ?? verbatim(error instanceof Error ? error.message : String(error));
  send({ type: "failed", id, failure: known?.failure ?? otherwise, message, hint: known?.advice ?? verbatim("") });
}

function send(message: FromLlama): void {
  // The parent may have gone a moment ago, or go while this is written: `disconnect` sees to that.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
