import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Path of a Node on this machine that is too old for Cairn itself, to try what must work under it; or undefined. */
export function olderNode(): string | undefined {
  const binary = process.platform === "win32" ? "node.exe" : "node";
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, binary))
    .filter((path) => existsSync(path))
    .find(
      (path) => Number(execFileSync(path, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" })) < 22,
    );
}
