import { availableParallelism } from "node:os";
import type { Translation } from "../shared/phrase.ts";
import type { Settings } from "../shared/settings.ts";
import type { ChosenEngine } from "./chosen/chosen-engine.ts";
import type { ChosenEngines } from "./chosen/chosen-engines.ts";
import { chosenName } from "./chosen/model-choice.ts";
import type { Core, Role, Workspace } from "./core-api.ts";
import { loadStaticModel, type StaticModelShared } from "./embed/static-model.ts";
import type { Host } from "./host.ts";
import { beginOpening, cacheDirectoryOf } from "./opening.ts";
import { packageFile } from "./package-files.ts";
import { createSharedCache } from "./shared-cache/redis-cache.ts";
import { SharedWorkspace } from "./shared-workspace.ts";
import { loadKernels } from "./vectors/load-kernels.ts";

export interface CoreOptions {
  role: Role;
  /** The language of what the core says to people; English without it. Errors can be put into words by who shows them. */
  translation?: Translation;
}

/** Puts the concrete parts together; nothing else names them. */
export function createCore(host: Host, settings: Settings, options: CoreOptions): Core {
  const open = new Set<Workspace>();
  let engines: Promise<ChosenEngines> | undefined;
  /** The engine of the chosen model, which all folders share; undefined when none was chosen. */
  const chosen = (root: string): Promise<ChosenEngine> | undefined => {
    const cacheDirectory = cacheDirectoryOf(settings, host.env);
    const name = chosenName(settings, cacheDirectory);
    if (name === undefined) return undefined;
    engines ??= import("./chosen/chosen-engines.ts").then(
      (module) => new module.ChosenEngines(host, cacheDirectory, settings),
    );
    return engines.then((all) => all.of(name, root));
  };
  const shared = createSharedCache(settings, host.log);
  let model: StaticModelShared | undefined;
  const loadModel = () => {
    model ??= loadStaticModel(
      host.files,
      packageFile("models", "static"),
      loadKernels(host.files),
      packageFile("dist", "vocabulary.bin"),
    );
    return model;
  };
  return {
    async open(folder, own = settings) {
      const workspace = await SharedWorkspace.open({
        host,
        settings: own,
        opening: typeof folder === "string" ? beginOpening(host, own, folder) : folder,
        model: loadModel,
        chosen,
        shared,
        threads: settings["index.threads"] || defaultThreads(),
        maxCacheBytes: options.role === "editor" ? settings["cache.maxSizeMb"] * 1e6 : 0,
        role: options.role,
        translation: options.translation,
      });
      open.add(workspace);
      return workspace;
    },
    async close() {
      const closing = [...open].map((workspace) => workspace.close());
      open.clear();
      await Promise.all(closing);
      await engines?.then((all) => all.close());
      shared?.close();
    },
    retryEngine() {
      void engines?.then((all) => all.tryAgain());
    },
  };
}

/** Half of the cores, and both of two. */
function defaultThreads(): number {
  return Math.max(2, Math.min(8, Math.floor(availableParallelism() / 2)));
}
