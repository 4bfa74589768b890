/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Browser, FrameLocator, Locator, Page, Playwright } from "./browser.ts";
import type { EditorInstall } from "./editor-install.ts";

const ROOT = join(import.meta.dirname, "../..");
const SCREENSHOTS = join(import.meta.dirname, "screenshots");

const BROWSER_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

const QUIET_SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "security.workspace.trust.enabled": false,
};

/** A VS Code workbench in a browser page, with the packaged extension installed and a user of its own. */
export class Workbench {
  readonly page: Page;
  readonly #folder: string;
  readonly #address: string;
  readonly #server: ChildProcess;
  readonly #browser: Browser;

  private constructor(folder: string, address: string, server: ChildProcess, browser: Browser, page: Page) {
    this.#folder = folder;
    this.#address = address;
    this.#server = server;
    this.#browser = browser;
    this.page = page;
  }

  /** @param vsix The package to install. */
  static async start(install: EditorInstall, vsix: string): Promise<Workbench> {
    const folder = mkdtempSync(join(tmpdir(), "cairn-editor-"));
    mkdirSync(join(folder, "user/User"), { recursive: true });
    writeFileSync(join(folder, "config.yaml"), "{}\n");
    const common = ["--config", join(folder, "config.yaml"), "--user-data-dir", join(folder, "user")];
    const command = [install.codeServer, ...common, "--extensions-dir", join(folder, "extensions")];
    const env = {
      ...process.env,
      XDG_CONFIG_HOME: join(folder, "config"),
      XDG_DATA_HOME: join(folder, "data"),
      CAIRN_CACHE_DIR: join(folder, "cairn"),
      // The tests run under Node's test runner, which the editor's processes must not take themselves to be part of.
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: undefined,
    };
    const addExtension = () =>
      execFileSync(process.execPath, [...command, "--install-extension", vsix, "--force"], { env, stdio: "pipe" });
    try {
      addExtension();
    } catch {
      // The very first start of a workbench that was just installed fails now and then.
      addExtension();
    }
    const server = spawn(process.execPath, [...command, ...SERVER_ARGUMENTS], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const address = await listeningAddress(server);
    const { chromium }: Playwright = await import(install.playwright);
    const browser = await chromium.launch({ executablePath: install.chromium, args: BROWSER_ARGUMENTS });
    const page = await browser.newPage({
      viewport: { width: 1280, height: 800 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await page.addInitScript(recordToasts);
    const workbench = new Workbench(folder, address, server, browser, page);
    workbench.configure({});
    return workbench;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    this.#server.kill();
    await once(this.#server, "exit");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  /** Writes the user's settings; they hold from the next time that something is opened. */
  configure(settings: object): void {
    const all = { ...QUIET_SETTINGS, ...settings };
    writeFileSync(join(this.#folder, "user/User/settings.json"), JSON.stringify(all, null, 2));
  }

  /** Opens a folder, or a window without one. */
  async open(folder: string | undefined): Promise<void> {
    const query = folder === undefined ? "ew=true" : `folder=${encodeURIComponent(folder)}`;
    await this.page.goto(`${this.#address}/?${query}`);
    await this.page.locator(".monaco-workbench .activitybar").waitFor({ timeout: 60_000 });
  }

  /** Cairn's search view, brought up by its keys as soon as the extension is there. */
  async searchView(): Promise<SearchViewPage> {
    await this.statusItem().waitFor({ timeout: 60_000 });
    await this.page.keyboard.press("Control+Shift+Alt+F");
    const frame = this.page
      .frameLocator('iframe.webview.ready[src*="extensionId=cairn.cairn"]')
      .frameLocator("iframe#active-frame");
    await frame.locator(".query:focus").waitFor({ timeout: 30_000 });
    return new SearchViewPage(frame);
  }

  statusItem(): Locator {
    return this.page.locator('.statusbar-item[id="cairn.cairn.cairn.status"]');
  }

  /** Runs a command by its title in the command palette. */
  async run(title: string): Promise<void> {
    const list = this.page.locator(".quick-input-widget");
    for (;;) {
      // While another list is closing, or a page inside the workbench has the focus, the key may be lost.
      await this.page.keyboard.press("F1");
      const box = list.locator('input[placeholder^="Type the name of a command"]');
      const opened = await box.fill(`>${title}`, { timeout: 3_000 }).then(
        () => true,
        () => false,
      );
      if (opened) break;
      await this.page.keyboard.press("Escape");
    }
    await this.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`).first().click();
  }

  /** Changes the colour theme, named as in the editor's list of them. */
  async useTheme(name: string): Promise<void> {
    await this.run("Preferences: Color Theme");
    await this.#choose(name, name);
  }

  /** Types into the editor's list of choices and takes the first whose label begins so. */
  async #choose(typed: string, label: string): Promise<void> {
    const box = this.page.locator(".quick-input-widget input").first();
    await box.waitFor();
    await box.fill(typed);
    await this.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${label}"]`).first().click();
  }

  /** Name of the file in the active editor, once it is this one. */
  async activeFile(name: string): Promise<void> {
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  }

  /** Waits until the cursor of the active editor is on this line. */
  async cursorLine(line: number): Promise<void> {
    await this.page.locator(`.statusbar-item[id="status.editor.selection"]:has-text("Ln ${line},")`).waitFor();
  }

  /** What was copied last. */
  async clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** The text of every notification that has popped up since the page was opened, or since the last call. */
  toasts(): Promise<string[]> {
    return this.page.evaluate(() => (window as unknown as { toasts: string[] }).toasts.splice(0));
  }

  /** Process ids of Cairn's servers that this workbench started. */
  serverProcesses(): number[] {
    return readdirSync("/proc")
      .map(Number)
      .filter(
        (pid) => pid > 0 && commandLine(pid).includes(this.#folder) && commandLine(pid).includes("lsp-server.mjs"),
      );
  }

  /** Drags the edge of the side bar. */
  async sideBarWidth(width: number): Promise<void> {
    const bar = await this.page.locator(".part.sidebar").boundingBox();
    if (!bar) throw new Error("The side bar is hidden.");
    const { mouse } = this.page;
    await mouse.move(bar.x + bar.width, bar.y + bar.height / 3);
    await mouse.down();
    await mouse.move(bar.x + width, bar.y + bar.height / 3, { steps: 5 });
    await mouse.up();
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }
}

/** The search view as a reader of the page sees it. */
export class SearchViewPage {
  readonly #frame: FrameLocator;

  constructor(frame: FrameLocator) {
    this.#frame = frame;
  }

  get input(): Locator {
    return this.#frame.locator(".query");
  }

  get hits(): Locator {
    return this.#frame.locator("[role=option]");
  }

  get activeHit(): Locator {
    return this.#frame.locator("[role=option][aria-selected=true]");
  }

  get files(): Locator {
    return this.#frame.locator("[role=group] .file-name");
  }

  get summary(): Locator {
    return this.#frame.locator(".summary");
  }

  locator(selector: string): Locator {
    return this.#frame.locator(selector);
  }

  /** Waits for a text anywhere in the view. */
  async shows(text: string): Promise<void> {
    await this.#frame.locator(`body:has-text(${JSON.stringify(text)})`).waitFor({ timeout: 60_000 });
  }

  /** Waits until the view says that the index is complete. */
  async indexed(): Promise<void> {
    await this.#frame.locator("#results[aria-busy=false]").waitFor({ state: "attached", timeout: 120_000 });
  }

  /** Types a query and waits for a file among the results. */
  async search(query: string, file: string): Promise<void> {
    await this.input.fill(query);
    await this.#frame
      .locator(`.file-name:text-is(${JSON.stringify(file)})`)
      .first()
      .waitFor();
  }
}

/** The package under test: the one named in CAIRN_VSIX, or one made of what was built last. */
export function packagedExtension(): string {
  const { CAIRN_VSIX } = process.env;
  if (CAIRN_VSIX) return CAIRN_VSIX;
  if (!existsSync(join(ROOT, "dist/extension.cjs"))) throw new Error("Nothing is built: run `npm run build` first.");
  const vsix = join(ROOT, ".cache/editor-test.vsix");
  execFileSync(process.execPath, [join(ROOT, "build.ts"), "--package-only", "--out", vsix], { stdio: "pipe" });
  return vsix;
}

const SERVER_ARGUMENTS = [
  ...["--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry", "--disable-update-check"],
  ...["--disable-getting-started-override", "--reconnection-grace-time", "5"],
];

/** code-server says where it listens once it does. */
async function listeningAddress(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error("code-server was started without a standard output.");
  let said = "";
  for await (const line of createInterface(server.stdout)) {
    said += `${line}\n`;
    const address = /HTTP server listening on (http:\/\/\S+?)\/?$/.exec(line)?.[1];
    if (!address) continue;
    // Read on, so that its output never fills the pipe.
    server.stdout.resume();
    return address;
  }
  throw new Error(`code-server ended before it listened:\n${said}`);
}

/** Runs in the page: notes every notification that pops up, however short it stays. */
function recordToasts(): void {
  const toasts: string[] = [];
  Object.assign(window, { toasts });
  new MutationObserver((mutations) => {
    for (const node of mutations.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (!(node instanceof HTMLElement)) continue;
      const toast = node.matches(".notification-toast") ? node : node.querySelector(".notification-toast");
      if (toast) toasts.push(toast.querySelector(".notification-list-item-message")?.textContent ?? "");
    }
  }).observe(document, { childList: true, subtree: true });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
