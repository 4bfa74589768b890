import type { Failure } from "../../shared/answer-types.ts";
import type { EditorFailure, EditorModel, EditorModelRequest } from "../../shared/editor-model-types.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { ChatRequest, ModelEvent, Provider } from "./llm.ts";
import { ProviderError } from "./provider-error.ts";
import { type Deadlines, Watchdog } from "./watchdog.ts";

/** The language models of the editor that a client runs in. */
export interface EditorModels {
  /** @param model as `cairn.answer.editor.model` has it; empty for the first there is */
  choose(model: string, signal: AbortSignal): Promise<EditorModel | EditorFailure>;
  /** Undefined when the answer came whole. */
  ask(
    request: Omit<EditorModelRequest, "task">,
    onText: (text: string) => void,
    signal: AbortSignal,
  ): Promise<EditorFailure | undefined>;
}

export interface EditorModelOptions {
  readonly model: string;
  /** Of input and output together; the editor's model may take less. */
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly deadlines: Deadlines;
}

const NAME = "editor";

/**
 * Whatever language models the editor has. Where they run it does not say, so they count as another machine.
 * @param editor undefined where no editor is asking
 */
export function editorModels(editor: EditorModels | undefined, options: EditorModelOptions): Provider {
  const { model: wished, contextTokens, maxOutputTokens, deadlines } = options;
  return {
    name: NAME,
    destination: "the language models of the editor",
    remote: true,
    identity: JSON.stringify([wished, contextTokens]),
    // In a terminal there is nobody to send anything to, and so nothing to agree to.
    hasKey: editor !== undefined,
    async open(signal) {
      if (!editor) throw failed({ kind: "failed", failure: "unsupported", message: "" });
      const watchdog = new Watchdog(NAME, signal);
      try {
        watchdog.expect("its-model", deadlines.connectMs);
        const chosen = await watchdog.race(editor.choose(wished, watchdog.signal));
        if (chosen.kind === "failed") throw failed(chosen);
        return {
          name: `${chosen.vendor}/${chosen.id}`,
          contextTokens: Math.min(contextTokens, chosen.maxInputTokens + maxOutputTokens),
          stream: (request, within) => stream(editor, chosen, deadlines, request, within),
        };
      } finally {
        watchdog.stop();
      }
    },
  };
}

async function* stream(
  editor: EditorModels,
  { id, vendor }: EditorModel,
  deadlines: Deadlines,
  { messages }: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const watchdog = new Watchdog(NAME, signal);
  const leaving = new AbortController();
  const pieces: string[] = [];
  let next = Promise.withResolvers<void>();
  let end: { readonly failure?: EditorFailure } | undefined;
  const ended = editor
    .ask(
      { id, vendor, messages },
      (text) => {
        pieces.push(text);
        next.resolve();
      },
      AbortSignal.any([watchdog.signal, leaving.signal]),
    )
    .then((failure) => {
      end = { failure };
      next.resolve();
    });
  // Whoever has left does not want to know.
  ended.catch((error) => next.reject(error));
  next.promise.catch(() => {});
  try {
    // The editor asks the user first whether Cairn may use the model at all.
    watchdog.expect("first-word", deadlines.firstTokenMs);
    let anyText = false;
    for (;;) {
      await watchdog.race(next.promise);
      next = Promise.withResolvers<void>();
      next.promise.catch(() => {});
      for (const text of pieces.splice(0)) {
        if (text === "") continue;
        anyText = true;
        watchdog.expect("next-word", deadlines.nextTokenMs);
        yield { type: "text", text };
      }
      if (end?.failure) throw failed(end.failure);
      if (end && !anyText) {
        throw new ProviderError(NAME, "output", phrase("its answer was empty."), phrase("Choose another model."));
      }
      if (end) break;
    }
    yield { type: "end", finish: "stop" };
  } finally {
    watchdog.stop();
    leaving.abort();
  }
}

const FAILURES: Readonly<Record<EditorFailure["failure"], readonly [Failure, message: Phrase, hint: Phrase]>> = {
  unsupported: [
    "rejected",
    phrase("only an editor has these models."),
    phrase("Ask in the chat of an editor that has language models, or choose another provider."),
  ],
  none: [
    "model-gone",
    phrase("the editor has no such language model."),
    phrase("Sign in to one in the editor, or name another in cairn.answer.editor.model."),
  ],
  permission: [
    "rejected",
    phrase("the editor did not let Cairn use its language model."),
    phrase("Ask again and allow it, or choose another provider."),
  ],
  blocked: [
    "no-credit",
    phrase("the editor's language model may not be used now: a quota may be used up."),
    phrase("Try again later, or choose another provider."),
  ],
  other: ["server", phrase("the editor's language model failed."), phrase("Try again, or choose another provider.")],
};

function failed({ failure, message }: EditorFailure): ProviderError {
  const [kind, said, hint] = FAILURES[failure];
  return new ProviderError(NAME, kind, message ? phrase("{0} It says: {1}", said, message) : said, hint);
}
