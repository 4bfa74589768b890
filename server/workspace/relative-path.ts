import { isAbsolute, relative, sep } from "node:path";

/** The path relative to the root with forward slashes, or undefined when it lies outside. */
export function relativePath(root: string, path: string): string | undefined {
  const inside = relative(root, path);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
  return sep === "/" ? inside : inside.split(sep).join("/");
}
