import type { Connection } from "vscode-languageserver/node";
import { phrase, type Say } from "../../shared/phrase.ts";
import type { StatusOfRoot } from "../../shared/protocol.ts";

type Reporter = Awaited<ReturnType<Connection["window"]["createWorkDoneProgress"]>>;

/**
 * Reports indexing as work-done progress, one per folder: begun when a folder starts to be indexed, ended when it is
 * ready, paused or failed. The library drops it for clients without that ability.
 */
export class IndexProgress {
  readonly #connection: Connection;
  readonly #say: Say;
  readonly #running = new Map<string, Promise<Reporter>>();

  /** @param say puts what is reported into the client's language. */
  constructor(connection: Connection, say: Say) {
    this.#connection = connection;
    this.#say = say;
  }

  async show({ rootUri, status }: StatusOfRoot): Promise<void> {
    const works = status.phase === "scanning" || status.phase === "indexing";
    if (!works) return this.#end(rootUri);
    if (!this.#running.has(rootUri)) this.#running.set(rootUri, this.#begin());
    const reporter = await this.#running.get(rootUri);
    if (!this.#running.has(rootUri)) return;
    const percentage = status.total > 0 ? Math.floor((100 * status.done) / status.total) : 0;
    reporter?.report(percentage, this.#say(phrase("{0} of {1} files", status.done, status.total)));
  }

  async #begin(): Promise<Reporter> {
    const reporter = await this.#connection.window.createWorkDoneProgress();
    reporter.begin(this.#say(phrase("Cairn: indexing")), 0);
    return reporter;
  }

  async #end(rootUri: string): Promise<void> {
    const running = this.#running.get(rootUri);
    this.#running.delete(rootUri);
    (await running)?.done();
  }
}
