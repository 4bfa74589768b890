import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type CancellationToken, ResponseError } from "vscode-jsonrpc/node";
import { CairnError, toWireError } from "../../shared/errors.ts";
import type { Role, Workspace } from "../core-api.ts";
import { connectionOver } from "./connection.ts";
import { PEER_VERSION, Peer } from "./protocol.ts";

/** Code of every error this server answers; the wire error is its data. */
const CAIRN_ERROR = -32_000;

/** Lets the other processes that opened a root use the index of the one that holds it. */
export class PeerServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #address: string;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.#address = address;
  }

  /**
   * Listens at the address. The caller holds the lease, so a socket file that is there was left by a dead process.
   * @param onEditor called when an editor says hello.
   */
  static async listen(address: string, workspace: Workspace, role: Role, onEditor: () => void): Promise<PeerServer> {
    if (process.platform !== "win32") rmSync(address, { force: true });
    const server = createServer();
    const peers = new PeerServer(server, address);
    server.on("connection", (socket) => peers.#serve(socket, workspace, role, onEditor));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(
          new CairnError("unavailable", `No socket could be opened at ${address} (${error.message}).`, "", {
            cause: error,
          }),
        ),
      );
      server.listen(address, resolve);
    });
    server.unref();
    return peers;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (process.platform !== "win32") rmSync(this.#address, { force: true });
  }

  #serve(socket: Socket, workspace: Workspace, role: Role, onEditor: () => void): void {
    this.#sockets.add(socket);
    socket.unref();
    const connection = connectionOver(socket);
    const status = workspace.onStatus((now) => void connection.sendNotification(Peer.statusChanged, now).catch(ignore));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      status.dispose();
      connection.dispose();
    });
    socket.on("error", ignore);

    connection.onRequest(Peer.hello, (hello) => {
      if (hello.version !== PEER_VERSION) {
        return toResponseError(
          new CairnError(
            "unavailable",
            `Process ${process.pid} indexes this folder with another version of Cairn.`,
            "Close it, or update so that both are the same version.",
          ),
        );
      }
      if (hello.role === "editor") setImmediate(onEditor);
      return { version: PEER_VERSION, role, pid: process.pid };
    });
    connection.onRequest(Peer.search, (request, token) =>
      answered(withSignal(token, (signal) => workspace.search(request, signal))),
    );
    connection.onRequest(Peer.symbols, ({ query, limit }, token) =>
      answered(withSignal(token, (signal) => workspace.symbols(query, limit, signal))),
    );
    connection.onRequest(Peer.status, () => answered(workspace.status()));
    connection.onRequest(Peer.skipped, () => answered(workspace.skipped()));
    connection.onRequest(Peer.idle, (_, token) => answered(withSignal(token, (signal) => workspace.idle(signal))));
    connection.onNotification(Peer.changed, (paths) => workspace.changed(paths));
    connection.onNotification(Peer.prioritise, (paths) => workspace.prioritise(paths));
    connection.onNotification(Peer.control, (what) => workspace[what]());
    connection.listen();
  }
}

async function answered<T>(work: Promise<T>): Promise<T | ResponseError<unknown>> {
  try {
    return await work;
  } catch (error) {
    return toResponseError(error);
  }
}

function toResponseError(error: unknown): ResponseError<unknown> {
  const wire = toWireError(error);
  return new ResponseError(CAIRN_ERROR, wire.message, wire);
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
