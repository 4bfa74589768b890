import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createChunker } from "../server/workspace/chunk-file.ts";

const fine = await createChunker({ sizes: { target: 120, small: 0, max: 400 } });
const chunker = await createChunker();
after(() => {
  fine.close();
  chunker.close();
});

/** Every section a chunk, as `first-last parents > heading`. */
function check(path: string, text: string, expected: readonly string[], using = fine): void {
  const { chunks } = using.chunk(path, text.replace(/^\n/, ""));
  const titles = chunks.map((c) =>
    `${c.startLine}-${c.endLine} ${[...c.parents, c.name].filter(Boolean).join(" > ")}`.trim(),
  );
  assert.deepEqual(titles, expected);
}

test("Markdown by heading, outside fences, with the headings above as parents", () => {
  check(
    "a.md",
    `
# Install

Words about **installing**.

\`\`\`sh
# not a heading
npm install
\`\`\`

## On \`Linux\` [too](https://example.org) ##

apt

~~~
## nor this
~~~

# Use
#hashtag

run
`,
    ["1-8 Install", "10-16 Install > On Linux too", "18-21 Use"],
  );
});

test("underlined headings, and rules that are none", () => {
  check(
    "a.md",
    `
Title
=====

text

Part
---

- item
---

text

---

| a | b |
|---|---|
`,
    ["1-4 Title", "6-17 Title > Part"],
  );
});

test("front matter names the text before the first heading", () => {
  check("a.md", '---\ntitle: "The guide"\ntags: [a]\n---\nIntro.\n\n# Start\n\ntext\n', ["1-5 The guide", "7-9 Start"]);
  check("a.md", "---\n\nNot front matter.\n", ["1-3"]);
});

test("long sections are split at paragraphs, every part with its heading", () => {
  const paragraph = "Some words that make a paragraph of a few lines,\nand one more line of it.";
  check("a.md", `# Long\n\n${paragraph}\n\n${paragraph}\n\n${paragraph}\n`, ["1-4 Long", "6-7 Long", "9-10 Long"]);
});

test("tiny sections join the heading above", () => {
  check("a.md", "# API\n\nWords.\n\n## open\n\nOpens.\n\n## close\n\nCloses.\n", ["1-11 API"], chunker);
});

test("reStructuredText by adornment, ranked in order of appearance", () => {
  check(
    "a.rst",
    `
=====
Title
=====

Intro.

Install
-------

Do it.

Linux
~~~~~

apt

Usage
-----

- a list
- no heading
`,
    ["1-5 Title", "7-10 Title > Install", "12-15 Title > Install > Linux", "17-21 Title > Usage"],
  );
});

test("AsciiDoc by heading, outside blocks", () => {
  check("a.adoc", "= Title\n\ntext\n\n----\n== no\n----\n\n== Part\n\nmore\n", ["1-7 Title", "9-11 Title > Part"]);
});
