import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { entryFile } from "../package-files.ts";
import type { StorePlace } from "../store/open-store.ts";
import type { StoreControl } from "../store/store.ts";
import { Caller } from "../thread-rpc.ts";
import { readScan, type TreeScan } from "./tree-scan.ts";
import type { WalkOptions } from "./walk.ts";

/** What the main thread may ask of a root's thread. */
export interface RootControl extends StoreControl {
  /** Starts to walk the tree; what it finds goes to the port. */
  scan(argument: { options: WalkOptions; port: MessagePort }): null;
  /** Brings the user's cache below a size; answers the folders whose index was removed. */
  limitCache(maxBytes: number): string[];
}

/** The thread that owns SQLite and walks the tree for one root, seen from the main thread. */
export class RootThread {
  readonly #worker: Worker;
  readonly #caller: Caller<RootControl>;

  constructor(place: StorePlace) {
    this.#worker = new Worker(entryFile("server/workspace/root-worker"), { workerData: place });
    this.#caller = new Caller<RootControl>(this.#worker);
    const died = (error?: Error) =>
      this.#caller.fail(
        new CairnError(
          "unavailable",
          phrase("The thread that keeps the index has stopped."),
          phrase("Open the folder again."),
          {
            cause: error,
          },
        ),
      );
    this.#worker.once("error", died);
    this.#worker.once("exit", () => died());
  }

  get call(): Caller<StoreControl>["call"] {
    return this.#caller.call.bind(this.#caller) as Caller<StoreControl>["call"];
  }

  /** A port on which another thread asks the store directly. */
  async port(): Promise<MessagePort> {
    const { port1, port2 } = new MessageChannel();
    await this.#caller.call("attach", port1, [port1]);
    return port2;
  }

  /** Starts to walk the tree, at once. */
  scan(options: WalkOptions): TreeScan {
    const { port1, port2 } = new MessageChannel();
    const started = this.#caller.call("scan", { options, port: port1 }, [port1]);
    return readScan(port2, started);
  }

  /** Removes what was used least recently when the user's cache has more bytes; resolves to the folders concerned. */
  limitCache(maxBytes: number): Promise<string[]> {
    return this.#caller.call("limitCache", maxBytes);
  }

  /** Closes the databases, gives the lease back and ends the thread. */
  async close(): Promise<void> {
    await this.#caller.call("close", null).catch(() => {});
    await this.#worker.terminate();
  }
}
