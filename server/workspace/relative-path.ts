import { isAbsolute, relative, sep } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** The path relative to the root with forward slashes, or undefined when it lies outside. */
export function relativePath(root: string, path: string): string | undefined {
  const inside = relative(root, path);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
  return sep === "/" ? inside : inside.split(sep).join("/");
}

/**
 * A path that someone else gives, relative to the root with forward slashes.
 * @throws CairnError("input") for one that is absolute or leads out of the root by its name; links are for the reader.
 */
export function givenPath(root: string, given: string): string {
  const path = (sep === "/" ? given : given.replaceAll(sep, "/")).replace(/^(?:\.\/)+/, "");
  const leavesRoot = isAbsolute(path) || path.split("/").includes("..") || (sep !== "/" && path.includes(":"));
  if (path !== "" && !path.includes("\0") && !leavesRoot) return path;
  throw new CairnError(
    "input",
    phrase('"{0}" is not a path inside {1}.', given, root),
    phrase("Give a path relative to that folder."),
  );
}

/** So many folders are compared with a path sooner than its parts are cut off and looked up. */
const FEW = 8;

/** True for a relative path that is one of the folders (or files), or lies below one. */
export function isAtOrBelow(path: string, folders: ReadonlySet<string>): boolean {
  // Asked of every file there is whenever one is saved, and then of no folder or one.
  if (folders.size <= FEW) {
    for (const folder of folders) {
      if (path.startsWith(folder) && (path.length === folder.length || path[folder.length] === "/")) return true;
    }
    return false;
  }
  if (folders.has(path)) return true;
  for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
    if (folders.has(path.slice(0, slash))) return true;
  }
  return false;
}
