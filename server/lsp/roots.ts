import { existsSync } from "node:fs";
import { join } from "node:path";
import { asCairnError, CairnError } from "../../shared/errors.ts";
import { joined, phrase, type Say } from "../../shared/phrase.ts";
import type { StatusOfRoot } from "../../shared/protocol.ts";
import type { IndexPhase, IndexStatus } from "../../shared/search-types.ts";
import type { Settings } from "../../shared/settings.ts";
import { distinctNames } from "../assistant/folder-names.ts";
import type { ServedFolder } from "../assistant/tools.ts";
import type { Core, Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";
import { pathInside, uriToPath } from "./convert.ts";

/** The workspace of one open folder, and how the client names that folder. */
export interface OpenRoot {
  readonly uri: string;
  readonly workspace: Workspace;
}

interface Root {
  readonly uri: string;
  /** As the client gives it; may be a symbolic link to the workspace's real root. Undefined when it is not on disk. */
  readonly path: string | undefined;
  /** Undefined until the client has told them. */
  settings: Settings | undefined;
  /** Undefined while nothing is to be indexed. */
  opening: Promise<Workspace> | undefined;
  /** Set when opening failed. */
  failure: CairnError | undefined;
  /** Set while the folder is not there and is looked for. */
  looking: { dispose(): void } | undefined;
}

/**
 * The folders the client has open and their workspaces. A change of settings replaces the core; requests that arrive
 * meanwhile wait for the new one.
 */
export class Roots {
  readonly #onStatus: (status: StatusOfRoot) => void;
  readonly #say: Say;
  readonly #onFolder: Host["onFolder"];
  readonly #roots = new Map<string, Root>();
  readonly #configured = Promise.withResolvers<void>();
  #create: (() => Core) | undefined;
  #core: Core | undefined;
  #replacing: Promise<void> = Promise.resolve();
  #started = false;

  /**
   * @param say puts what the folders' status says into the client's language.
   * @param onFolder tells when a folder that was not there can be read.
   */
  constructor(onStatus: (status: StatusOfRoot) => void, say: Say, onFolder: Host["onFolder"]) {
    this.#onStatus = onStatus;
    this.#say = say;
    this.#onFolder = onFolder;
  }

  /**
   * Closes what is open and opens every folder again with the core that `create` makes, where its own settings want it
   * indexed; undefined indexes nothing.
   */
  replaceCore(create: (() => Core) | undefined, settings: ReadonlyMap<string, Settings> = new Map()): Promise<void> {
    const replaced = this.#replacing.then(async () => {
      await this.#core?.close();
      this.#create = create;
      for (const root of this.#roots.values()) root.settings = settings.get(root.uri) ?? root.settings;
      this.#openAll();
    });
    this.#replacing = replaced;
    this.#configured.resolve();
    return replaced;
  }

  /** Does the work while every folder is closed, then opens them again; requests wait. */
  closedWhile<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#replacing.then(async () => {
      await this.#core?.close();
      try {
        return await work();
      } finally {
        this.#openAll();
      }
    });
    this.#replacing = settled(done);
    return done;
  }

  /** What the chosen model's engine may have waited for, such as a key, is there. */
  retryEngine(): void {
    this.#core?.retryEngine();
  }

  get uris(): string[] {
    return [...this.#roots.keys()];
  }

  settingsOf(uri: string): Settings | undefined {
    return this.#roots.get(uri)?.settings;
  }

  /**
   * Adds folders. Requests wait until they are open.
   * @param settings The folders' own; without them they are opened by the next `replaceCore`.
   */
  async add(uris: readonly string[], settings?: Promise<ReadonlyMap<string, Settings>>): Promise<void> {
    const added = uris
      .filter((uri) => !this.#roots.has(uri))
      .map((uri): Root => ({ uri, path: uriToPath(uri), ...UNOPENED }));
    for (const root of added) this.#roots.set(root.uri, root);
    if (!settings) return;
    const opened = this.#replacing.then(async () => {
      const known = await settings;
      for (const root of added) {
        root.settings = known.get(root.uri);
        if (this.#started && this.#roots.get(root.uri) === root) this.#open(root);
      }
    });
    this.#replacing = settled(opened);
    return opened;
  }

  async remove(uri: string): Promise<void> {
    const root = this.#roots.get(uri);
    this.#roots.delete(uri);
    root?.looking?.dispose();
    const workspace = await root?.opening?.catch(() => undefined);
    await workspace?.close();
  }

  async close(): Promise<void> {
    await this.replaceCore(undefined);
    for (const { looking } of this.#roots.values()) looking?.dispose();
    this.#roots.clear();
  }

  /**
   * The workspaces of all folders, or of the one named.
   *
   * Folders that could not be opened are left out as long as another one is open; throws what went wrong otherwise.
   */
  async opened(uri?: string): Promise<OpenRoot[]> {
    await this.#settled();
    const asked = this.#asked(uri);
    const opened: OpenRoot[] = [];
    for (const root of asked) {
      const workspace = await root.opening?.catch(() => undefined);
      if (workspace) opened.push({ uri: root.uri, workspace });
    }
    const failure = asked.find((root) => root.failure)?.failure;
    if (opened.length === 0 && failure) throw failure;
    return opened;
  }

  /** The folders as assistants and answers name them. */
  async served(): Promise<(ServedFolder & OpenRoot)[]> {
    const opened = await this.opened();
    const names = distinctNames(opened.map(({ workspace }) => workspace.root));
    return opened.map((root, i) => ({ ...root, name: names[i] }));
  }

  /** The status of each folder, also of those that are not open. */
  async statuses(uri?: string): Promise<StatusOfRoot[]> {
    await this.#settled();
    return Promise.all(
      this.#asked(uri).map(async (root) => {
        const workspace = await root.opening?.catch(() => undefined);
        return {
          rootUri: root.uri,
          status: workspace ? await workspace.status() : statusWithoutIndex(root, this.#say),
        };
      }),
    );
  }

  /** Hands each workspace those of the paths that lie in it, below its real root. */
  async eachWith(paths: readonly string[], use: (workspace: Workspace, inside: string[]) => void): Promise<void> {
    await this.#settled();
    for (const { path, opening } of this.#roots.values()) {
      if (path === undefined) continue;
      const inside = paths.map((file) => pathInside(path, file)).filter((file) => file !== undefined);
      if (inside.length === 0) continue;
      const workspace = await opening?.catch(() => undefined);
      if (workspace)
        use(
          workspace,
          inside.map((file) => join(workspace.root, file)),
        );
    }
  }

  /** Waits for the first core, then for a change of core that is under way. */
  async #settled(): Promise<void> {
    await this.#configured.promise;
    await this.#replacing;
  }

  #asked(uri: string | undefined): Root[] {
    if (uri === undefined) return [...this.#roots.values()];
    const root = this.#roots.get(uri);
    if (root) return [root];
    throw new CairnError("input", phrase("The folder {0} is not open.", uri), phrase("Add it to the workspace first."));
  }

  #openAll(): void {
    this.#core = this.#create?.();
    this.#started = true;
    for (const root of this.#roots.values()) this.#open(root);
  }

  #open(root: Root): void {
    root.looking?.dispose();
    root.looking = undefined;
    root.failure = undefined;
    root.opening = undefined;
    if (root.path === undefined) {
      root.failure = new CairnError("input", phrase("{0} is not a folder on this machine's disk.", root.uri));
    } else if (this.#core && root.settings?.["index.enabled"]) {
      const opening = this.#core.open(root.path, root.settings);
      root.opening = opening;
      // What a workspace says while it is closed is not about the folder any more.
      const isCurrent = (): boolean => this.#roots.get(root.uri) === root && root.opening === opening;
      opening.then(
        (workspace) =>
          workspace.onStatus((status) => {
            if (isCurrent()) this.#onStatus({ rootUri: root.uri, status });
          }),
        (error: unknown) => {
          root.failure = asCairnError(error);
          if (isCurrent()) this.#lookFor(root);
          this.#onStatus({ rootUri: root.uri, status: statusWithoutIndex(root, this.#say) });
        },
      );
      return;
    }
    this.#onStatus({ rootUri: root.uri, status: statusWithoutIndex(root, this.#say) });
  }

  /** A folder on a drive that is not there yet is opened when it comes; one that failed otherwise is not tried again. */
  #lookFor(root: Root): void {
    if (root.path === undefined || existsSync(root.path)) return;
    root.looking = this.#onFolder(root.path, () => this.#open(root));
  }
}

const UNOPENED = { settings: undefined, opening: undefined, failure: undefined, looking: undefined };

/** Resolves once the other is over, however it ends. */
function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => {},
    () => {},
  );
}

function statusWithoutIndex({ uri, path, failure }: Root, say: Say): IndexStatus {
  const phase: IndexPhase = failure ? "failed" : "closed";
  const message = failure
    ? joined([failure.said, failure.advice], " ")
    : phrase("Indexing is off: cairn.index.enabled is false.");
  return {
    root: path ?? uri,
    phase,
    walking: false,
    files: 0,
    chunks: 0,
    changes: 0,
    done: 0,
    total: 0,
    skipped: {},
    message: say(message),
    holder: false,
    holderPid: 0,
    embedded: 0,
    indexBytes: 0,
    vectorBytes: 0,
  };
}
