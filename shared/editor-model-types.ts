/** Language models on both sides of the language server: those that the editor has, and those that Cairn offers it. */

export interface ModelMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A model of the editor's, as it was chosen there. */
export interface EditorModel {
  readonly kind: "model";
  readonly id: string;
  readonly vendor: string;
  /** Tokens of input that it takes. */
  readonly maxInputTokens: number;
}

/**
 * Why the editor gives no answer. `unsupported`: it knows no models at all. `none`: it has none that is meant.
 * `permission`: the user has not let Cairn use it. `blocked`: it may not be used now, mostly for a quota that is used up.
 */
export interface EditorFailure {
  readonly kind: "failed";
  readonly failure: "unsupported" | "none" | "permission" | "blocked" | "other";
  /** What the editor says of it. */
  readonly message: string;
}

/** One request to a model of the editor's; what it writes comes in pieces that carry the task. */
export interface EditorModelRequest {
  readonly task: number;
  readonly id: string;
  readonly vendor: string;
  readonly messages: readonly ModelMessage[];
}

/** The next piece of what a model writes. */
export interface ModelText {
  readonly task: number;
  readonly text: string;
}

/** A model of Cairn's providers, as other extensions and the editor's chat see it. */
export interface OfferedModel {
  /** The provider, as `cairn.answer.provider` names it. */
  readonly provider: string;
  /** Empty for whichever the provider has. */
  readonly model: string;
  /** The origin of its address. */
  readonly destination: string;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
}

/** A request to a model that Cairn offers. */
export interface OfferedModelRequest {
  readonly task: number;
  readonly provider: string;
  readonly messages: readonly ModelMessage[];
}
