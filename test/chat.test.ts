import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { Window } from "happy-dom";
import { lineNow } from "../extension/anchor-line.ts";
import { aloud, sentencesAfter } from "../media/chat-wording.ts";
import type { AnswerPart, AnswerRecord } from "../shared/answer-types.ts";
import { endInWords, footerInWords, whyInWords } from "../shared/answer-wording.ts";
import {
  type Conversation,
  conversationAsMarkdown,
  type Exchange,
  lineAsCited,
  mentions,
  NO_REPLY,
  replyAsMarkdown,
  titleOf,
  turnsBefore,
  withPart,
} from "../shared/conversation.ts";
import { followUps } from "../shared/follow-ups.ts";
import { inWords } from "../shared/phrase.ts";
import { asTyped, questionFrom } from "../shared/slash-commands.ts";
import { SOURCE } from "./cited-source.ts";

const PARTS: AnswerPart[] = [
  { type: "sources", provider: "cerebras", model: "small", sources: [SOURCE] },
  { type: "text", text: "It tries \ue000again\ue001" },
  { type: "citation", number: 1, line: 4, text: "export function retryRequest() {" },
  { type: "text", text: ".\n\nElephants are grey." },
  { type: "unsupported" },
  { type: "text", text: "\n" },
];

const RECORD: AnswerRecord = {
  provider: "cerebras",
  model: "small",
  finish: "complete",
  ownMs: 12.3,
  firstTokenMs: 35.4,
  totalMs: 1410,
  usage: { inputTokens: 3120, outputTokens: 210, cachedTokens: 0 },
  cost: 0.0031,
  sources: 8,
  citations: 1,
  removed: 2,
  unsupported: 1,
  attempts: [],
};

const REPLY = PARTS.reduce(withPart, NO_REPLY);

function exchange(text: string, changes: Partial<Exchange> = {}): Exchange {
  return { id: text, question: { text, attached: [] }, reply: REPLY, wished: "", ...changes };
}

function conversation(...exchanges: Exchange[]): Conversation {
  return { id: "1", name: "", changedAt: 0, exchanges };
}

const count = (number: number): string => number.toLocaleString("en");

describe("a reply", () => {
  it("is put together from its parts; marks that a model writes itself are taken out", () => {
    assert.equal(replyAsMarkdown(REPLY), "It tries again[src/retry.ts:4].\n\nElephants are grey. *(no source)*");
    assert.equal(lineAsCited(REPLY, 1, 4), "export function retryRequest() {");
    assert.equal(lineAsCited(REPLY, 1, 5), "");
  });

  it("begins anew when another provider answers", () => {
    const second = withPart(REPLY, { type: "sources", provider: "openai", model: "other", sources: [] });
    assert.deepEqual([second.text, second.provider, second.cited], ["", "openai", {}]);
  });

  it("of quoted passages is copied with their places, in a fence that none of them closes", () => {
    const lines = [{ line: 4, text: "const fence = '```';" }];
    const quoted = withPart(withPart(NO_REPLY, PARTS[0]), { type: "passage", passage: { number: 1, lines } });
    assert.equal(replyAsMarkdown(quoted), "src/retry.ts:4\n\n````typescript\nconst fence = '```';\n````");
  });
});

describe("a conversation", () => {
  it("is told to a model without the numbers of earlier sources, and without what was not answered", () => {
    const unanswered = exchange("and this?", { reply: NO_REPLY });
    const passage = { number: 1, lines: [{ line: 4, text: "export function retryRequest() {" }] };
    const quoted = exchange("where?", { reply: { ...NO_REPLY, sources: [SOURCE], passages: [passage] } });
    const all = conversation(exchange("how?"), unanswered, quoted, exchange("why?"));
    assert.deepEqual(turnsBefore(all, "why?"), [
      { question: "how?", answer: "It tries again.\n\nElephants are grey." },
      { question: "where?", answer: "src/retry.ts:4" },
    ]);
  });

  it("is called after its first question until it has a name", () => {
    const asked = conversation(exchange("how  does\nretry work?"));
    assert.equal(titleOf(asked), "how does retry work?");
    assert.equal(titleOf({ ...asked, name: "Retries" }), "Retries");
  });

  it("is found by words of its questions, answers and files", () => {
    const all = conversation(exchange("how does it work?"));
    assert.ok(mentions(all, "elephants retry.ts HOW"));
    assert.ok(!mentions(all, "elephants tigers"));
  });

  it("is exported as Markdown", () => {
    assert.equal(
      conversationAsMarkdown(conversation(exchange("how?"))),
      "# how?\n\n## how?\n\nIt tries again[src/retry.ts:4].\n\nElephants are grey. *(no source)*\n",
    );
  });
});

