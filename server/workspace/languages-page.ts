import { DECLARATION_PATTERNS } from "./declaration-patterns.ts";
import { GRAMMAR_PACKAGES } from "./grammar-packages.ts";
import { LANGUAGES, type Language } from "./languages.ts";

/** The text of docs/languages.md, generated from the tables of languages, patterns and grammar packages. */
export function languagesPage(): string {
  const rows = LANGUAGES.toSorted((a, b) => a.name.localeCompare(b.name, "en")).map((language) => {
    const names = [...language.extensions.map((extension) => `.${extension}`), ...(language.files ?? [])];
    return `| ${language.name} | \`${language.id}\` | ${wayOfCutting(language)} | ${names.map((name) => `\`${name}\``).join(" ")} |`;
  });
  const packages = GRAMMAR_PACKAGES.map(({ name, licence, grammars, authors }) => {
    const works = grammars.map((grammar) => (authors?.[grammar] ? `${grammar} (MIT)` : grammar)).join(", ");
    return `| ${name} | ${licence} | ${works} |`;
  });
  return `${INTRODUCTION}
| Language | Id | Cut by | Files |
| --- | --- | --- | --- |
${rows.join("\n")}

## Grammars

| Package | Licence | Grammars |
| --- | --- | --- |
${packages.join("\n")}
`;
}

const INTRODUCTION = `# Languages

How Cairn cuts files into what it finds.

- **syntax**: parsed with a grammar; results are functions, classes and the like, with their comments and parents. When
  the parser fails on a file, that file is cut by line patterns or windows.
- **script by syntax**: the \`<script>\` blocks of a component are parsed as JavaScript or TypeScript.
- **cells**: notebooks are cut between cells, Markdown at headings and code by the language of the kernel; outputs and
  attachments are left out.
- **headings**: prose, cut at its headings.
- **line patterns**: declarations are recognised by the look of their first line and by indentation.
- **windows**: overlapping runs of lines. All other text files are read so, too.
`;

function wayOfCutting(language: Language): string {
  if (language.grammar) return "syntax";
  if (SPECIAL[language.id]) return SPECIAL[language.id];
  return DECLARATION_PATTERNS[language.id] ? "line patterns" : "windows";
}

const SPECIAL: Readonly<Record<string, string>> = {
  vue: "script by syntax",
  svelte: "script by syntax",
  notebook: "cells",
  markdown: "headings",
  restructuredtext: "headings",
  asciidoc: "headings",
};
