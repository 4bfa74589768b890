import { setTimeout as delay } from "node:timers/promises";
import { CairnError } from "../shared/errors.ts";
import type { FileStatus, IndexedFolder } from "../shared/index-contents.ts";
import { inWords, type Phrase, phrase, type Translation } from "../shared/phrase.ts";
import type {
  CodeExcerpt,
  IndexStatus,
  ReadRequest,
  SearchAnswer,
  SearchRequest,
  SimilarRequest,
  SkippedFile,
  SymbolHit,
} from "../shared/search-types.ts";
import type { Role, Workspace } from "./core-api.ts";
import type { StaticModelShared } from "./embed/static-model.ts";
import { answerInWords, reasonInWords, statusInWords } from "./in-words.ts";
import { type LocalParts, LocalWorkspace } from "./local-workspace.ts";
import { beginOpening, type Opening } from "./opening.ts";
import { peerAddress } from "./peer/address.ts";
import type { PeerClient } from "./peer/peer-client.ts";
import { PeerLost } from "./peer/peer-lost.ts";
import type { PeerServer } from "./peer/peer-server.ts";
import { readSnapshot, snapshotPathOf } from "./store/snapshot-file.ts";

/** Between the moment a process takes the lease and the moment it listens, others try again so often and so long. */
const RETRY_MS = 25;
const GIVE_UP_MS = 10_000;
/** A terminal that only asks a question is gone before another process could need it. */
const LISTEN_AFTER_MS = 300;
/** How long terminals wait for the editor to take an index that was given up for it. */
const HANDOVER_MS = 2_000;

export interface SharedParts
  extends Pick<LocalParts, "host" | "settings" | "threads" | "maxCacheBytes" | "chosen" | "shared"> {
  /** The root, with its threads under way. */
  opening: Opening;
  /** Loads the model, once. */
  model: () => StaticModelShared;
  role: Role;
  /** The language of who asks here; English without it. */
  translation?: Translation;
}

/**
 * A root of which one process holds the index: this one, or another that is asked. When the holder goes away, whoever
 * is next takes over and callers notice nothing but a pause. Either answers in phrases; here they are put into words.
 */
export class SharedWorkspace implements Workspace {
  readonly root: string;
  readonly #parts: SharedParts;
  /** Socket of the process that holds this root. */
  readonly #address: string;
  readonly #listeners = new Set<(status: IndexStatus) => void>();
  /** What was begun when the root was opened, until it is used. */
  #begun: Opening | undefined;
  #current: Promise<Attached>;
  #open: readonly string[] = [];
  /** Unsaved edits by path, told again to whoever holds the index next. */
  readonly #edits = new Map<string, string>();
  #closed = false;

  private constructor(parts: SharedParts) {
    this.root = parts.opening.root;
    this.#parts = parts;
    this.#begun = parts.opening;
    this.#address = peerAddress(parts.opening.rootDirectory, parts.host.env);
    this.#current = this.#attach(0);
  }

