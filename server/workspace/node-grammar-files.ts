import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { packageFile } from "../package-files.ts";
import { grammarFile } from "./grammar-packages.ts";

/** Where the parser's runtime and its grammars come from. */
export interface GrammarFiles {
  /** The bytes of a grammar or of `web-tree-sitter.wasm`. Throws when the file is missing. */
  read(name: string): Uint8Array<ArrayBuffer>;
  /** A fresh copy of the runtime's module, with a memory of its own. */
  runtime(): typeof import("web-tree-sitter");
}

/** The files as they ship in `dist/grammars`, or from the npm packages when running from source. */
export function nodeGrammarFiles(): GrammarFiles {
  const require = createRequire(import.meta.url);
  return {
    read: (name) => new Uint8Array(readFileSync(grammarPath(name, require))),
    runtime() {
      // The runtime keeps its WebAssembly memory in a module variable; forgetting the module is the only way to get
      // a new one after a trap.
      const path = grammarPath("web-tree-sitter.cjs", require);
      delete require.cache[path];
      return require(path);
    },
  };
}

function grammarPath(name: string, require: NodeJS.Require): string {
  const shipped = packageFile("dist", "grammars", name);
  if (existsSync(shipped)) return shipped;
  if (name.startsWith("web-tree-sitter.")) return join(dirname(require.resolve("web-tree-sitter")), name);
  return require.resolve(grammarFile(name));
}
