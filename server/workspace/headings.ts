import type { SourceLines } from "./source-lines.ts";

/** A heading, from its first line (overline included) to the last line that belongs to it. */
export interface Heading {
  line: number;
  /** 1 for the highest. */
  level: number;
  title: string;
}

/** What prose looks like, line by line. */
export interface Prose {
  headings: Heading[];
  /** Title of the front matter, if there is one. */
  title: string;
  /** By line: 1 inside fenced code and front matter, where no cut should fall. */
  fenced: Uint8Array;
}

/** Headings of Markdown: `# ATX` and underlined, outside code fences and front matter. */
export function markdownProse(lines: SourceLines): Prose {
  const prose: Prose = { headings: [], title: "", fenced: new Uint8Array(lines.count + 2) };
  let fence = "";
  for (let line = skipFrontMatter(lines, prose); line <= lines.count; line++) {
    const text = lines.slice(line, line);
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(text);
    if (fence) {
      prose.fenced[line] = 1;
      if (mark?.[1].startsWith(fence) && mark[2].trim() === "") fence = "";
      continue;
    }
    if (mark && !(mark[1][0] === "`" && mark[2].includes("`"))) {
      fence = mark[1];
      continue;
    }
    const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(text);
    if (atx) {
      prose.headings.push({ line, level: atx[1].length, title: inlineText(atx[2] ?? "") });
    } else if (/^ {0,3}(?:=+|-{2,})[ \t]*$/.test(text) && line > 1 && isParagraph(lines.slice(line - 1, line - 1))) {
      if (prose.headings.at(-1)?.line === line - 1 || prose.fenced[line - 1]) continue;
      const level = text.trim().startsWith("=") ? 1 : 2;
      prose.headings.push({ line: line - 1, level, title: inlineText(lines.slice(line - 1, line - 1).trim()) });
    }
  }
  return prose;
}

/** Headings of reStructuredText: underlined, or over- and underlined, ranked in the order the styles first appear. */
export function restProse(lines: SourceLines): Prose {
  const headings: Heading[] = [];
  const styles: string[] = [];
  for (let line = 2; line <= lines.count; line++) {
    const rule = adornment(lines, line);
    const title = lines.slice(line - 1, line - 1);
    if (!rule || !/[\p{L}\p{N}]/u.test(title) || title.trimEnd().length > rule.length + 2) continue;
    const overlined = line > 2 && adornment(lines, line - 2) === rule;
    if (!overlined && (/^\s/.test(title) || (line > 2 && !lines.isBlank(line - 2)))) continue;
    const style = (overlined ? "over" : "under") + rule[0];
    if (!styles.includes(style)) styles.push(style);
    headings.push({
      line: overlined ? line - 2 : line - 1,
      level: styles.indexOf(style) + 1,
      title: title.trim().replaceAll("`", ""),
    });
  }
  return { headings, title: "", fenced: new Uint8Array(lines.count + 2) };
}

/** Headings of AsciiDoc: `== Title`, outside delimited blocks. */
export function asciidocProse(lines: SourceLines): Prose {
  const prose: Prose = { headings: [], title: "", fenced: new Uint8Array(lines.count + 2) };
  let block = "";
  for (let line = 1; line <= lines.count; line++) {
    const text = lines.slice(line, line).trimEnd();
    if (block) {
      prose.fenced[line] = 1;
      if (text === block) block = "";
    } else if (/^(?:-{4,}|\.{4,}|`{3,}|\+{4,}|\/{4,})$/.test(text)) {
      block = text;
    } else {
      const heading = /^(={1,6})\s+(\S.*)$/.exec(text);
      if (heading) prose.headings.push({ line, level: heading[1].length, title: inlineText(heading[2]) });
    }
  }
  return prose;
}

/** The first line after the front matter, whose title it keeps. */
function skipFrontMatter(lines: SourceLines, prose: Prose): number {
  const fence = lines.count > 1 ? lines.slice(1, 1).trimEnd() : "";
  if (fence !== "---" && fence !== "+++") return 1;
  for (let line = 2; line <= lines.count; line++) {
    const text = lines.slice(line, line).trimEnd();
    if (text === fence || (fence === "---" && text === "...")) {
      prose.fenced.fill(1, 2, line + 1);
      return line + 1;
    }
    const title = /^title\s*[:=]\s*(["']?)(.*)\1$/.exec(text);
    if (title) prose.title = title[2];
  }
  prose.title = "";
  return 1;
}

/** A line that an underline below makes a heading: no list item, quote, table row, heading or rule. */
function isParagraph(text: string): boolean {
  return /\S/.test(text) && !/^(?: {4}|\t| {0,3}(?:[-*+>|#]|\d+[.)] |`{3}|~{3}|=+\s*$))/.test(text);
}

function adornment(lines: SourceLines, line: number): string {
  const text = lines.slice(line, line).trimEnd();
  return /^([=\-~^"'`#*+:.<>_])\1{2,}$/.test(text) ? text : "";
}

/** A heading's words: the text of links, without emphasis, code marks and anchors. */
function inlineText(text: string): string {
  return text
    .replace(/!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, "$1")
    .replace(/<[^<>]*>|\{#[^}]*\}/g, "")
    .replace(/(\*\*|__|`)(.*?)\1/g, "$2")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200);
}
