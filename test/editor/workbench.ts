/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeFiles } from "../open-core.ts";
import type { Browser, FrameLocator, Locator, Page, Playwright } from "./browser.ts";
import type { EditorInstall } from "./editor-install.ts";
import { editorCommand, installPackages } from "./install-package.ts";

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
  "files.autoSave": "off",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "security.workspace.trust.enabled": false,
  // What moves is drawn by the processor here, and takes it from what is tested.
  "workbench.reduceMotion": "on",
  "editor.cursorBlinking": "solid",
  // The symbols of a document are all that is asked of TypeScript; a second server of its own would check types too.
  "typescript.tsserver.useSyntaxServer": "always",
  "typescript.disableAutomaticTypeAcquisition": true,
};

/** A colour theme: its name in the editor's list of them, and the class that it gives the workbench. */
export interface Theme {
  name: string;
  kind: string;
}

export const DARK: Theme = { name: "Dark Modern", kind: "vs-dark" };
export const LIGHT: Theme = { name: "Light Modern", kind: "vs" };
export const HIGH_CONTRAST: Theme = { name: "Dark High Contrast", kind: "hc-black" };
export const LIGHT_HIGH_CONTRAST: Theme = { name: "Light High Contrast", kind: "hc-light" };

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

  /**
   * Starts it with the extensions in CAIRN_EXTENSIONS, which were installed for all workbenches, or with the package named
   * in CAIRN_VSIX, or with one made of what was built last.
   * @param companion The files of another extension that is installed too.
   */
  static async start(install: EditorInstall, companion?: Readonly<Record<string, string>>): Promise<Workbench> {
    const folder = mkdtempSync(join(tmpdir(), "cairn-editor-"));
    const folders = { user: join(folder, "user"), extensions: join(folder, "extensions") };
    const packages = companion ? [packageCompanion(folder, companion)] : [];
    if (process.env.CAIRN_EXTENSIONS) cpSync(process.env.CAIRN_EXTENSIONS, folders.extensions, { recursive: true });
    else packages.push(process.env.CAIRN_VSIX ?? packageInto(folder));
    for (const scope of ["User", "Machine"]) mkdirSync(join(folders.user, scope), { recursive: true });
    const command = editorCommand(install, folders);
    const env = {
      ...process.env,
      XDG_CONFIG_HOME: join(folder, "config"),
      XDG_DATA_HOME: join(folder, "data"),
      CAIRN_CACHE_DIR: join(folder, "cairn"),
      HF_HUB_CACHE: join(folder, "hub"),
      // The tests run under Node's test runner, which the editor's processes must not take themselves to be part of.
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: undefined,
      // What is compiled is kept by its path, and theirs is another one in each run.
      NODE_COMPILE_CACHE: undefined,
    };
    if (packages.length > 0) installPackages(command, packages, env);
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

  /**
   * Writes the user's settings. They hold from the next time that something is opened, for the extension a moment later:
   * the editor begins with those of the time before.
   */
  configure(settings: object): void {
    const all = { ...QUIET_SETTINGS, ...settings };
    writeFileSync(join(this.#folder, "user/User/settings.json"), JSON.stringify(all, null, 2));
    // The extension runs beside the server, where the user's own settings of scope "machine" do not hold.
    writeFileSync(join(this.#folder, "user/Machine/settings.json"), JSON.stringify(settings, null, 2));
  }

  /** Opens a folder, a workspace file with several, or a window without one. */
  async open(path: string | undefined): Promise<void> {
    if (path?.endsWith(".code-workspace")) return this.#openWorkspace(path);
    await this.#goTo(path === undefined ? "ew=true" : `folder=${encodeURIComponent(path)}`);
  }

  /** On a busy machine the editor at times shows a workspace file without its folders, until it is opened again. */
  async #openWorkspace(file: string): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      await this.#goTo(`workspace=${encodeURIComponent(file)}`);
      await this.run("View: Show Explorer");
      try {
        return await this.page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: 10_000 });
      } catch (error) {
        if (attempts === 5) throw error;
      }
    }
  }

  async #goTo(query: string): Promise<void> {
    await this.page.goto(`${this.#address}/?${query}`);
    await this.page.locator(".monaco-workbench .activitybar").waitFor({ timeout: 60_000 });
  }

  /** Cairn's search view, brought up by its keys as soon as the extension is there. */
  async searchView(): Promise<SearchViewPage> {
    await this.statusItem().waitFor({ timeout: 60_000 });
    const frame = this.page
      .frameLocator('iframe.webview.ready[src*="extensionId=cairn.cairn"]')
      .frameLocator("iframe#active-frame");
    await this.press("Control+Shift+Alt+F", frame.locator(".query:focus"));
    return new SearchViewPage(frame);
  }

  /** Presses keys until what they bring up is there: while a page of the workbench is loading they are lost. */
  async press(keys: string, shown: Locator): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      await this.page.keyboard.press(keys);
      try {
        return await shown.waitFor({ timeout: 15_000 });
      } catch (error) {
        if (attempts === 4) throw error;
      }
    }
  }

  statusItem(): Locator {
    return this.page.locator('.statusbar-item[id="cairn.cairn.cairn.status"]');
  }

  /** Runs a command by its title in the command palette. */
  async run(title: string): Promise<void> {
    await this.#choose("Type the name of a command", `>${title}`, title, () => this.page.keyboard.press("F1"));
  }

  /** Opens a file by its name in the editor's list of files. */
  async openFile(name: string): Promise<void> {
    const open = () => this.page.keyboard.press("Control+P");
    // Rows move while files are still found: a click may meet another one.
    await this.#choose("Search files by name", name, name, open, {
      accept: async (row) => {
        await row.and(this.page.locator(".focused")).waitFor({ timeout: 10_000 });
        await this.page.keyboard.press("Enter");
        await this.activeFile(name, 10_000);
      },
    });
    await this.page.locator(".editor-group-container.active .monaco-editor.focused, .binary-container").waitFor();
  }

  /** Changes the colour theme, named as in the editor's list of them, and waits until it shows. */
  async useTheme({ name, kind }: Theme): Promise<void> {
    await this.#choose("Select Color Theme", name, name, () => this.run("Preferences: Color Theme"));
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
    await this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
  }

  /**
   * Opens one of the editor's lists, types, and takes the first row whose label begins so. While another list is
   * closing, or a page inside the workbench has the focus, keys are lost: then it begins again, as when what was chosen
   * does not show.
   */
  async #choose(
    placeholder: string,
    typed: string,
    label: string,
    open: () => Promise<void>,
    { accept = (row: Locator): Promise<void> => row.click({ timeout: 10_000 }) } = {},
  ): Promise<void> {
    const list = this.page.locator(".quick-input-widget");
    const row = list.locator(`.monaco-list-row[aria-label^="${label}"]`).first();
    const attempt = async (timeout: number): Promise<void> => {
      await open();
      await list.locator(`input[placeholder^="${placeholder}"]`).fill(typed, { timeout });
      // A list that was closed meanwhile is told by this; to wait for it by a click would take as long as a click may.
      await row.waitFor({ timeout });
      await accept(row);
    };
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt(3_000 * attempts);
      } catch (error) {
        if (attempts === 5) throw error;
        // Elsewhere the key has a meaning of its own: it leaves a walkthrough.
        if (await list.isVisible()) await this.page.keyboard.press("Escape");
      }
    }
  }

  /** Name of the file in the active editor, once it is this one. */
  async activeFile(name: string, timeout = 30_000): Promise<void> {
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor({ timeout });
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

  scrollsSideways(): Promise<boolean> {
    return this.#frame.locator("body").evaluate((body) => body.scrollWidth > body.clientWidth);
  }

  /**
   * The WCAG contrast of the first such element's text against the colour behind it, once the view has that theme. Looked
   * up and measured at once: new results replace the element meanwhile, and one that was taken out has no colours.
   */
  async contrastOf(selector: string, theme: Theme): Promise<number> {
    await this.#frame.locator(`body[data-vscode-theme-name="${theme.name}"] ${selector}`).first().waitFor();
    return this.#frame.locator("body").evaluate(contrast, selector);
  }
}

