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

/** An error meant for a person: `message` says what happened and where, `hint` what to do next. */
export class CairnError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string;

  constructor(kind: ErrorKind, message: string, hint = "", options?: ErrorOptions) {
    super(message, options);
    this.name = "CairnError";
    this.kind = kind;
    this.hint = hint;
  }
}

/** The shape in which a CairnError travels between processes. */
export interface WireError {
  kind: ErrorKind;
  message: string;
  hint: string;
}

/** Turns any thrown value into the wire shape, without a stack. */
export function toWireError(error: unknown): WireError {
  if (error instanceof CairnError) return { kind: error.kind, message: error.message, hint: error.hint };
  return { kind: "unavailable", message: error instanceof Error ? error.message : String(error), hint: "" };
}

/** The reverse of {@link toWireError}. */
export function fromWireError(wire: WireError): CairnError {
  return new CairnError(wire.kind, wire.message, wire.hint);
}