describe("what is typed", () => {
  it("may begin with a command, which has a usual question", () => {
    assert.deepEqual(questionFrom(" /explain why so? ", []), {
      text: "why so?",
      wants: "explain",
      quoteOnly: undefined,
      attached: [],
    });
    assert.equal(questionFrom("/review", [])?.text, "Is this code right?");
    assert.equal(questionFrom("/find retries", [])?.quoteOnly, true);
    assert.deepEqual(questionFrom("/usr/bin is what?", []), { text: "/usr/bin is what?", attached: [] });
    for (const nothing of ["", "  \n", "/find"]) assert.equal(questionFrom(nothing, []), undefined);
  });

  it("comes back as it was typed", () => {
    for (const typed of ["/explain why so?", "/find retries", "why?"]) {
      const question = questionFrom(typed, []);
      assert.equal(question && asTyped(question), typed);
    }
  });
});

describe("the wording of an answer", () => {
  it("says who answered, how fast, how much, and what did not hold", () => {
    assert.equal(
      inWords(footerInWords(RECORD, count)),
      "cerebras small · first word after 35 ms · 1,410 ms in all · 12 ms of them ours · 3,120 + 210 tokens · $0.0031 · " +
        "8 sources · 2 citations did not hold and were removed",
    );
    const quoted = { ...RECORD, provider: "extractive", model: "", usage: undefined, cost: undefined, removed: 0 };
    assert.equal(inWords(footerInWords({ ...quoted, sources: 1 }, count)), "no model · 1,410 ms in all · 1 passage");
    const kept = { ...RECORD, cost: 0, usage: undefined, removed: 0, keptFrom: "2026-11-05T10:01:02.000Z" };
    assert.equal(
      inWords(footerInWords(kept, count)),
      "cerebras small · kept answer of 2026-11-05 10:01 UTC · 1,410 ms in all · $0.0000 · 8 sources",
    );
    const free = { ...RECORD, cost: undefined, removed: 0 };
    assert.match(inWords(footerInWords(free, count)), /price not known · 8 sources$/);
    const usage = { inputTokens: 700, cachedTokens: 0, outputTokens: 50 };
    const timing = { queueMs: 0, promptMs: 400, completionMs: 1_000, totalMs: 1_400 };
    const own = { ...free, provider: "llama", usage, timing, device: "CPU" };
    assert.match(inWords(footerInWords(own, count)), /700 \+ 50 tokens · 50\.0 tokens\/s on CPU · 8 sources$/);
  });

  it("says why it was this one who answered", () => {
    const why = (record: Partial<AnswerRecord>, changes: Partial<Exchange> = {}) =>
      inWords(whyInWords({ ...RECORD, ...record }, exchange("how?", changes)));
    const attempts = [{ provider: "cerebras", failure: "timeout", message: "", hint: "" }] as const;
    assert.equal(why({}), "Asked because it is the provider that is set.");
    assert.equal(why({}, { wished: "ollama" }), "Asked because you chose it for this question.");
    assert.equal(why({ provider: "ollama", attempts }), "Asked because cerebras did not answer.");
    assert.equal(why({ provider: "extractive", attempts }), "Quoted because cerebras did not answer.");
    assert.match(why({ provider: "extractive" }), /no provider is set; nothing was sent/);
    assert.match(why({ provider: "extractive" }, { wished: "none" }), /as you asked; nothing was sent/);
  });

  it("says how it ended, and what to do next", () => {
    const ended = (finish: AnswerRecord["finish"]) => {
      const { text, next } = endInWords({ ...REPLY, end: { kind: "answered", record: { ...RECORD, finish } } });
      return `${inWords(text)} ${inWords(next)}`.trim();
    };
    assert.equal(ended("complete"), "");
    assert.match(ended("nothing"), /^Nothing was found .* Other words/);
    assert.match(ended("interrupted"), /breaks off here\. Regenerate/);
    assert.match(ended("length"), /maxOutputTokens/);
  });
});

