import { asCairnError } from "../../shared/errors.ts";
import { distinctNames } from "../assistant/folder-names.ts";
import type { ServedFolder } from "../assistant/tools.ts";
import type { Core, Workspace } from "../core-api.ts";
import type { Log } from "../host.ts";

/** How long an answer waits for the files that changed since the last one. */
const FRESH_WITHIN_MS = 3_000;

/** The folders that are served, opened once each. What cannot be opened is left out as long as another can be. */
export class ServedFolders {
  readonly #core: Core;
  readonly #log: Log;
  readonly #opening = new Map<string, Promise<Workspace>>();
  #paths: readonly string[] = [];
  readonly #refreshing = new Map<Workspace, Promise<void>>();

  constructor(core: Core, log: Log) {
    this.#core = core;
    this.#log = log;
  }

  /** Serves these from now on: absolute paths. */
  use(paths: readonly string[]): void {
    this.#paths = [...new Set(paths)];
    for (const [path, opening] of this.#opening) {
      if (this.#paths.includes(path)) continue;
      this.#opening.delete(path);
      void opening.then((workspace) => workspace.close()).catch(() => {});
    }
    for (const path of this.#paths) {
      this.#open(path).catch((error: unknown) => this.#log.warn(`${path}: ${asCairnError(error).message}`));
    }
  }

  /**
   * The open folders, with what changed on disk taken in where that is quick.
   * @throws CairnError when none could be opened
   */
  async fresh(signal: AbortSignal): Promise<ServedFolder[]> {
    const opened: { path: string; workspace: Workspace }[] = [];
    let problem: unknown;
    for (const path of this.#paths) {
      try {
        opened.push({ path, workspace: await this.#open(path) });
      } catch (error) {
        // The folder may be there the next time.
        this.#opening.delete(path);
        problem ??= error;
      }
    }
    if (opened.length === 0 && problem) throw problem;
    await Promise.all(opened.map(({ workspace }) => this.#refresh(workspace, signal)));
    const names = distinctNames(opened.map(({ path }) => path));
    return opened.map(({ workspace }, i) => ({ name: names[i], workspace }));
  }

  #open(path: string): Promise<Workspace> {
    const opening = this.#opening.get(path) ?? this.#core.open(path);
    this.#opening.set(path, opening);
    return opening;
  }

  /**
   * No editor tells this process what was saved, so the tree is looked at before an answer. An index that is being built
   * is not waited for.
   */
  async #refresh(workspace: Workspace, signal: AbortSignal): Promise<void> {
    let looking = this.#refreshing.get(workspace);
    if (!looking) {
      looking = this.#look(workspace).finally(() => this.#refreshing.delete(workspace));
      this.#refreshing.set(workspace, looking);
    }
    await looking;
    signal.throwIfAborted();
  }

  async #look(workspace: Workspace): Promise<void> {
    const { holder, phase } = await workspace.status();
    const looking = phase === "opening" || phase === "scanning";
    if (!looking && (!holder || phase !== "ready")) return;
    if (!looking) workspace.rescan();
    await workspace.idle(AbortSignal.timeout(FRESH_WITHIN_MS)).catch(() => {});
  }
}
