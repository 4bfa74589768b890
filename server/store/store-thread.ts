import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { CairnError } from "../../shared/errors.ts";
import { entryFile } from "../package-files.ts";
import { Caller } from "../thread-rpc.ts";
import type { StoreControl } from "./store.ts";
import type { StorePlace } from "./store-worker.ts";

/** The thread that owns SQLite for one root, seen from the main thread. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #caller: Caller<StoreControl>;

  constructor(place: StorePlace) {
    this.#worker = new Worker(entryFile("server/store/store-worker"), { workerData: place });
    this.#caller = new Caller<StoreControl>(this.#worker);
    const died = (error?: Error) =>
      this.#caller.fail(
        new CairnError("unavailable", "The thread that keeps the index has stopped.", "Open the folder again.", {
          cause: error,
        }),
      );
    this.#worker.once("error", died);
    this.#worker.once("exit", () => died());
  }

  get call(): Caller<StoreControl>["call"] {
    return this.#caller.call.bind(this.#caller);
  }

  /** A port on which another thread asks the store directly. */
  async port(): Promise<MessagePort> {
    const { port1, port2 } = new MessageChannel();
    await this.#caller.call("attach", port1, [port1]);
    return port2;
  }

  /** Closes the databases, gives the lease back and ends the thread. */
  async close(): Promise<void> {
    await this.#caller.call("close", null).catch(() => {});
    await this.#worker.terminate();
  }
}