  /** @throws CairnError("unavailable") when the index can neither be held nor asked. */
  static async open(parts: SharedParts): Promise<SharedWorkspace> {
    try {
      const workspace = new SharedWorkspace(parts);
      await workspace.#current;
      return workspace;
    } catch (error) {
      await parts.opening.abandon();
      throw error;
    }
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    const answer = await this.#ask((workspace) => workspace.search(request, signal));
    return answerInWords(answer, this.#parts.translation);
  }

  async similar(request: SimilarRequest, signal?: AbortSignal): Promise<SearchAnswer> {
    const answer = await this.#ask((workspace) => workspace.similar(request, signal));
    return answerInWords(answer, this.#parts.translation);
  }

  read(request: ReadRequest, signal?: AbortSignal): Promise<CodeExcerpt> {
    return this.#ask((workspace) => workspace.read(request, signal));
  }

  symbols(query: string, limit: number, signal?: AbortSignal): Promise<readonly SymbolHit[]> {
    return this.#ask((workspace) => workspace.symbols(query, limit, signal));
  }

  async status(): Promise<IndexStatus> {
    const status = await this.#ask((workspace) => workspace.status());
    return statusInWords(status, this.#parts.translation);
  }

  onStatus(listener: (status: IndexStatus) => void): { dispose(): void } {
    this.#listeners.add(listener);
    void this.status().then(listener, () => {});
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  async skipped(): Promise<readonly SkippedFile[]> {
    const skipped = await this.#ask((workspace) => workspace.skipped());
    return skipped.map((file) => reasonInWords(file, this.#parts.translation));
  }

  async fileStatus(path: string): Promise<FileStatus | undefined> {
    const status = await this.#ask((workspace) => workspace.fileStatus(path));
    return status?.state === "left-out" ? reasonInWords(status, this.#parts.translation) : status;
  }

  indexedIn(folder: string): Promise<IndexedFolder> {
    return this.#ask((workspace) => workspace.indexedIn(folder));
  }

  changed(paths: readonly string[]): void {
    this.#tell((workspace) => workspace.changed(paths));
  }

  prioritise(paths: readonly string[]): void {
    this.#open = paths;
    this.#tell((workspace) => workspace.prioritise(paths));
  }

  edited(path: string, text: string | undefined): void {
    if (text === undefined) this.#edits.delete(path);
    else this.#edits.set(path, text);
    this.#tell((workspace) => workspace.edited(path, text));
  }

  rescan(): void {
    this.#tell((workspace) => workspace.rescan());
  }

  pause(): void {
    this.#tell((workspace) => workspace.pause());
  }

  resume(): void {
    this.#tell((workspace) => workspace.resume());
  }

  rebuild(): void {
    this.#tell((workspace) => workspace.rebuild());
  }

  async idle(signal?: AbortSignal): Promise<IndexStatus> {
    const idle = await this.#ask(async (workspace) => {
      const status = await workspace.idle(signal);
      // An index that was closed under the caller has moved to another process: wait for it there.
      if (status.phase === "closed" && !this.#closed) throw new PeerLost();
      return status;
    });
    return statusInWords(idle, this.#parts.translation);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const attached = await this.#current.catch(() => undefined);
    await attached?.detach();
  }

  /** Asks the holder; asks the next one when it goes away meanwhile. */
  async #ask<T>(question: (workspace: Workspace<Phrase>) => Promise<T>): Promise<T> {
    for (;;) {
      const current = this.#current;
      try {
        const { workspace } = await current;
        return await question(workspace);
      } catch (error) {
        const moved = this.#current !== current;
        if (this.#closed || !(error instanceof PeerLost || moved)) {
          const failed = !moved && !this.#closed && (await isRejected(current));
          // Of several questions that failed one tries again.
          if (failed && this.#current === current) this.#current = this.#attach(0);
          throw error;
        }
        if (!moved) await delay(RETRY_MS);
      }
    }
  }

  #tell(message: (workspace: Workspace<Phrase>) => void): void {
    void this.#current.then(({ workspace }) => message(workspace)).catch(() => {});
  }

  /**
   * Becomes the holder, or finds it.
   * @param yieldMs how long to leave the lease to others first.
   */
  async #attach(yieldMs: number): Promise<Attached> {
    const { host, role } = this.#parts;
    const started = performance.now();
    for (;;) {
      const waited = performance.now() - started;
      const attached = waited < yieldMs ? undefined : await this.#hold();
      if (attached) return attached;
      const { PeerClient } = await import("./peer/peer-client.ts");
      const peer = await PeerClient.connect(this.#address, this.root, role);
      if (peer) {
        host.log.info(`${this.root} is indexed by process ${peer.holderPid}`);
        return this.#follow(peer);
      }
      if (waited > GIVE_UP_MS + yieldMs) {
        throw new CairnError(
          "unavailable",
          phrase("Another process holds the index of {0} and does not listen.", this.root),
          phrase("End that process (cairn doctor names it), then try again."),
        );
      }
      await delay(RETRY_MS);
    }
  }

  async #hold(): Promise<Attached | undefined> {
    const { host, settings, threads, maxCacheBytes, chosen, shared } = this.#parts;
    const opening = this.#begun ?? beginOpening(host, settings, this.root);
    this.#begun = undefined;
    try {
      // The thread starts while the model and the snapshot are loaded here; what the snapshot lacks by the time the lease
      // is there, the store tells.
      const model = this.#parts.model();
      const snapshotPath = snapshotPathOf(opening.rootDirectory);
      const base = readSnapshot(snapshotPath);
      base.catch(() => {});
      const lease = await opening.lease;
      if (!lease.held) {
        await opening.abandon();
        return undefined;
      }
      const repaired = inWords(lease.repaired);
      if (repaired) host.log.warn(repaired);
      const { root, store, files, scan } = opening;
      const parts = {
        host,
        settings,
        threads,
        maxCacheBytes,
        chosen,
        shared,
        root,
        snapshotPath,
        base,
        store,
        model,
        files,
        scan,
        repaired: lease.repaired,
      };
      const workspace = await LocalWorkspace.open(parts);
      const ending = new AbortController();
      const listening = this.#listen(workspace, ending.signal);
      const status = workspace.onStatus((now) => this.#notify(now));
      this.#tellOpen(workspace);
      return {
        workspace,
        detach: async (toEditor = false) => {
          status.dispose();
          ending.abort();
          const peers = await listening;
          peers?.handOver(toEditor);
          // Whoever still waits here must be sent on, whatever becomes of the closing.
          await workspace.close().finally(() => peers?.close());
        },
      };
    } catch (error) {
      await opening.abandon();
      throw error;
    }
  }

  /** Lets other processes use the index. They wait for it, so nothing here waits for them. */
  async #listen(workspace: LocalWorkspace, ending: AbortSignal): Promise<PeerServer | undefined> {
    const { host, role } = this.#parts;
    let yielded = false;
    const onEditor = () => {
      // Of several editors that say hello the first is enough.
      if (!yielded) this.#yieldToEditor();
      yielded = true;
    };
    if (role === "terminal") await delay(LISTEN_AFTER_MS, undefined, { signal: ending, ref: false }).catch(() => {});
    if (ending.aborted) return undefined;
    try {
      const { PeerServer } = await import("./peer/peer-server.ts");
      return await PeerServer.listen(this.#address, workspace, role, onEditor);
    } catch (error) {
      host.log.error(`Other processes cannot use this index: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }

  #follow(peer: PeerClient): Attached {
    let detached = false;
    const status = peer.onStatus((now) => this.#notify(now));
    this.#tellOpen(peer);
    void peer.closed.then(() => {
      status.dispose();
      const yieldMs = peer.yieldsToEditor && this.#parts.role === "terminal" ? HANDOVER_MS : 0;
      // Whoever detached goes on from there: two that look for the holder would find each other.
      if (!detached && !this.#closed) this.#moveTo(this.#attach(yieldMs));
    });
    return {
      workspace: peer,
      detach() {
        detached = true;
        return peer.close();
      },
    };
  }

  #tellOpen(workspace: Workspace<Phrase>): void {
    workspace.prioritise(this.#open);
    for (const [path, text] of this.#edits) workspace.edited(path, text);
  }

  /** An editor stays open for hours and owns the engines: a terminal lets it have the index. */
  #yieldToEditor(): void {
    if (this.#parts.role === "editor" || this.#closed) return;
    const before = this.#current;
    this.#moveTo(
      before.then(async ({ detach }) => {
        await detach(true);
        return this.#attach(HANDOVER_MS);
      }),
    );
  }

  #moveTo(next: Promise<Attached>): void {
    this.#current = next;
    next.then(
      ({ workspace }) => {
        void workspace.status().then(
          (status) => this.#notify(status),
          () => {},
        );
      },
      (error) => this.#parts.host.log.error(`${this.root}: ${error.message}`),
    );
  }

  #notify(status: IndexStatus<Phrase>): void {
    const told = statusInWords(status, this.#parts.translation);
    for (const listener of this.#listeners) listener(told);
  }
}

interface Attached {
  workspace: Workspace<Phrase>;
  /** @param toEditor whether the index is given up for an editor. */
  detach(toEditor?: boolean): Promise<void>;
}

async function isRejected(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}
