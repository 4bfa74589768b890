import { createHash } from "node:crypto";
import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { CairnError } from "../shared/errors.ts";
import type { Settings } from "../shared/settings.ts";
import type { Core, Role, Workspace } from "./core-api.ts";
import { loadStaticModel, type StaticModelShared } from "./embed/static-model.ts";
import { FileError, type Host } from "./host.ts";
import { packageFile } from "./package-files.ts";
import { peerAddress } from "./peer/address.ts";
import { SharedWorkspace } from "./shared-workspace.ts";
import { loadKernels } from "./vectors/load-kernels.ts";

/** Puts the concrete parts together; nothing else names them. */
export function createCore(host: Host, settings: Settings, options: { role: Role }): Core {
  const open = new Set<Workspace>();
  let model: StaticModelShared | undefined;
  const loadModel = () => {
    model ??= loadStaticModel(host.files, packageFile("models", "static"), loadKernels(host.files));
    return model;
  };
  return {
    async open(folder) {
      const root = realFolder(host, folder);
      const cacheDirectory = settings.cacheDirectory || defaultCacheDirectory(host.env);
      const rootDirectory = rootDirectoryOf(cacheDirectory, root);
      const workspace = await SharedWorkspace.open({
        host,
        settings,
        root,
        cacheDirectory,
        rootDirectory,
        model: loadModel,
        threads: settings["index.threads"] || defaultThreads(),
        role: options.role,
        address: peerAddress(rootDirectory, host.env),
      });
      open.add(workspace);
      return workspace;
    },
    async close() {
      const closing = [...open].map((workspace) => workspace.close());
      open.clear();
      await Promise.all(closing);
    },
  };
}

/** The platform's folder for things that can be made again. */
export function defaultCacheDirectory(env: Host["env"]): string {
  if (process.platform === "win32") return join(env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "cairn");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "cairn");
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "cairn");
}

/** Where the index of a root lies inside the cache. */
export function rootDirectoryOf(cacheDirectory: string, root: string): string {
  return join(cacheDirectory, "roots", createHash("sha256").update(root).digest("hex").slice(0, 16));
}

/** Half of the cores, and both of two. */
function defaultThreads(): number {
  return Math.max(2, Math.min(8, Math.floor(availableParallelism() / 2)));
}

function realFolder(host: Host, folder: string): string {
  try {
    const root = host.files.realpath(folder);
    if (host.files.stat(root).type !== "directory") {
      throw new CairnError("input", `${folder} is not a folder.`, "Name the folder to index.");
    }
    host.files.list(root);
    return root;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === "ENOENT" || error.code === "ENOTDIR") {
      throw new CairnError("input", `There is no folder ${folder}.`, "Check the path.", { cause: error });
    }
    throw new CairnError("input", `${folder} cannot be read (${error.code}).`, "Check its permissions.", {
      cause: error,
    });
  }
}
