import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as vscode from "vscode";
import type { BenchAnswer, BenchEvent, BenchMethod, BenchRequest, BenchRequests } from "../shared/bench-messages.ts";
import { CairnError, fromWireError, type WireError } from "../shared/errors.ts";
import { inWords } from "../shared/phrase.ts";
import { SERVER_ENVIRONMENT } from "../shared/server-environment.ts";
import type { ProviderKeys } from "./provider-keys.ts";

interface Waiting {
  resolve(result: never): void;
  reject(error: Error): void;
}

/**
 * `cairn bench --stdio` as the panel sees it: a process of its own, since measuring keeps a thread busy. Started when
 * it is first asked; it ends with this, or when the editor does.
 */
export class BenchProgram implements vscode.Disposable {
  readonly #path: string;
  readonly #log: vscode.LogOutputChannel;
  readonly #keys: ProviderKeys;
  readonly #events = new vscode.EventEmitter<BenchEvent>();
  readonly #waiting = new Map<number, Waiting>();
  #process: ChildProcessWithoutNullStreams | undefined;
  #requests = 0;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, keys: ProviderKeys) {
    this.#path = context.asAbsolutePath("dist/cli.mjs");
    this.#log = log;
    this.#keys = keys;
  }

  /** Fires while it measures. */
  readonly onEvent = this.#events.event;

  /**
   * @param folder whose settings hold
   * @throws CairnError, in the editor's language
   */
  async request<Method extends BenchMethod>(
    method: Method,
    params: BenchRequests[Method]["params"],
    folder?: vscode.Uri,
  ): Promise<BenchRequests[Method]["result"]> {
    const keys = method === "providers" || method === "run" ? { keys: await this.#keys.read() } : {};
    const settings = settingsOf(folder);
    const request: BenchRequest<Method> = { id: ++this.#requests, method, params, settings, ...keys };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#started().stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Lets it end: what runs is ended early and kept, and what was asked for fails. */
  stop(): void {
    this.#process?.stdin.end();
    if (this.#process) this.#ended(this.#process, vscode.l10n.t("it was told to"));
  }

  dispose(): void {
    this.stop();
    this.#events.dispose();
  }

  #started(): ChildProcessWithoutNullStreams {
    if (this.#process) return this.#process;
    const started = spawn(process.execPath, [this.#path, "bench", "--stdio"], {
      // The editor's binary is Node only when it is told to be.
      env: { ...process.env, ...SERVER_ENVIRONMENT, ELECTRON_RUN_AS_NODE: "1" },
      windowsHide: true,
    });
    this.#process = started;
    createInterface({ input: started.stdout }).on("line", (line) => {
      // One that was told to end says nothing more to anyone.
      if (this.#process === started) this.#receive(JSON.parse(line));
    });
    createInterface({ input: started.stderr }).on("line", (line) => this.#log.info(`Benchmark: ${line}`));
    started.on("error", (error) => this.#ended(started, error.message));
    started.on("close", (code, signal) => this.#ended(started, String(signal ?? code)));
    // Writing to a process that has just ended fails here too; its end says more.
    started.stdin.on("error", () => {});
    return started;
  }

  #receive(message: BenchAnswer | BenchEvent): void {
    if (message.type === "note" || message.type === "progress") {
      this.#events.fire(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === "result") waiting?.resolve(message.result as never);
    else waiting?.reject(inTheEditorsWords(message.error));
  }

  #ended(ended: ChildProcessWithoutNullStreams, how: string): void {
    if (this.#process !== ended) return;
    this.#process = undefined;
    const error = new CairnError(
      "unavailable",
      vscode.l10n.t("The program that measures has ended ({0}).", how),
      vscode.l10n.t("Measure again to start it anew; the log may say more."),
    );
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function inTheEditorsWords({ kind, message, hint }: WireError): CairnError {
  const [what, next] = [message, hint].map((text) => inWords(text, vscode.l10n.bundle));
  return fromWireError({ kind, message: what, hint: next });
}

/** As the server is given them: Cairn's own and what the editor leaves out. */
function settingsOf(folder: vscode.Uri | undefined): object {
  const excludes = [
    vscode.workspace.getConfiguration("files", folder),
    vscode.workspace.getConfiguration("search", folder),
  ]
    .map((section) => section.get<Record<string, unknown>>("exclude", {}))
    .flatMap((globs) => Object.keys(globs).filter((glob) => globs[glob] === true));
  const own = vscode.workspace.getConfiguration("cairn", folder);
  return { ...JSON.parse(JSON.stringify(own)), excludeGlobs: [...new Set(excludes)].sort() };
}
