import { basename } from "node:path";

/** What to call folders, given by absolute path: their own names, or the whole path for those that share one. */
export function distinctNames(paths: readonly string[]): string[] {
  const names = paths.map((path) => basename(path) || path);
  return names.map((name, i) => (names.filter((other) => other === name).length === 1 ? name : paths[i]));
}
