import { connect, type Socket } from "node:net";
import {
  CancellationTokenSource,
  ErrorCodes,
  type MessageConnection,
  type RequestParam,
  type RequestType,
  ResponseError,
} from "vscode-jsonrpc/node";
import { CairnError, fromWireError, type WireError } from "../../shared/errors.ts";
import type { FileStatus, IndexedFolder } from "../../shared/index-contents.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type {
  CodeExcerpt,
  IndexStatus,
  ReadRequest,
  SearchAnswer,
  SearchRequest,
  SimilarRequest,
  SkippedFile,
  SymbolHit,
} from "../../shared/search-types.ts";
import type { Role, Workspace } from "../core-api.ts";
import { connectionOver, tell } from "./connection.ts";
import { PeerLost } from "./peer-lost.ts";
import { PEER_VERSION, Peer } from "./protocol.ts";

/** The holder must say hello within this time, or it counts as hung. */
const HELLO_MS = 5_000;

/** A root that another process indexes. Every method throws {@link PeerLost} when that process goes away. */
export class PeerClient implements Workspace<Phrase> {
  readonly root: string;
  readonly holderPid: number;
  /** Resolves when the holder has gone. */
  readonly closed: Promise<void>;
  readonly #connection: MessageConnection;
  readonly #socket: Socket;
  readonly #listeners = new Set<(status: IndexStatus<Phrase>) => void>();
  #yieldsToEditor = false;

  private constructor(root: string, socket: Socket, connection: MessageConnection, pid: number, closed: Promise<void>) {
    this.root = root;
    this.holderPid = pid;
    this.closed = closed;
    this.#socket = socket;
    this.#connection = connection;
    connection.onNotification(Peer.statusChanged, (status) => {
      for (const listener of this.#listeners) listener({ ...status, holder: false });
    });
    connection.onNotification(Peer.yieldsToEditor, () => {
      this.#yieldsToEditor = true;
    });
  }

  /** True when the holder goes away to let an editor have the index. */
  get yieldsToEditor(): boolean {
    return this.#yieldsToEditor;
  }

  /**
   * @returns undefined when nobody listens at the address.
   * @throws CairnError("unavailable") when the holder does not answer or is of another version.
   */
  static async connect(address: string, root: string, role: Role): Promise<PeerClient | undefined> {
    const socket = connect(address);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (!connected) return undefined;
    socket.on("error", () => {});
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const connection = connectionOver(socket);
    connection.listen();
    const hung = AbortSignal.timeout(HELLO_MS);
    try {
      const hello = await Promise.race([
        connection.sendRequest(Peer.hello, { version: PEER_VERSION, role, pid: process.pid }),
        closed.then(() => undefined),
        new Promise<never>((_, reject) =>
          hung.addEventListener("abort", () =>
            reject(
              new CairnError(
                "unavailable",
                phrase("Another process holds the index of {0} and does not answer.", root),
                phrase("End that process (cairn doctor names it), then try again."),
              ),
            ),
          ),
        ),
      ]);
      if (hello === undefined) return undefined;
      return new PeerClient(root, socket, connection, hello.pid, closed);
    } catch (error) {
      socket.destroy();
      if (error instanceof CairnError) throw error;
      // It went away while it was spoken to.
      if (!isAnswer(error)) return undefined;
      throw error.data ? fromWireError(error.data as WireError) : error;
    }
  }

  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer<Phrase>> {
    return this.#ask(Peer.search, request, signal);
  }

  similar(request: SimilarRequest, signal?: AbortSignal): Promise<SearchAnswer<Phrase>> {
    return this.#ask(Peer.similar, request, signal);
  }

  read(request: ReadRequest, signal?: AbortSignal): Promise<CodeExcerpt> {
    return this.#ask(Peer.read, request, signal);
  }

  symbols(query: string, limit: number, signal?: AbortSignal): Promise<readonly SymbolHit[]> {
    return this.#ask(Peer.symbols, { query, limit }, signal);
  }

  async status(): Promise<IndexStatus<Phrase>> {
    return { ...(await this.#ask(Peer.status, null)), holder: false };
  }

  onStatus(listener: (status: IndexStatus<Phrase>) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  skipped(): Promise<readonly SkippedFile<Phrase>[]> {
    return this.#ask(Peer.skipped, null);
  }

  async fileStatus(path: string): Promise<FileStatus<Phrase> | undefined> {
    return (await this.#ask(Peer.fileStatus, { path })) ?? undefined;
  }

  indexedIn(folder: string): Promise<IndexedFolder> {
    return this.#ask(Peer.indexedIn, { folder });
  }

  changed(paths: readonly string[]): void {
    void tell(this.#connection, Peer.changed, paths);
  }

  prioritise(paths: readonly string[]): void {
    void tell(this.#connection, Peer.prioritise, paths);
  }

  edited(path: string, text: string | undefined): void {
    void tell(this.#connection, Peer.edited, { path, text: text ?? null });
  }

  rescan(): void {
    void tell(this.#connection, Peer.control, "rescan");
  }

  pause(): void {
    void tell(this.#connection, Peer.control, "pause");
  }

  resume(): void {
    void tell(this.#connection, Peer.control, "resume");
  }

  rebuild(): void {
    void tell(this.#connection, Peer.control, "rebuild");
  }

  async idle(signal?: AbortSignal): Promise<IndexStatus<Phrase>> {
    return { ...(await this.#ask(Peer.idle, null, signal)), holder: false };
  }

  async close(): Promise<void> {
    this.#connection.dispose();
    this.#socket.destroy();
    await this.closed;
  }

  async #ask<P, R>(type: RequestType<P, R, unknown>, params: RequestParam<P>, signal?: AbortSignal): Promise<R> {
    const cancellation = new CancellationTokenSource();
    const abort = () => cancellation.cancel();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([
        this.#connection.sendRequest(type, params, cancellation.token),
        this.closed.then(() => {
          throw new PeerLost();
        }),
      ]);
    } catch (error) {
      signal?.throwIfAborted();
      if (isAnswer(error)) throw error.data ? fromWireError(error.data as WireError) : error;
      // Whatever else goes wrong is the connection, of which the rest hears when it is closed.
      this.#socket.destroy();
      throw new PeerLost();
    } finally {
      signal?.removeEventListener("abort", abort);
      cancellation.dispose();
    }
  }
}

/** True for what the holder answered; the library makes an answer of a connection that ended too. */
function isAnswer(error: unknown): error is ResponseError<unknown> {
  if (!(error instanceof ResponseError)) return false;
  return error.code !== ErrorCodes.MessageWriteError && error.code !== ErrorCodes.PendingResponseRejected;
}
