import type { AnswerPart } from "./answer-types.ts";
import type { AskedQuestion, Attachment, Conversation, Exchange, ReplyEnd } from "./conversation.ts";
import type { PanelCommand, PanelState } from "./webview-messages.ts";

/** Something that can be attached, as completion offers it. */
export interface Offer {
  readonly attachment: Attachment;
  /** What stands beside its label: the folder of a file, the file of a symbol. */
  readonly detail: string;
}

/** Extension to chat. */
export type ToChat =
  | { type: "state"; state: PanelState }
  /** The conversation to show, instead of the one that is shown. */
  | { type: "conversation"; conversation: Conversation }
  /** A new exchange, or one that begins anew. */
  | { type: "exchange"; exchange: Exchange }
  | { type: "parts"; exchange: string; parts: readonly AnswerPart[] }
  | { type: "end"; exchange: string; end: ReplyEnd }
  /** Later exchanges are gone, because an earlier question was changed. */
  | { type: "cut"; after: string }
  /** One sentence about what the user just did. */
  | { type: "notice"; message: string }
  /** The user asked for the chat: put the cursor into the input, with this in it unless it is empty. */
  | { type: "focus"; text: string; attached: readonly Attachment[] }
  | { type: "offers"; query: string; offers: readonly Offer[] };

/** Chat to extension. */
export type FromChat =
  | { type: "ready" }
  /** Asks, or asks again what this exchange asked, with other words; what followed it is then gone. */
  | { type: "ask"; question: AskedQuestion; instead?: string }
  | { type: "stop" }
  | { type: "regenerate"; exchange: string; how: "same" | "other" }
  /** The user agrees that what was named is sent, or not. */
  | { type: "consent"; exchange: string; agreed: boolean }
  /** Opens a source of an exchange, at a line of it. */
  | { type: "open"; exchange: string; number: number; line: number }
  | { type: "copyReply"; exchange: string }
  | { type: "copy"; text: string }
  | { type: "insert"; text: string }
  /** Shows the code as a change of what the exchange was asked about. */
  | { type: "apply"; exchange: string; code: string }
  | { type: "setKey"; provider: string }
  | { type: "offer"; query: string }
  | { type: "command"; command: PanelCommand | "newConversation" | "showConversations" | "chooseLocalLlm" };
