import { parse, type ValueNode } from "@humanwhocodes/momoa";
import { type Language, languageById } from "./languages.ts";

export interface Notebook {
  /** The language of its code cells, when Cairn knows it. */
  language: Language | undefined;
  cells: NotebookCell[];
}

/** A cell's source; outputs and attachments are left out. */
export interface NotebookCell {
  kind: "code" | "markdown" | "raw";
  /** Each line of its source, and the line of the notebook's file (1-based) that holds it. */
  lines: { text: string; fileLine: number }[];
}

/** Reads a Jupyter notebook of format 3 or 4; undefined when the text is none, or no JSON. */
export function readNotebook(text: string): Notebook | undefined {
  let root: ValueNode;
  try {
    root = parse(text).body;
  } catch {
    // Broken JSON, or JSON nested deeper than the stack.
    return undefined;
  }
  const cells = elements(member(root, "cells") ?? member(elements(member(root, "worksheets"))[0], "cells"));
  if (cells.length === 0) return undefined;
  return { language: kernelLanguage(root), cells: cells.map(cellOf).filter(({ lines }) => lines.length > 0) };
}

function kernelLanguage(root: ValueNode): Language | undefined {
  const metadata = member(root, "metadata");
  const name =
    string(member(member(metadata, "language_info"), "name")) ||
    string(member(member(metadata, "kernelspec"), "language")) ||
    "python";
  const id = name.toLowerCase();
  return languageById(LANGUAGE_IDS[id] ?? id);
}

/** Kernels that name their language otherwise than Cairn does. */
const LANGUAGE_IDS: Readonly<Record<string, string>> = {
  "c++": "cpp",
  "c#": "csharp",
  "f#": "fsharp",
  ipython: "python",
  ir: "r",
  sh: "bash",
};

function cellOf(node: ValueNode): NotebookCell {
  const type = string(member(node, "cell_type"));
  const source = member(node, "source") ?? member(node, "input");
  const parts = source?.type === "Array" ? elements(source) : source ? [source] : [];
  const lines: NotebookCell["lines"] = [];
  let isOpen = false;
  for (const part of parts) {
    const fileLine = part.loc.start.line;
    for (const [i, text] of string(part).replaceAll("\r", "").split("\n").entries()) {
      if (i === 0 && isOpen) lines[lines.length - 1].text += text;
      else lines.push({ text, fileLine });
    }
    isOpen = true;
    // The break at a line's end opens the next one, whose text is the next element.
    if (lines.at(-1)?.text === "") {
      lines.pop();
      isOpen = false;
    }
  }
  return { kind: type === "code" || type === "markdown" ? type : "raw", lines };
}

function member(node: ValueNode | undefined, name: string): ValueNode | undefined {
  if (node?.type !== "Object") return undefined;
  return node.members.find((entry) => entry.name.type === "String" && entry.name.value === name)?.value;
}

function elements(node: ValueNode | undefined): ValueNode[] {
  return node?.type === "Array" ? node.elements.map((element) => element.value) : [];
}

function string(node: ValueNode | undefined): string {
  return node?.type === "String" ? node.value : "";
}
