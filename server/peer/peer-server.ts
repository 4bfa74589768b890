import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type CancellationToken, type MessageConnection, ResponseError } from "vscode-jsonrpc/node";
import { CairnError, toWireError } from "../../shared/errors.ts";
import { phrase, SILENCE } from "../../shared/phrase.ts";
import type { HeldWorkspace, Role } from "../core-api.ts";
import { connectionOver, tell } from "./connection.ts";
import { PEER_VERSION, Peer } from "./protocol.ts";

/** Code of every error this server answers; the wire error is its data. */
const CAIRN_ERROR = -32_000;

/** Lets the other processes that opened a root use the index of the one that holds it. */
export class PeerServer {
  readonly #server: Server;
  readonly #connections = new Map<Socket, MessageConnection>();
  readonly #address: string;
  #handingOver = false;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.#address = address;
  }

  /**
   * Listens at the address. The caller holds the lease, so a socket file that is there was left by a dead process.
   * @param onEditor called when an editor says hello.
   */
  static async listen(
    address: string,
    workspace: HeldWorkspace,
    role: Role,
    onEditor: () => void,
  ): Promise<PeerServer> {
    if (process.platform !== "win32") rmSync(address, { force: true });
    const server = createServer();
    const peers = new PeerServer(server, address);
    server.on("connection", (socket) => peers.#serve(socket, workspace, role, onEditor));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(
          new CairnError(
            "unavailable",
            phrase("No socket could be opened at {0} ({1}).", address, error.message),
            SILENCE,
            {
              cause: error,
            },
          ),
        ),
      );
      server.listen(address, resolve);
    });
    server.unref();
    return peers;
  }

  /**
   * The index is about to be given up: what cannot be answered any more is left to whoever holds it next.
   * @param toEditor whether it is meant for an editor, which the others let go first.
   */
  handOver(toEditor: boolean): void {
    this.#handingOver = true;
    if (!toEditor) return;
    for (const connection of this.#connections.values()) void tell(connection, Peer.yieldsToEditor, null);
  }

  close(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#server.close();
    if (process.platform !== "win32") rmSync(this.#address, { force: true });
  }

  #serve(socket: Socket, workspace: HeldWorkspace, role: Role, onEditor: () => void): void {
    socket.unref();
    const connection = connectionOver(socket);
    this.#connections.set(socket, connection);
    const status = workspace.onStatus((now) => void tell(connection, Peer.statusChanged, now));
    socket.once("close", () => {
      this.#connections.delete(socket);
      status.dispose();
      workspace.forgetEdits(socket);
      connection.dispose();
    });
    socket.on("error", ignore);

    connection.onRequest(Peer.hello, (hello) => {
      if (hello.version !== PEER_VERSION) {
        return toResponseError(
          new CairnError(
            "unavailable",
            phrase("Process {0} indexes this folder with another version of Cairn.", process.pid),
            phrase("Close it, or update so that both are the same version."),
          ),
        );
      }
      if (hello.role === "editor") setImmediate(onEditor);
      return { version: PEER_VERSION, role, pid: process.pid };
    });
    connection.onRequest(Peer.search, (request, token) =>
      this.#answered(withSignal(token, (signal) => workspace.search(request, signal))),
    );
    connection.onRequest(Peer.similar, (request, token) =>
      this.#answered(withSignal(token, (signal) => workspace.similar(request, signal))),
    );
    connection.onRequest(Peer.read, (request, token) =>
      this.#answered(withSignal(token, (signal) => workspace.read(request, signal))),
    );
    connection.onRequest(Peer.symbols, ({ query, limit }, token) =>
      this.#answered(withSignal(token, (signal) => workspace.symbols(query, limit, signal))),
    );
    connection.onRequest(Peer.status, () => this.#answered(workspace.status()));
    connection.onRequest(Peer.skipped, () => this.#answered(workspace.skipped()));
    connection.onRequest(Peer.fileStatus, ({ path }) =>
      this.#answered(workspace.fileStatus(path).then((status) => status ?? null)),
    );
    connection.onRequest(Peer.indexedIn, ({ folder }) => this.#answered(workspace.indexedIn(folder)));
    connection.onRequest(Peer.idle, (_, token) =>
      this.#answered(withSignal(token, (signal) => workspace.idle(signal))),
    );
    connection.onNotification(Peer.changed, (paths) => workspace.changed(paths));
    connection.onNotification(Peer.prioritise, (paths) => workspace.prioritise(paths));
    connection.onNotification(Peer.edited, ({ path, text }) => {
      // What is read after the end was taken away with the rest.
      if (!socket.destroyed) workspace.editedIn(socket, path, text ?? undefined);
    });
    connection.onNotification(Peer.control, (what) => workspace[what]());
    connection.listen();
  }

  async #answered<T>(work: Promise<T>): Promise<T | ResponseError<unknown>> {
    try {
      return await work;
    } catch (error) {
      // The connection ends in a moment, and the other process then asks again by itself.
      if (this.#handingOver) return new Promise<never>(() => {});
      return toResponseError(error);
    }
  }
}

function toResponseError(error: unknown): ResponseError<unknown> {
  return new ResponseError(CAIRN_ERROR, error instanceof Error ? error.message : String(error), toWireError(error));
}

async function withSignal<T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const listening = token.onCancellationRequested(() => abort.abort());
  try {
    return await work(abort.signal);
  } finally {
    listening.dispose();
  }
}

function ignore(): void {}
