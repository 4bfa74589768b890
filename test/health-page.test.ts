import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { build } from "esbuild";
import { Window } from "happy-dom";
import { pageHtml } from "../extension/page-html.ts";
import type { FromHealthPanel, HealthPanelState } from "../shared/health-panel-messages.ts";
import type { ModelHealth } from "../shared/health-types.ts";

const script = await build({
  entryPoints: [join(dirname(import.meta.dirname), "media/health.ts")],
  bundle: true,
  write: false,
  format: "iife",
});

const INDEX: ModelHealth = {
  role: "search",
  name: "index",
  state: "ready",
  medianMs: 2.34,
  p95Ms: 12.6,
  errorRate: 0,
  calls: 4,
};
const ENGINE: ModelHealth = { ...INDEX, name: "bge", state: "working", memoryBytes: 2.5e8, restarts: 1 };
const PROVIDER: ModelHealth = {
  ...INDEX,
  role: "answer",
  name: "cerebras small",
  state: "failing",
  medianMs: 1234,
  errorRate: 0.004,
  calls: 1200,
};

/** The page as the panel loads it, in a document without an editor around it. */
function openPage() {
  const window = new Window();
  const html = pageHtml({ style: "", script: "", source: "", language: "en", translation: undefined });
  window.document.write(html.replace(/<link[^>]*>|<script type="module"[^>]*><\/script>/g, ""));
  const said: FromHealthPanel["type"][] = [];
  const api = { postMessage: ({ type }: FromHealthPanel) => said.push(type) };
  new Function("window", "document", "acquireVsCodeApi", script.outputFiles[0].text)(
    window,
    window.document,
    () => api,
  );
  const { document } = window;
  return {
    said,
    document,
    show: (state: HealthPanelState) =>
      void window.dispatchEvent(new window.MessageEvent("message", { data: { type: "state", state } })),
    status: () => document.querySelector("[role=status]")?.textContent,
    rows: () =>
      [...document.querySelectorAll("tbody tr")].map((row) => [...row.children].map(({ textContent }) => textContent)),
    captions: () => [...document.querySelectorAll("caption")].map(({ textContent }) => textContent),
  };
}

describe("the page of Cairn's health", () => {
  it("says what it is doing until it knows, and then when it looked", () => {
    const page = openPage();
    assert.deepEqual(page.said, ["ready"]);
    assert.equal(page.status(), "Looking …");
    page.show({ loading: false, health: { at: "2026-11-20T12:00:00Z", models: [INDEX] } });
    assert.match(page.status() ?? "", /^Looked at /);
    assert.match(page.document.body.textContent, /No provider of answers was asked in the last seven days\./);
  });

  it("has a row for each that searches, and for each that answers", () => {
    const page = openPage();
    page.show({ loading: false, health: { at: "2026-11-20T12:00:00Z", models: [INDEX, ENGINE, PROVIDER] } });
    assert.deepEqual(page.captions(), ["Search", "Answers"]);
    assert.deepEqual(page.rows(), [
      ["The index", "✓ works", "2.3 ms", "13 ms", "0 %", "4", "–", "–"],
      ["bge", "… at work", "2.3 ms", "13 ms", "0 %", "4", "250 MB", "1"],
      ["cerebras small", "✗ failing", "1.2 s", "13 ms", "0.4 %", "1,200", "–", "–"],
    ]);
  });

  it("keeps what it knew when it cannot look again, and says why", () => {
    const page = openPage();
    const health = { at: "2026-11-20T12:00:00Z", models: [INDEX] };
    page.show({ loading: false, health });
    page.document.querySelector("button")?.click();
    assert.deepEqual(page.said, ["ready", "refresh"]);
    page.show({ loading: false, health, failure: "Cairn reads nothing while this workspace is not trusted." });
    assert.equal(page.status(), "Cairn reads nothing while this workspace is not trusted.");
    assert.equal(page.rows().length, 1);
  });
});
