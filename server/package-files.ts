import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CairnError } from "../shared/errors.ts";
import { phrase } from "../shared/phrase.ts";

/**
 * Absolute path of a file that ships with Cairn, given from the package's root: the same whether the code runs from
 * source, from `dist/` or from an installed extension.
 *
 * @throws {CairnError} `unavailable` when the package is no longer there.
 */
export function packageFile(...parts: string[]): string {
  return join(packageRoot(), ...parts);
}

/**
 * Where a worker or process entry lives: its source when running from source, its bundle otherwise.
 * `name` is the source path without extension from the package's root, e.g. `server/workspace/root-worker`.
 */
export function entryFile(name: string): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith(".ts")) return packageFile(`${name}.ts`);
  return packageFile("dist", `${name.slice(name.lastIndexOf("/") + 1)}.mjs`);
}

/**
 * Absolute path of the ripgrep binary for this platform: the one that was packaged, else the one from npm.
 *
 * @throws {CairnError} `unavailable` when there is none.
 */
export function ripgrepPath(): string {
  const name = process.platform === "win32" ? "rg.exe" : "rg";
  const packaged = packageFile("dist", "bin", name);
  if (existsSync(packaged)) return packaged;
  const platform = `${process.platform}-${process.arch}`;
  try {
    const library = createRequire(import.meta.url).resolve("@vscode/ripgrep-universal");
    const installed = join(dirname(library), "..", "bin", platform, name);
    if (existsSync(installed)) return installed;
  } catch {
    // Not installed: the same as not there for this platform.
  }
  throw new CairnError("unavailable", phrase("There is no ripgrep for {0}.", platform), phrase("Install Cairn again."));
}

/** @throws {CairnError} `unavailable` when Cairn was removed, or replaced by another version, while it runs. */
function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) {
      throw new CairnError(
        "unavailable",
        phrase("Cairn's own files are no longer in {0}.", here),
        phrase("It was updated or removed: start it again."),
      );
    }
  }
}