describe("what is suggested to be asked next", () => {
  const ended = { kind: "answered", record: RECORD } as const;
  const source = (number: number, symbol: string, path = "src/retry.ts", language = "typescript") => ({
    ...SOURCE,
    number,
    symbol,
    path,
    language,
  });
  /** After an answer that cites these sources, in this order. */
  function suggested(sources: (typeof SOURCE)[], question = "how?", asked: string[] = []): string[] {
    const cited = sources.map(({ number }): AnswerPart => ({ type: "citation", number, line: 4, text: "" }));
    const reply = cited.reduce(withPart, { ...NO_REPLY, sources, end: ended });
    return followUps(exchange(question, { reply }), asked);
  }

  it("comes from the names that the answer cites, the one cited most first", () => {
    assert.deepEqual(suggested([source(1, "backoff"), source(2, "Client › retryRequest"), source(2, "")]), [
      "Where is `retryRequest` called?",
      "How does `backoff` work?",
      "Which tests cover `retryRequest`?",
    ]);
    assert.equal(suggested([source(1, "Client")])[0], "Where is `Client` used?");
  });

  it("leaves out what was asked before, or what the answer shows already", () => {
    const [first] = suggested([source(1, "retryRequest")]);
    assert.ok(!suggested([source(1, "retryRequest")], "why?", [first.toUpperCase()]).includes(first));
    assert.ok(
      !suggested([source(1, "retryRequest"), source(2, "backoff")], "and backoff?")
        .join()
        .includes("How does"),
    );
    const tests = source(2, "", "test/retry.test.ts");
    assert.ok(
      !suggested([source(1, "retryRequest"), tests])
        .join()
        .includes("Which tests"),
    );
  });

  it("comes from quoted passages as well", () => {
    const passage = { number: 1, lines: [{ line: 4, text: "" }] };
    const reply = { ...NO_REPLY, sources: [SOURCE], passages: [passage], end: ended };
    assert.equal(followUps(exchange("how?", { reply }))[0], "Where is `retryRequest` called?");
  });

  it("is nothing without a name, and while the answer comes", () => {
    assert.deepEqual(suggested([source(1, "Getting started"), source(2, "Usage", "README.md", "markdown")]), []);
    assert.deepEqual(followUps(exchange("how?")), []);
  });
});

test("a screen reader is given finished sentences, each once, without marks", () => {
  const text = "It **tries** again \ue0001:4\ue001. Then e";
  const first = sentencesAfter(text, 0, false);
  assert.equal(aloud(first), "It tries again .");
  const more = `${text}nds.`;
  assert.equal(sentencesAfter(more, first.length, false), "");
  assert.equal(aloud(sentencesAfter(more, first.length, true)), "Then ends.");
});

test("a cited line is found again where it stands now", () => {
  const lines = ["a", "", "  b()", "c"];
  assert.equal(lineNow(lines, 3, "b()"), 3);
  assert.equal(lineNow(lines, 1, "b()"), 3);
  assert.equal(lineNow(lines, 9, "b()"), 3, "the file was cut");
  assert.equal(lineNow(lines, 9, "gone"), 4);
  assert.equal(lineNow(lines, 2, ""), 2);
});

