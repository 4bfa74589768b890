import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { CairnError } from "../shared/errors.ts";
import { phrase } from "../shared/phrase.ts";
import type { Settings } from "../shared/settings.ts";
import { FileError, type Host } from "./host.ts";
import type { LeaseAnswer, StoredFiles } from "./store/store.ts";
import { RootThread } from "./workspace/root-thread.ts";
import type { TreeScan } from "./workspace/tree-scan.ts";
import type { WalkOptions } from "./workspace/walk.ts";

/**
 * A root whose thread is on its way: it tries for the lease, and walks the tree if it gets it. This module loads little,
 * so that a shell can begin before it loads the rest.
 */
export interface Opening {
  /** Absolute, real path of the folder. */
  readonly root: string;
  readonly cacheDirectory: string;
  /** Folder of this root inside the cache. */
  readonly rootDirectory: string;
  readonly store: RootThread;
  readonly lease: Promise<LeaseAnswer>;
  /** What the store knows of each file; asked for before the walk, which would keep the thread. */
  readonly files: Promise<StoredFiles>;
  readonly scan: TreeScan;
  /** Ends the thread of a root that is not opened after all. */
  abandon(): Promise<void>;
}

/** @throws {CairnError} `input` when the folder is not there or cannot be read. */
export function beginOpening(host: Host, settings: Settings, folder: string): Opening {
  const root = realFolder(host, folder);
  const cacheDirectory = cacheDirectoryOf(settings, host.env);
  const rootDirectory = rootDirectoryOf(cacheDirectory, root);
  const store = new RootThread({ cacheDirectory, rootDirectory, root });
  const lease = store.call("acquire", null);
  const files = store.call("files", null);
  const scan = store.scan(walkOptionsOf(settings));
  // Whoever takes the opening over waits for these and hears of the failure.
  for (const answer of [lease, files]) answer.catch(() => {});
  return {
    root,
    cacheDirectory,
    rootDirectory,
    store,
    lease,
    files,
    scan,
    abandon() {
      scan.stop();
      return store.close();
    },
  };
}

/**
 * The user's folder for indexes: the one that is set, or the platform's for things that can be made again.
 * @throws {CairnError} `input` for a relative path: it would be another folder for each program.
 */
export function cacheDirectoryOf(settings: Settings, env: Host["env"]): string {
  const { cacheDirectory } = settings;
  if (cacheDirectory && !isAbsolute(cacheDirectory)) {
    const hint = phrase("Correct the setting cairn.cacheDirectory or the environment variable CAIRN_CACHE_DIR.");
    throw new CairnError("input", phrase("The cache folder must be an absolute path, not {0}.", cacheDirectory), hint);
  }
  if (cacheDirectory) return cacheDirectory;
  if (process.platform === "win32") return join(env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "cairn");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "cairn");
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "cairn");
}

/** Where the index of a root lies inside the cache. */
export function rootDirectoryOf(cacheDirectory: string, root: string): string {
  return join(cacheDirectory, "roots", createHash("sha256").update(root).digest("hex").slice(0, 16));
}

/** Which files the settings leave out. */
export function walkOptionsOf(settings: Settings): WalkOptions {
  return {
    exclude: [...settings.excludeGlobs, ...settings["index.exclude"]],
    maxFileBytes: settings["index.maxFileSizeKb"] * 1024,
  };
}

function realFolder(host: Host, folder: string): string {
  try {
    const root = host.files.realpath(folder);
    if (host.files.stat(root).type !== "directory") {
      throw new CairnError("input", phrase("{0} is not a folder.", folder), phrase("Name the folder to index."));
    }
    host.files.list(root);
    return root;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === "ENOENT" || error.code === "ENOTDIR") {
      throw new CairnError("input", phrase("There is no folder {0}.", folder), phrase("Check the path."), {
        cause: error,
      });
    }
    throw new CairnError(
      "input",
      phrase("{0} cannot be read ({1}).", folder, error.code),
      phrase("Check its permissions."),
      {
        cause: error,
      },
    );
  }
}
