import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { Window } from "happy-dom";
import { pageHtml } from "../extension/page-html.ts";
import type { Translation } from "../shared/phrase.ts";
import type { IndexPhase } from "../shared/search-types.ts";
import type { FromPanel, PanelHit, PanelState, ToPanel } from "../shared/webview-messages.ts";

const root = dirname(import.meta.dirname);
const script = await build({
  entryPoints: [join(root, "media/search-view.ts")],
  bundle: true,
  write: false,
  format: "iife",
});
const texts = Object.keys(JSON.parse(readFileSync(join(root, "l10n/bundle.l10n.json"), "utf8")));
/** A language in which every text stands between brackets. */
const bracketed = Object.fromEntries(texts.map((text) => [text, `⟦${text}⟧`]));

/** The page as the view loads it, in a document without an editor around it. */
function openPage(translation?: Translation) {
  const window = new Window();
  const html = pageHtml({ style: "", script: "", source: "", language: "de", translation });
  window.document.write(html.replace(/<link[^>]*>|<script type="module"[^>]*><\/script>/g, ""));
  const said: FromPanel[] = [];
  const api = { postMessage: (message: FromPanel) => said.push(message), getState: () => undefined, setState() {} };
  new Function("window", "document", "acquireVsCodeApi", script.outputFiles[0].text)(
    window,
    window.document,
    () => api,
  );
  const tell = (message: ToPanel): void =>
    void window.dispatchEvent(new window.MessageEvent("message", { data: message }));
  const answer = (hits: PanelHit[], complete = true): void => {
    const id = said.reduce((newest, message) => (message.type === "search" ? message.id : newest), 0);
    tell({ type: "results", id, hits, complete, tookMs: 1.25 });
  };
  return { document: window.document, tell, answer };
}

function open(phase: IndexPhase, changes: object = {}): PanelState {
  return {
    kind: "open",
    index: { phase, files: 9, chunks: 9, changes: 1, done: 2000, total: 3000, message: "", ...changes },
  };
}

function hit(path: string, changes: Partial<PanelHit> = {}): PanelHit {
  const place = { path, startLine: 1, endLine: 4, focusLine: 2, rootUri: "file:///1", rootName: "" };
  const found = { score: 1, language: "", kind: "function" as const, name: "", parents: [], reason: "", indexed: true };
  return { ...place, ...found, preview: [], ...changes };
}

/** Everything of the page that a person reads or hears. */
function readAloud({ document }: ReturnType<typeof openPage>): string[] {
  const attributes = ["aria-label", "placeholder", "title"];
  const elements = [...document.body.querySelectorAll("*")].filter(({ tagName }) => tagName !== "SCRIPT");
  return elements
    .flatMap((element) => [
      ...[...element.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ textContent }) => textContent),
      ...attributes.map((name) => element.getAttribute(name) ?? ""),
    ])
    .filter((text) => text !== "" && !IN_EVERY_LANGUAGE.includes(text));
}

const EXAMPLES = ["where are errors turned into messages?", "parse the command line", "how is the cache cleared?"];
/** What is searched for, as it is written. */
const IN_EVERY_LANGUAGE = [...EXAMPLES, "path: 1"];

/** What is left of a text without what a translation gave. */
function untranslated(text: string): string {
  let rest = text;
  for (let before = ""; before !== rest; ) {
    before = rest;
    rest = rest.replace(/⟦[^⟦⟧]*⟧/g, "");
  }
  return rest.replace(/\P{L}/gu, "");
}

test("the page is in English without a translation", () => {
  const page = openPage();
  page.tell({ type: "state", state: open("ready") });
  page.tell({ type: "focus", query: "retries" });
  page.answer([hit("a.ts"), hit("a.ts", { startLine: 9 }), hit("b.ts")]);
  assert.equal(page.document.documentElement.lang, "en");
  assert.equal(page.document.querySelector(".summary")?.textContent, "3 results in 2 files");
  page.answer([hit("a.ts")]);
  assert.equal(page.document.querySelector(".summary")?.textContent, "1 result in 1 file");
  page.answer([]);
  assert.match(readAloud(page).join("\n"), /Nothing found for “retries”\./);
  page.tell({ type: "state", state: open("paused") });
  assert.match(readAloud(page).join("\n"), /Indexing is paused\. 2,000 of 3,000 files indexed;/);
});

test("numbers are written as the language of the page writes them", () => {
  const page = openPage({ "{0} of {1} files indexed; the rest is searched by text.": "{1} Dateien, {0} fertig." });
  page.tell({ type: "state", state: open("indexing") });
  assert.match(readAloud(page).join("\n"), /3\.000 Dateien, 2\.000 fertig\./);
});

test("nothing in a translation ends the script that carries it", () => {
  const page = openPage({ "Starting…": "</script><b>Start</b>" });
  page.tell({ type: "state", state: { kind: "starting" } });
  assert.equal(page.document.querySelector(".progress .dim")?.textContent, "</script><b>Start</b>");
});

test("every state of the page is in the language of the editor", () => {
  const states: PanelState[] = [
    { kind: "starting" },
    { kind: "no-folder" },
    { kind: "untrusted" },
    { kind: "unsupported", message: "1" },
    { kind: "crashed", message: "1" },
    ...(["opening", "scanning", "indexing", "paused", "failed", "closed", "ready"] as const).map((phase) =>
      open(phase, { message: "1" }),
    ),
    open("failed", { chunks: 0 }),
    open("closed"),
    open("ready", { files: 0 }),
  ];
  for (const state of states) {
    const page = openPage(bracketed);
    page.tell({ type: "state", state });
    const shown = readAloud(page);
    assert.ok(shown.length > 2);
    assert.deepEqual(shown.map(untranslated).filter(Boolean), [], JSON.stringify(state));
  }
});

test("every answer on the page is in the language of the editor", () => {
  const page = openPage(bracketed);
  const check = (): void => assert.deepEqual(readAloud(page).map(untranslated).filter(Boolean), []);
  page.tell({ type: "state", state: open("ready") });
  page.tell({ type: "focus", query: "1" });
  page.answer([
    hit("1/2", { reason: "⟦3⟧", preview: [{ line: 2, text: "4 + 4", ranges: [[0, 1]] }] }),
    hit("1/2", { startLine: 4, name: "5", kind: "interface" }),
    hit("6"),
  ]);
  assert.match(readAloud(page).join("\n"), /⟦interface⟧/);
  check();
  page.answer([]);
  check();
  page.answer([], false);
  check();
  page.tell({ type: "addFilter", filter: { type: "path", value: "1" } });
  page.answer([]);
  assert.match(readAloud(page).join("\n"), /with these filters/);
  check();
  const code = { rootUri: undefined, path: "1/2", startLine: 3, endLine: 4, text: "4", name: "5" };
  page.tell({ type: "similar", code });
  page.answer([]);
  assert.match(readAloud(page).join("\n"), /⟦Similar to 5 \(2:3\)⟧/);
  check();
});
