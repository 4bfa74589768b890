import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The version of node-llama-cpp that comes with Cairn; its packages fit no other. */
export const LLAMA_VERSION = "3.21.1";

/** Where packages with llama.cpp for graphics processors are put when the user gets them. */
export function gpuPackageFolder(cacheDirectory: string): string {
  return join(cacheDirectory, "gpu", LLAMA_VERSION);
}

/**
 * Lets node-llama-cpp find the packages in a folder, besides those that npm has installed. It looks for them by their
 * names and where its own files lie, which for what is downloaded later is no place to write to. For this process alone.
 * @param folder with `@node-llama-cpp/...` below; it need not be there
 */
export function offerGpuPackages(folder: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith("@node-llama-cpp/")) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch (error) {
        const entry = join(folder, ...specifier.split("/"), "dist", "index.js");
        if (!existsSync(entry)) throw error;
        return { url: pathToFileURL(entry).href, format: "module", shortCircuit: true };
      }
    },
  });
}
