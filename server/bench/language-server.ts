import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import type { InitializationOptions } from "../../shared/initialization.ts";
import { type NotificationOf, type RequestOf, ToServer } from "../../shared/protocol.ts";
import type { IndexStatus, SearchAnswer, SearchRequest } from "../../shared/search-types.ts";
import { SERVER_ENVIRONMENT } from "../../shared/server-environment.ts";
import { packageFile } from "../package-files.ts";
import { benchEnvironment } from "./measured-process.ts";

/** The built language server in a process of its own, as an editor starts it, with one folder open. */
export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #received: Buffer = Buffer.alloc(0);
  #next = 1;
  readonly #listeners = new Map<string, (params: never) => void>();
  /** Messages of the server's own so far, and who waits for the next. */
  #told = 0;
  #wake: () => void = () => {};

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.stdout?.on("data", (bytes: Buffer) => this.#receive(bytes));
    child.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the server ended with ${code}`));
    });
  }

  /**
   * Starts the server and opens the folder; resolves when the server has answered.
   * @param settings the section `cairn` of the editor's settings
   */
  static async start(cacheDirectory: string, folder: string, settings?: object): Promise<LanguageServer> {
    const child = spawn(process.execPath, [packageFile("bin", "cairn.mjs"), "lsp", "--stdio"], {
      env: { ...benchEnvironment(cacheDirectory), ...SERVER_ENVIRONMENT },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const server = new LanguageServer(child);
    const uri = pathToFileURL(folder).href;
    const initializationOptions: InitializationOptions = { showsStatus: true, settings };
    await server.#request("initialize", {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: "corpus" }],
      capabilities: { workspace: { workspaceFolders: true } },
      initializationOptions,
    });
    server.#send({ method: "initialized", params: {} });
    return server;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  async search(request: SearchRequest): Promise<SearchAnswer> {
    const [found] = await this.ask(ToServer.search, request);
    return found.answer;
  }

  ask<Params, Result>({ method }: RequestOf<Params, Result>, params: Params): Promise<Result> {
    return this.#request(method, params as object);
  }

  /** Calls the listener with each such message of the server's, as soon as it has come. */
  on<Params>({ method }: NotificationOf<Params>, listener: (params: Params) => void): void {
    this.#listeners.set(method, listener);
  }

  /** Tells the server that a file was saved, as the editor does. */
  saved(path: string): void {
    const uri = pathToFileURL(path).href;
    this.#send({ method: "workspace/didChangeWatchedFiles", params: { changes: [{ uri, type: 2 }] } });
  }

  /** Resolves when everything is indexed and the tree was looked at. */
  async ready(): Promise<IndexStatus> {
    for (;;) {
      const told = this.#told;
      const [open] = await this.ask(ToServer.status, {});
      if (open?.status.phase === "ready") return open.status;
      if (open?.status.phase === "failed") throw new Error(open.status.message);
      await this.#messageAfter(told);
    }
  }

  /** Shuts the server down in the way of the protocol. */
  async stop(): Promise<void> {
    const exited = once(this.#process, "exit");
    await this.#request("shutdown", undefined);
    this.#send({ method: "exit" });
    await exited;
  }

  /** Resolves when the server has said more on its own, such as a change of status, than so many messages. */
  async #messageAfter(told: number): Promise<void> {
    if (this.#told > told) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #request<Result>(method: string, params: object | undefined): Promise<Result> {
    const id = this.#next++;
    this.#send({ id, method, params });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve: resolve as never, reject }));
  }

  #send(message: object): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const headEnd = this.#received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString("latin1", 0, headEnd))?.[1]);
      const end = headEnd + 4 + length;
      if (this.#received.length < end) return;
      const message = JSON.parse(this.#received.toString("utf8", headEnd + 4, end));
      this.#received = this.#received.subarray(end);
      this.#take(message);
    }
  }

  #take(message: {
    id?: number;
    method?: string;
    params?: unknown;
    result?: unknown;
    error?: { message: string };
  }): void {
    if (message.method !== undefined) {
      // Whatever the server asks of the editor is answered with nothing.
      if (message.id !== undefined) this.#send({ id: message.id, result: null });
      this.#listeners.get(message.method)?.(message.params as never);
      this.#told++;
      this.#wake();
      return;
    }
    const waiting = this.#waiting.get(message.id as number);
    this.#waiting.delete(message.id as number);
    if (message.error) waiting?.reject(new Error(message.error.message));
    else waiting?.resolve(message.result as never);
  }
}
