/** What answers are made of, as the server's core makes them and its clients show them: plain data. */

/** Tokens as the provider counted them. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Input tokens that the provider had from an earlier request; 0 when it does not say. */
  readonly cachedTokens: number;
}

/** What the provider says of its own time, in milliseconds. */
export interface ProviderTiming {
  readonly queueMs: number;
  readonly promptMs: number;
  readonly completionMs: number;
  readonly totalMs: number;
}

/** What went wrong at a provider, told apart by what one can do about it. */
export type Failure =
  | "no-key"
  | "bad-key"
  | "no-credit"
  | "rate-limit"
  | "model-gone"
  | "context-too-long"
  | "refused"
  | "rejected"
  | "network"
  | "certificate"
  | "timeout"
  | "server"
  | "output"
  | "withheld";

/** A provider that was asked in vain; what it says is in English in a record, in the client's language in a part. */
export interface Attempt<Text = string> {
  readonly provider: string;
  readonly failure: Failure;
  readonly message: Text;
  readonly hint: Text;
}

/** Which of two models a question is routed to. */
export type Tier = "strong" | "weak";

/** `control`: the conversation is one of those that are not routed, for comparison. `unfamiliar`: nothing like it was learned from. */
export type RoutingReason = "better" | "good-enough" | "unfamiliar" | "control";

/** Why the stronger or the weaker of two models was asked first. */
export interface Routing {
  readonly tier: Tier;
  readonly reason: RoutingReason;
  /** Expected quality of the weak model's answer as a share of the strong one's, 0 to 1. */
  readonly quality: number;
  /** The least that was asked of it. */
  readonly leastQuality: number;
  /** How unlike the questions that were learned from it is: 1 is as far as the farthest percent of those. */
  readonly novelty: number;
}

/** The provider of answers that no model wrote. */
export const EXTRACTIVE = "extractive";

/** How an answer came about. */
export interface AnswerRecord {
  /** {@link EXTRACTIVE} when passages were quoted, without a model. */
  readonly provider: string;
  /** Empty without a model. */
  readonly model: string;
  /** `length`: cut at the limit of tokens. `interrupted`: the provider failed midway. `nothing`: there was no source. */
  readonly finish: "complete" | "length" | "interrupted" | "nothing";
  /** Milliseconds from the question to the request, search and packing included. */
  readonly ownMs: number;
  /** Milliseconds from the request to the first word. */
  readonly firstTokenMs?: number;
  /** Milliseconds from the question to the end. */
  readonly totalMs: number;
  readonly usage?: Usage;
  readonly timing?: ProviderTiming;
  /** What the model ran on, where that is this machine. */
  readonly device?: string;
  /** US dollars; missing when the price or the tokens are not known. */
  readonly cost?: number;
  /** The day on which the price was true; missing when the user has said it. */
  readonly priceAsOf?: string;
  /** Sources that the answer was made from, citations that held, that were removed, paragraphs without any. */
  readonly sources: number;
  readonly citations: number;
  readonly removed: number;
  readonly unsupported: number;
  readonly attempts: readonly Attempt[];
  /** Missing when the question was not routed. */
  readonly routing?: Routing;
  /** When the model wrote it, ISO 8601; missing when it wrote it now. */
  readonly keptFrom?: string;
}

/** One question and its answer, earlier in a conversation. */
export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/** Why a citation did not hold. `unknown`: no such source. `changed`: the file changed. `elsewhere`: it says nothing of it. */
export type RemovalReason = "unknown" | "changed" | "elsewhere";

/** A source as a client shows and opens it. */
export interface AnswerSource {
  /** As the answer numbers it. */
  readonly number: number;
  /** Empty for what came with the question, which is no file. */
  readonly rootUri: string;
  /** Name of the folder; empty when only one is open. */
  readonly rootName: string;
  /** Relative to the folder, forward slashes. */
  readonly path: string;
  /** 1-based, inclusive. */
  readonly startLine: number;
  readonly endLine: number;
  readonly focusLine: number;
  /** What its first line says, to find it again when the file has changed. */
  readonly firstLine: string;
  /** Symbol or heading with what it lies in; empty when there is none. */
  readonly symbol: string;
  readonly language: string;
}

/** A quoted piece of a source. */
export interface AnswerPassage {
  /** The source's number. */
  readonly number: number;
  /** In their order; a gap in the numbers is a gap in the quotation. */
  readonly lines: readonly { readonly line: number; readonly text: string }[];
}

/** A piece of an answer, in the order in which it comes. */
export type AnswerPart =
  /** Comes before the first word; what came before from another provider does not count any more. */
  | {
      readonly type: "sources";
      readonly provider: string;
      readonly model: string;
      readonly sources: readonly AnswerSource[];
    }
  | { readonly type: "text"; readonly text: string }
  /** The line of the source that shows it, and what it says. */
  | { readonly type: "citation"; readonly number: number; readonly line: number; readonly text: string }
  | { readonly type: "removed"; readonly number: number; readonly reason: RemovalReason }
  /** The paragraph that ends here has no citation that holds. */
  | { readonly type: "unsupported" }
  | { readonly type: "passage"; readonly passage: AnswerPassage }
  | { readonly type: "failed"; readonly attempt: Attempt }
  | { readonly type: "note"; readonly text: string };

/** What an answer is to be, when it is more than an answer to the question. */
export type AnswerTask = "explain" | "tests" | "fix" | "document" | "review";

/** Code of a file: some lines of it, the whole symbol around a line, or all. */
export interface CodePlace {
  readonly rootUri: string;
  /** Relative to the folder, forward slashes. */
  readonly path: string;
  /** The line, 1-based, whose symbol is meant. */
  readonly line?: number;
  /** 1-based, inclusive. */
  readonly startLine?: number;
  readonly endLine?: number;
}

/** A question of a client. */
export interface AskRequest {
  /** The client's number of this answer; its parts carry it. */
  readonly task: number;
  readonly text: string;
  readonly wants?: AnswerTask;
  /** Code that the question is about: it is the first of the sources. */
  readonly about?: readonly CodePlace[];
  /** Only code of these files and folders is looked for. */
  readonly within?: readonly CodePlace[];
  /** Text that is given along with the question, such as an error message. */
  readonly along?: string;
  /** Oldest first. */
  readonly history?: readonly Turn[];
  /** One of the providers of `cairn.answer.provider`, instead of the one that is set. */
  readonly provider?: string;
  /** Of that provider. */
  readonly model?: string;
  /** Asks a model although its answer to this may be kept. */
  readonly anew?: boolean;
  /** Leaves out providers on other machines that the user has not agreed to yet, instead of asking. */
  readonly onlyAgreed?: boolean;
}

/** Where a provider on another machine gets what is sent. */
export interface Destination {
  readonly provider: string;
  /** The origin of its address. */
  readonly address: string;
}

export type AskResult =
  | { readonly kind: "answered"; readonly record: AnswerRecord }
  /** Nothing was sent: the user has to agree to these first. */
  | { readonly kind: "consent"; readonly destinations: readonly Destination[] };

/** A key of a provider, from where the client keeps its secrets. */
export interface ProviderKey {
  readonly provider: string;
  /** Under this name it is taken out of every log. */
  readonly apiKey: string;
}
