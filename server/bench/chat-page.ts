/// <reference lib="dom" />
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { AnswerPart } from "../../shared/answer-types.ts";
import type { ToChat } from "../../shared/chat-messages.ts";
import { NO_REPLY } from "../../shared/conversation.ts";
import { packageFile } from "../package-files.ts";

/** How long each token took to be seen, in milliseconds. */
export interface PaintTimes {
  /** From the message to the end of the frame that shows it. */
  readonly painted: readonly number[];
  /** Of it the page's own work: drawing, layout and painting. */
  readonly worked: readonly number[];
}

/** The part of playwright-core that is used here. */
interface Playwright {
  readonly chromium: {
    launch(options: { executablePath: string; args: readonly string[] }): Promise<{
      newPage(options: { viewport: { width: number; height: number } }): Promise<Page>;
      close(): Promise<void>;
    }>;
  };
}

interface Page {
  setContent(html: string): Promise<void>;
  addStyleTag(options: { path: string }): Promise<unknown>;
  addScriptTag(options: { path: string; type: string }): Promise<unknown>;
  evaluate<Argument, Result>(work: (argument: Argument) => Promise<Result>, argument: Argument): Promise<Result>;
}

/** Why the page cannot be opened on this machine; undefined when it can. */
export function pageObstacle(): string | undefined {
  if (!existsSync(playwright()))
    return "the browser's driver is missing: node test/editor/editor-install.ts installs it";
  return chromium() ? undefined : "Chromium is missing: install it, or name it in CHROMIUM";
}

/**
 * Has the chat's page in a Chromium of its own show answers that come token by token, and looks when each is on screen.
 * The editor's relay between server and page is not in it.
 */
export async function measurePage(answers: readonly (readonly string[])[]): Promise<PaintTimes[]> {
  const { chromium: browserType }: Playwright = await import(playwright());
  const browser = await browserType.launch({
    executablePath: chromium() ?? "",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"],
  });
  try {
    const times: PaintTimes[] = [];
    for (const tokens of answers) {
      const page = await browser.newPage({ viewport: { width: 420, height: 800 } });
      await page.setContent(EMPTY_PAGE);
      const media = (name: string) => packageFile("dist", "media", name);
      await page.addStyleTag({ path: media("chat.css") });
      await page.addScriptTag({ path: media("chat.js"), type: "module" });
      times.push(await page.evaluate(watchAnswer, { begin: BEGIN, parts: tokens.map(partOf), exchange: EXCHANGE.id }));
    }
    return times;
  } finally {
    await browser.close();
  }
}

const EXCHANGE = { id: "e1", question: { text: "How?", attached: [] }, reply: NO_REPLY, wished: "" };
const BEGIN: readonly ToChat[] = [
  { type: "conversation", conversation: { id: "c1", name: "", changedAt: 0, exchanges: [EXCHANGE] } },
];

/** What the editor gives a page, as far as the chat asks for it. */
const EMPTY_PAGE = `<!DOCTYPE html><html lang="en"><body>
<script type="application/json" id="translation">{}</script>
<script>
  whenReady = new Promise((resolve) => {
    const postMessage = ({ type }) => type === "ready" && resolve();
    acquireVsCodeApi = () => ({ postMessage, getState() {}, setState() {} });
  });
</script>
</body></html>`;

function partOf(text: string): AnswerPart {
  return { type: "text", text };
}

/** Runs in the page. Each token comes at another moment between two frames. */
async function watchAnswer({
  begin,
  parts,
  exchange,
}: {
  begin: readonly ToChat[];
  parts: readonly AnswerPart[];
  exchange: string;
}): Promise<PaintTimes> {
  const send = (message: ToChat) => window.dispatchEvent(new MessageEvent("message", { data: message }));
  const seen = () => document.querySelector(".markdown")?.textContent?.length ?? 0;
  /** Resolves when the frame that is drawn next is done. */
  const frame = () =>
    new Promise<number>((resolve) => {
      requestAnimationFrame(() => {
        const began = performance.now();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now() - began);
        port2.postMessage(undefined);
      });
    });
  await (window as unknown as { whenReady: Promise<void> }).whenReady;
  for (const message of begin) send(message);
  await frame();
  const painted: number[] = [];
  const worked: number[] = [];
  for (const [i, part] of parts.entries()) {
    await new Promise((resolve) => setTimeout(resolve, (i * 7) % 17));
    const before = seen();
    // It must come before the page's own work in the frame, to see all of it.
    const drawn = frame();
    const came = performance.now();
    send({ type: "parts", exchange, parts: [part] });
    worked.push(await drawn);
    painted.push(performance.now() - came);
    if (part.type === "text" && /\w/.test(part.text) && seen() <= before)
      throw new Error(`"${part.text}" is not shown.`);
  }
  return { painted, worked };
}

function playwright(): string {
  return packageFile(".cache", "editor", "node_modules", "playwright-core", "index.mjs");
}

function chromium(): string | undefined {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : undefined;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return ["chromium", "chromium-browser", "google-chrome"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}