/** What draws Markdown, in a page of its own. */
async function page() {
  const window = new Window();
  window.document.body.innerHTML = '<script type="application/json" id="translation">{}</script>';
  Object.assign(globalThis, { window, document: window.document });
  return await import("../media/markdown.ts");
}

test("Markdown becomes elements while it streams, and what a model writes never becomes markup", async () => {
  const { StreamedMarkdown } = await page();
  const cited: number[][] = [];
  const markdown = new StreamedMarkdown(
    { cite: (...place) => cited.push(place), copy: () => {}, insert: () => {} },
    (number, line) => `file${number}:${line}`,
  );
  const whole = [
    "# Title\n\nOne **two** `a < b` \ue0001:4\ue001.\ue002\n\n",
    "- item [web](https://example.org) [run](command:quit)\n- <b onclick=x>bold</b> ![pixel](https://example.org/p.png)\n\n",
    "| a | b |\n| - | - |\n| 1 | 2 |\n\n```ts\nconst a = '<script>';\n```\n\nend & more",
  ].join("");
  for (let length = 0; length <= whole.length; length += 3) markdown.show(whole.slice(0, length));
  markdown.show(whole);
  const { element } = markdown;
  const streamed = element.innerHTML;
  const selectors = ["h3", "strong", ":not(pre) > code", ".citation", ".unsupported", "li", "td", "pre .hljs-keyword"];
  assert.deepEqual(
    selectors.map((selector) => element.querySelectorAll(selector).length),
    [1, 1, 1, 1, 1, 2, 2, 1],
  );
  assert.deepEqual(
    [...element.querySelectorAll("a")].map((link) => link.getAttribute("href")),
    ["https://example.org"],
  );
  assert.equal(element.querySelectorAll("img, b, script").length, 0);
  assert.match(element.textContent ?? "", /<b onclick=x>bold<\/b> pixel[\s\S]*const a = '<script>';[\s\S]*end & more/);
  element.querySelector<HTMLButtonElement>(".citation")?.click();
  assert.deepEqual(cited, [[1, 4]]);

  const once = new StreamedMarkdown(
    { cite: () => {}, copy: () => {}, insert: () => {} },
    (number, line) => `file${number}:${line}`,
  );
  once.show(whole);
  assert.equal(once.element.innerHTML, streamed, "it is the same as if it had come at once");
});

test("a long block of code grows where it stands, and is coloured as a whole in the end", async () => {
  const { StreamedMarkdown } = await page();
  const copied: string[] = [];
  const events = { cite: () => {}, copy: (code: string) => void copied.push(code), insert: () => {} };
  const markdown = new StreamedMarkdown(events, () => "");
  const lines = Array.from({ length: 200 }, (_, i) => `const value${i} = ${i}; // "${i}"`);
  const text = (count: number) => `Here:\n\n\`\`\`ts\n${lines.slice(0, count).join("\n")}`;
  const shown = () => markdown.element.querySelector("pre")?.textContent;
  const keywords = () => markdown.element.querySelectorAll(".hljs-keyword").length;
  markdown.show(text(1));
  const block = markdown.element.querySelector("pre");
  for (let count = 2; count <= lines.length; count++) {
    markdown.show(text(count));
    assert.equal(shown(), lines.slice(0, count).join("\n"));
  }
  assert.equal(markdown.element.querySelector("pre"), block, "it can be scrolled meanwhile");
  assert.ok(keywords() > lines.length / 2, "what came first is coloured already");
  markdown.show(`${text(lines.length)}\n\`\`\``);
  assert.equal(keywords(), lines.length);
  markdown.show(`${text(lines.length)}\n\`\`\`\n\nThat is all.`, true);
  assert.equal(markdown.element.querySelector("pre"), block);
  markdown.element.querySelector<HTMLButtonElement>(".code-bar button")?.click();
  assert.deepEqual(copied, [lines.join("\n")]);

  const cut = new StreamedMarkdown(events, () => "");
  cut.show(text(lines.length), true);
  assert.equal(cut.element.querySelectorAll(".hljs-keyword").length, lines.length, "also when it has no end");
});
