import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { previewOf } from "../server/search/preview.ts";
import { parseQuery } from "../server/search/query.ts";
import { lineReaderOf } from "../server/search/shown-line.ts";

/** The preview as text: `line: text`, matches in brackets, `>` at the line to open. */
function preview(text: string, query: string, span = {}, path = "a.ts"): string[] {
  const lines = text.split(/\r?\n/).length;
  const { focusLine, preview } = previewOf(
    text,
    { startLine: 1, endLine: lines, name: "", ...span },
    parseQuery(query),
    lineReaderOf(path),
  );
  return preview.map(({ line, text, ranges }) => {
    let marked = text;
    for (const [start, end] of ranges.toReversed()) {
      marked = `${marked.slice(0, start)}[${marked.slice(start, end)}]${marked.slice(end)}`;
    }
    return `${line === focusLine ? ">" : " "}${line}: ${marked}`;
  });
}

describe("a preview", () => {
  it("opens the line with most of the query, and shows up to three", () => {
    const text = "// retries\nconst a = 1;\nfunction send(request) {\n  return retry(request);\n}\nretry();\n";
    assert.deepEqual(preview(text, "retry request"), [
      " 1: // [retries]",
      " 3: function send([request]) {",
      ">4:   return [retry]([request]);",
    ]);
  });

  it("shows a line of a notebook as the code it holds", () => {
    const cell = {
      cell_type: "code",
      source: ["import pandas\n", "\n", "def load(path):\n", '    return pandas.read_csv(path, sep="\\t")'],
    };
    const notebook = JSON.stringify({ cells: [cell, { source: ["one = load(1)"] }] }, null, 1);
    const at = notebook.split("\n").findIndex((line) => line.includes("import")) + 1;
    const shown = preview(notebook, "load read csv", { startLine: at, endLine: at + 3 }, "churn.ipynb");
    assert.deepEqual(shown, [
      ` ${at + 2}: def [load](path):`,
      `>${at + 3}:     return pandas.[read]_[csv](path, sep="\\t")`,
    ]);
    assert.deepEqual(preview('  "source": ["load(1)"],', "load", {}, "a.ipynb"), [">1: [load](1)"]);
    assert.deepEqual(preview('  "source": "load(1)",', "load", {}, "a.ipynb"), [">1: [load](1)"]);
    const unmarked = (line: string): string => line.replaceAll(/[[\]]/g, "");
    for (const line of ['  "source": "load(1)\\nrun()",', '  "name": "load",', '"load', '["load", 1],']) {
      assert.deepEqual(preview(line, "load", {}, "a.ipynb").map(unmarked), [unmarked(`>1: ${line}`)]);
    }
    assert.deepEqual(preview('  "load",', "load", {}, "a.json"), ['>1:   "[load]",']);
  });

  it("marks parts of identifiers", () => {
    assert.deepEqual(preview("let retryCount = getURLs();", "retry urls"), [">1: let [retry]Count = get[URLs]();"]);
    assert.deepEqual(preview("let retryCount = 1;", "retryCount"), [">1: let [retryCount] = 1;"]);
  });

  it("marks words that begin with what is being typed", () => {
    assert.deepEqual(preview("authenticate(user)", "auth"), [">1: [authenticate](user)"]);
  });

  it("opens the line that names the symbol", () => {
    const text = "/** Sends. */\n@decorated\nfunction send() {\n}\n";
    assert.deepEqual(preview(text, "transmission", { name: "send" }), [">3: function send() {"]);
  });

  it("keeps to the span", () => {
    assert.deepEqual(preview("retry\nretry\nretry\n", "retry", { startLine: 2, endLine: 2 }), [">2: [retry]"]);
  });

  it("survives a file that has become shorter", () => {
    assert.deepEqual(preview("retry", "retry", { startLine: 40, endLine: 90 }), [">1: [retry]"]);
    assert.deepEqual(preview("", "retry", { startLine: 40, endLine: 90 }), []);
  });

  it("shows a window of a long line, whole characters only", () => {
    const [shown] = preview(`${"😀".repeat(400)} retry ${"😀".repeat(400)}`, "retry");
    assert.match(shown, /^>1: …(?:😀)+ \[retry\] (?:😀)+…$/u);
    assert.ok(shown.length < 300);
  });

  it("leaves line ends out", () => {
    assert.deepEqual(preview("a\r\nretry\r\nb", "retry"), [">2: [retry]"]);
  });
});
