import type { Settings } from "../../shared/settings.ts";
import type { Host } from "../host.ts";
import { maySend, notAgreedTo } from "../remote/agreed-folders.ts";
import { embeddingServer, isServerName } from "../remote/embedding-server.ts";
import { remoteModel } from "../remote/remote-model.ts";
import { ChosenEngine } from "./chosen-engine.ts";
import { formOf, wantedForm } from "./chosen-form.ts";
import { type ChosenModel, chosenModel } from "./chosen-model.ts";

/** The engine of the chosen model, which is started for the first folder that may be searched by it. */
export class ChosenEngines {
  readonly #host: Host;
  readonly #cacheDirectory: string;
  readonly #settings: Settings;
  readonly #ending = new AbortController();
  #engine: Promise<ChosenEngine> | undefined;

  constructor(host: Host, cacheDirectory: string, settings: Settings) {
    this.#host = host;
    this.#cacheDirectory = cacheDirectory;
    this.#settings = settings;
  }

  /**
   * The engine for a folder. Nothing is asked of a server before the user has agreed that the folder's code goes there.
   * @throws {CairnError} `input` for a name that there is not, a model that is not on this machine, and without agreement;
   * what a server's first answer throws
   */
  async of(named: string, root: string): Promise<ChosenEngine> {
    if (isServerName(named)) {
      const server = embeddingServer(this.#settings, named);
      if (!maySend(this.#cacheDirectory, server, root)) throw notAgreedTo(server, root);
    }
    this.#engine ??= this.#start(named);
    return this.#engine;
  }

  /** What it may have waited for, such as a key, is there. */
  tryAgain(): void {
    this.#engine?.then(
      (engine) => engine.tryAgain(),
      () => {},
    );
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#engine?.then(
      (engine) => engine.close(),
      () => {},
    );
  }

  async #start(named: string): Promise<ChosenEngine> {
    try {
      const [host, cacheDirectory, settings] = [this.#host, this.#cacheDirectory, this.#settings];
      const model: ChosenModel = isServerName(named)
        ? await remoteModel({ host, cacheDirectory, settings }, embeddingServer(settings, named))
        : await chosenModel({ host, cacheDirectory, settings, signal: this.#ending.signal }, named);
      return new ChosenEngine(host, model, formOf(model, wantedForm(settings, cacheDirectory)));
    } catch (error) {
      this.#engine = undefined;
      throw error;
    }
  }
}
