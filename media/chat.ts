/// <reference lib="dom" />
import type { FromChat, ToChat } from "../shared/chat-messages.ts";
import type { AskedQuestion, Conversation, Exchange } from "../shared/conversation.ts";
import type { PanelState } from "../shared/webview-messages.ts";
import { aloud, sentencesAfter } from "./chat-wording.ts";
import { Composer, type Draft } from "./composer.ts";
import { button, element } from "./dom.ts";
import { type ExchangeEvents, ExchangeView } from "./exchange-view.ts";
import { l10n } from "./l10n.ts";
import { obstacle } from "./placeholders.ts";

declare function acquireVsCodeApi(): {
  postMessage(message: FromChat): void;
  getState(): Draft | undefined;
  setState(state: Draft): void;
};

/** In English in every language: the model that searches reads no other. */
const EXAMPLES = [
  "What is this code base about, and where does it start?",
  "Where are errors handled?",
  "/find parse the command line",
];

const vscode = acquireVsCodeApi();
const send = (message: FromChat): void => vscode.postMessage(message);

const views = new Map<string, ExchangeView>();
let state: PanelState = { kind: "starting" };
/** The exchange whose question is being changed. */
let editing: string | undefined;
/** Of the answer that comes: how much of it a screen reader was given. */
let spoken = { exchange: "", length: 0 };

const composer = new Composer({
  ask: (question) => ask(question),
  stop: () => send({ type: "stop" }),
  offer: (query) => send({ type: "offer", query }),
  change: () => vscode.setState(composer.draft),
});
const events: ExchangeEvents = {
  open: (exchange, number, line) => send({ type: "open", exchange, number, line }),
  edit: ({ id, question }) => {
    composer.edit(question);
    setEditing(id);
  },
  regenerate: (exchange, how) => send({ type: "regenerate", exchange, how }),
  consent: (exchange, agreed) => send({ type: "consent", exchange, agreed }),
  copyReply: (exchange) => send({ type: "copyReply", exchange }),
  copy: (text) => send({ type: "copy", text }),
  insert: (text) => send({ type: "insert", text }),
  apply: (exchange, code) => send({ type: "apply", exchange, code }),
  setKey: (provider) => send({ type: "setKey", provider }),
  chooseLocalLlm: () => send({ type: "command", command: "chooseLocalLlm" }),
  ask: (text) => ask({ text, attached: [] }),
  asked: () => [...views.values()].map(({ exchange }) => exchange.question.text),
};

const exchanges = element("div", "exchanges");
const placeholder = element("div", "");
const main = element(
  "main",
  "conversation",
  { tabindex: "-1", "aria-label": l10n.t("Conversation") },
  placeholder,
  exchanges,
);
const announcer = element("div", "aloud", { role: "status", "aria-live": "polite" });
const notice = element("div", "notice dim", { role: "status", "aria-live": "polite" });
const editingNote = element("div", "editing dim");
document.body.append(main, announcer, element("div", "bottom", {}, notice, editingNote, composer.element));

window.addEventListener("message", ({ data }: MessageEvent<ToChat>) => receive(data));
composer.draft = vscode.getState() ?? { text: "", attached: [] };
setEditing(undefined);
showState();
send({ type: "ready" });

function receive(message: ToChat): void {
  switch (message.type) {
    case "state":
      state = message.state;
      showState();
      break;
    case "conversation":
      showConversation(message.conversation);
      break;
    case "exchange":
      showExchange(message.exchange);
      break;
    case "parts":
      change(message.exchange, (view) => view.take(message.parts));
      break;
    case "end":
      change(message.exchange, (view) => view.end(message.end));
      showState();
      break;
    case "cut":
      cutAfter(message.after);
      break;
    case "notice":
      notice.textContent = message.message;
      break;
    case "focus": {
      const { text, attached } = message;
      if (text || attached.length > 0) composer.draft = { text: text || composer.draft.text, attached };
      composer.focus();
      break;
    }
    case "offers":
      composer.showOffers(message.query, message.offers);
  }
}