/** Each workbench has a package of its own: the test files run side by side. */
function packageInto(folder: string): string {
  if (!existsSync(join(ROOT, "dist/extension.cjs"))) throw new Error("Nothing is built: run `npm run build` first.");
  const vsix = join(folder, "cairn.vsix");
  execFileSync(process.execPath, [join(ROOT, "build.ts"), "--package-only", "--out", vsix], { stdio: "pipe" });
  return vsix;
}

function packageCompanion(folder: string, files: Readonly<Record<string, string>>): string {
  const [sources, vsix] = [join(folder, "companion"), join(folder, "companion.vsix")];
  writeFiles(sources, files);
  const vsce = [join(ROOT, "node_modules/@vscode/vsce/vsce"), "package", "--no-dependencies"];
  const quiet = ["--allow-missing-repository", "--skip-license"];
  execFileSync(process.execPath, [...vsce, ...quiet, "--out", vsix], { cwd: sources, stdio: "pipe" });
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

/** Runs in the page. A view without a background of its own has the side bar's. */
function contrast(page: Element, selector: string): number {
  const element = page.querySelector(selector);
  if (!element) throw new Error(`Nothing in the page is ${selector}.`);
  const channels = (colour: string): number[] =>
    colour.startsWith("#")
      ? (colour.slice(1, 7).match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16))
      : (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [red, green, blue] = channels(colour)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let behind = getComputedStyle(document.documentElement).getPropertyValue("--vscode-sideBar-background");
  for (let at: Element | null = element; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (channels(backgroundColor)[3] === 0) continue;
    behind = backgroundColor;
    break;
  }
  const [text, back] = [luminance(getComputedStyle(element).color), luminance(behind)];
  return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
}
