import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { marked, type Token } from "marked";
import { type ReplyLinks, replyAsTrustedMarkdown, type WrittenReply } from "../extension/reply-markdown.ts";
import type { AnswerPart, AnswerRecord } from "../shared/answer-types.ts";
import { NO_REPLY, type ReplyEnd, withPart } from "../shared/conversation.ts";
import { inWords } from "../shared/phrase.ts";
import { SOURCE } from "./cited-source.ts";

const SOURCES: AnswerPart = { type: "sources", provider: "cerebras", model: "small", sources: [SOURCE] };
const RECORD: AnswerRecord = {
  provider: "cerebras",
  model: "small",
  finish: "complete",
  ownMs: 12,
  totalMs: 1410,
  sources: 1,
  citations: 1,
  removed: 0,
  unsupported: 0,
  attempts: [],
};
const STOPPED: ReplyEnd = { kind: "stopped" };

const LINKS: ReplyLinks = {
  open: (number, line) => `command:open?${number},${line}`,
  apply: (code) => `command:apply?${code}`,
  setKey: (provider) => `command:key?${provider}`,
  chooseLocalLlm: () => "command:llm",
};

/** An answer of these parts, written for the editor. */
function written(parts: readonly AnswerPart[], end: ReplyEnd | "awaited" = STOPPED, links = LINKS): WrittenReply {
  const reply = { ...parts.reduce(withPart, NO_REPLY), end: end === "awaited" ? undefined : end };
  const exchange = { id: "1", question: { text: "how?", attached: [] }, reply, wished: "" };
  return replyAsTrustedMarkdown(exchange, links, (said) => inWords(said));
}

/** What a model wrote, as the editor gets it, without what Cairn says below it. */
function rewritten(text: string): string {
  return written([SOURCES, { type: "text", text }], STOPPED, { ...LINKS, apply: () => undefined }).markdown.replace(
    /\n*\*Stopped\\\.\*$/,
    "",
  );
}

function tokensOf(markdown: string): Token[] {
  const found: Token[] = [];
  marked.walkTokens(marked.lexer(markdown), (token) => void found.push(token));
  return found;
}

describe("an answer in the editor", () => {
  it("names its citations as links that open them, marks what has none, and says who answered", () => {
    const parts: AnswerPart[] = [
      SOURCES,
      { type: "text", text: "It tries again" },
      { type: "citation", number: 1, line: 4, text: "export function retryRequest() {" },
      { type: "text", text: ".\n\nElephants are grey." },
      { type: "unsupported" },
    ];
    assert.equal(
      written(parts, { kind: "answered", record: RECORD }).markdown,
      [
        'It tries again [retry\\.ts\\:4](command:open?1,4 "src\\/retry\\.ts\\:4")\\.',
        "Elephants are grey\\. *\\(no source\\)*",
        "*cerebras small · 1\\,410 ms in all · 12 ms of them ours · 1 source*",
        "*Asked because it is the provider that is set\\.*",
      ].join("\n\n"),
    );
  });

  it("has a link below each piece of code that shows it as a change", () => {
    const { markdown, code } = written([
      SOURCES,
      { type: "text", text: "```ts\na[0](b);\n```\n\n- so:\n\n  ```\n  c\n  ```" },
    ]);
    assert.deepEqual(code, ["a[0](b);", "c"]);
    assert.match(markdown, /^```ts\na\[0\]\(b\);\n```\n\n\[Show as Change\]\(command:apply\?0\)/);
    assert.match(markdown, /\n {2}\[Show as Change\]\(command:apply\?1\)/);
  });

  it("of quoted passages names their places", () => {
    const lines = [{ line: 4, text: "const fence = '```';" }];
    const { markdown } = written([SOURCES, { type: "passage", passage: { number: 1, lines } }]);
    assert.match(markdown, /^Quoted from the code/);
    assert.ok(markdown.includes('[retry\\.ts\\:4](command:open?1,4 "src\\/retry\\.ts\\:4")\n\n````typescript\nconst'));
  });

  it("offers the command that mends a missing key", () => {
    const attempt = { provider: "cerebras", failure: "no-key", message: "There is no key.", hint: "Set one." } as const;
    assert.match(
      written([{ type: "failed", attempt }]).markdown,
      /^There is no key\\\. Set one\\\. \[Set API Key\]\(command:key\?cerebras\)/,
    );
  });

  it("says that it is still awaited", () => {
    assert.equal(written([], "awaited").markdown, "*Looking for what answers this…*");
    assert.match(written([SOURCES, { type: "text", text: "It" }], "awaited").markdown, /^It\n\n\*Answering…\*$/);
  });
});

describe("what a model writes", () => {
  for (const [kind, text, shown] of [
    ["a link that runs a command", "[run](command:workbench.action.quit)", "run"],
    ["a link by reference", "[run][1]\n\n[1]: command:quit", "run"],
    ["an address", "see https://example.org/?secret", "see https\\:\\/\\/example\\.org\\/\\?secret"],
    ["an address in brackets", "<https://example.org>", "https\\:\\/\\/example\\.org"],
    ["an image", "![pixel](http://127.0.0.1:1/y.png)", "pixel"],
    [
      "an image of HTML",
      '<img src="http://127.0.0.1/x.png">',
      '\\<img src\\=\\"http\\:\\/\\/127\\.0\\.0\\.1\\/x\\.png\\"\\>',
    ],
    ["a link behind an escape", "\\[a](command:b)", "\\[a\\]\\(command\\:b\\)"],
    ["an image in a link in bold", "**[![p](http://h/p)](command:q)**", "**p**"],
  ] as const) {
    it(`is text: ${kind}`, () => {
      const markdown = rewritten(text);
      assert.equal(markdown, shown);
      const active = tokensOf(markdown).filter(({ type }) => ["link", "image", "html", "def"].includes(type));
      assert.deepEqual(active, []);
    });
  }

  it("keeps its form: headings, lists, tables, quotations and code", () => {
    const text = [
      "# A *b*",
      "",
      "1. one `x[0]`",
      "2. two",
      "   - in two",
      "",
      "> quoted  ",
      "> twice",
      "",
      "| a | b |",
      "|---|---|",
      "| `c|d` | **e** |",
      "",
      "```c++\n[x](y)\n```",
    ].join("\n");
    const kinds = (markdown: string): string[] => tokensOf(markdown).map(({ type }) => type);
    const wanted = kinds(text).filter((type) => !["space", "escape"].includes(type));
    const found = kinds(rewritten(text)).filter((type) => !["space", "escape"].includes(type));
    assert.deepEqual(found, wanted);
    assert.match(rewritten(text), /```c\+\+\n\[x\]\(y\)\n```/);
  });

  it("cannot leave its code span or its fence", () => {
    assert.equal(rewritten("``a`b``"), "``a`b``");
    assert.equal(rewritten("~~~\n```\n[x](command:y)\n~~~"), "````\n```\n[x](command:y)\n````");
  });
});
