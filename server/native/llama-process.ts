/** The process that runs a language model: native code that fails takes this process along, and nothing else. */
import { verbatim } from "../../shared/phrase.ts";
import { type FromLlama, LlamaError, type LlamaRequest, type ToLlama } from "./llama-messages.ts";
import { LlamaModel } from "./llama-model.ts";

let model: LlamaModel | undefined;
/** The last request; the next one waits for it. */
let before: Promise<void> = Promise.resolve();
const asked = new Map<number, { readonly stop: AbortController; begun: boolean }>();

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
    const one = { stop: new AbortController(), begun: false };
    asked.set(id, one);
    const since = performance.now();
    before = before
      .then(() => {
        one.begun = true;
        return generate(id, request, performance.now() - since, one.stop.signal);
      })
      .catch((error) => fail(error, one.stop.signal.aborted ? "stopped" : "ended", id))
      .finally(() => asked.delete(id));
  }
  if (message.type === "stop") {
    const one = asked.get(message.id);
    one?.stop.abort();
    // One that waits for another has stopped already; whoever stopped it need not wait too.
    if (one && !one.begun) fail(one.stop.signal.reason, "stopped", message.id);
  }
});

async function generate(id: number, request: LlamaRequest, queueMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!model) throw new Error("no model is loaded");
  const end = await model.generate(request, (text) => send({ type: "text", id, text }), signal);
  send({ type: "end", id, end: { ...end, queueMs } });
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
