import { inWords, type Phrase, SILENCE, verbatim } from "./phrase.ts";

/**
 * The few kinds of error that cross a process. Anything else is a defect and is reported as one.
 *
 * - `input`: the user gave something that cannot be used (a bad flag, a folder that is not there).
 * - `unavailable`: something outside refuses for now (a locked index, a full disk, a lost process).
 * - `provider`: a model or service answered with an error.
 * - `output`: a model or service answered with something that is not what it promised.
 * - `gone`: the folder that is indexed is not there, or cannot be read, for now.
 * - `corrupt`: a file of ours is damaged; it is set aside and rebuilt.
 */
export type ErrorKind = "input" | "unavailable" | "provider" | "output" | "gone" | "corrupt";

/**
 * An error meant for a person: `message` says what happened and where, `hint` what to do next. Both are English, for logs
 * and the terminal; `said` and `advice` are the same before they are put into words. Give a string only for what is not
 * shown in the editor.
 */
export class CairnError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly said: Phrase;
  readonly advice: Phrase;

  constructor(kind: ErrorKind, message: Phrase | string, hint: Phrase | string = SILENCE, options?: ErrorOptions) {
    const said = typeof message === "string" ? verbatim(message) : message;
    super(inWords(said), options);
    this.name = "CairnError";
    this.kind = kind;
    this.said = said;
    this.advice = typeof hint === "string" ? verbatim(hint) : hint;
    this.hint = inWords(this.advice);
  }
}

/** The shape in which a CairnError travels between threads and processes, and in words to a client. */
export interface WireError<Text = Phrase> {
  kind: ErrorKind;
  message: Text;
  hint: Text;
}

/** Any thrown value as an error for a person. */
export function asCairnError(error: unknown): CairnError {
  if (error instanceof CairnError) return error;
  return new CairnError("unavailable", error instanceof Error ? error.message : String(error), SILENCE, {
    cause: error,
  });
}

/** Turns any thrown value into the wire shape, without a stack. */
export function toWireError(error: unknown): WireError {
  const { kind, said, advice } = asCairnError(error);
  return { kind, message: said, hint: advice };
}

/** The reverse of {@link toWireError}. */
export function fromWireError(wire: WireError | WireError<string>): CairnError {
  return new CairnError(wire.kind, wire.message, wire.hint);
}