/** Changes an exchange; a reader who is at the end stays at the end. */
function change(exchange: string, make: (view: ExchangeView) => void): void {
  const view = views.get(exchange);
  if (!view) return;
  const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 40;
  make(view);
  if (atEnd) requestAnimationFrame(() => requestAnimationFrame(() => main.scrollTo(0, main.scrollHeight)));
  announce(view.exchange);
}

function ask(question: AskedQuestion): void {
  notice.textContent = "";
  send({ type: "ask", question, instead: editing });
  setEditing(undefined);
}

function setEditing(exchange: string | undefined): void {
  editing = exchange;
  const cancel = button(
    l10n.t("Cancel"),
    () => {
      setEditing(undefined);
      composer.draft = { text: "", attached: [] };
      composer.focus();
    },
    "link",
  );
  const words = element(
    "span",
    "",
    {},
    l10n.t("Asked again, this question takes the place of the earlier one and of what followed."),
  );
  editingNote.replaceChildren(...(exchange === undefined ? [] : [words, cancel]));
  editingNote.hidden = exchange === undefined;
}

function showConversation(conversation: Conversation): void {
  views.clear();
  setEditing(undefined);
  for (const exchange of conversation.exchanges) views.set(exchange.id, new ExchangeView(exchange, events));
  exchanges.replaceChildren(...[...views.values()].map((view) => view.element));
  const last = conversation.exchanges.at(-1);
  // What was there before is not news.
  spoken = { exchange: last?.id ?? "", length: last?.reply.text.length ?? 0 };
  showState();
  main.scrollTop = main.scrollHeight;
}

function showExchange(exchange: Exchange): void {
  const view = new ExchangeView(exchange, events);
  const before = views.get(exchange.id);
  views.set(exchange.id, view);
  if (before) before.element.replaceWith(view.element);
  else exchanges.append(view.element);
  spoken = { exchange: exchange.id, length: 0 };
  showState();
  view.element.scrollIntoView({ block: "start" });
}

function cutAfter(id: string): void {
  const kept = [...views.keys()].slice(0, [...views.keys()].indexOf(id) + 1);
  for (const [key, view] of views) {
    if (kept.includes(key)) continue;
    view.element.remove();
    views.delete(key);
  }
}

function showState(): void {
  const blocked = obstacle(state, {
    command: (command) => send({ type: "command", command }),
    ask: () => {},
    retry: () => {},
  });
  const last = [...views.values()].at(-1)?.exchange;
  const usable = !blocked && state.kind === "open";
  composer.setState(
    [...views.values()].some(({ exchange }) => !exchange.reply.end),
    usable,
  );
  placeholder.replaceChildren(...(blocked ? [blocked] : last ? [] : [welcome()]));
}

/** Before the first question: what can be asked, and what it means. */
function welcome(): HTMLElement {
  const examples = EXAMPLES.map((text) => {
    const example = button(
      text,
      () => {
        composer.draft = { text, attached: [] };
        composer.focus();
      },
      "link example",
    );
    return element("li", "", {}, example);
  });
  const history = button(
    l10n.t("Earlier conversations"),
    () => send({ type: "command", command: "showConversations" }),
    "link",
  );
  return element(
    "div",
    "placeholder",
    {},
    element("p", "", {}, l10n.t("Ask how something works. The answer cites the lines that show it.")),
    element("ul", "examples", { "aria-label": l10n.t("Examples") }, ...examples),
    element(
      "p",
      "dim",
      {},
      l10n.t(
        "Without a provider the passages that say most are quoted, and nothing leaves this machine. The setting cairn.answer.provider chooses a language model.",
      ),
    ),
    history,
  );
}

/** Gives a screen reader the sentences that are finished, each once. */
function announce({ id, reply }: Exchange): void {
  if (spoken.exchange !== id) spoken = { exchange: id, length: 0 };
  const said = sentencesAfter(reply.text, spoken.length, reply.end !== undefined);
  spoken = { exchange: id, length: spoken.length + said.length };
  const words = aloud(said);
  if (words) announcer.textContent = words;
  if (reply.end?.kind === "answered" && !reply.text)
    announcer.textContent = l10n.t("{0} passages", reply.passages.length);
}
