import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { benchFolder } from "./corpus.ts";

/**
 * Packages that Cairn is set beside and does not depend on: one of them brings an image library under the LGPL and half a
 * gigabyte. They are fetched when they are measured, and lie where the measured code bases do.
 */
export const PEERS = { usearch: "2.26.2", "@huggingface/transformers": "4.3.1" } as const;
export type PeerName = keyof typeof PEERS;

/** A package that is there, or why it is not. */
export type BroughtPeer = { readonly folder: string } | { readonly reason: string };

/** Installs a package with what it needs, once, without running any of its scripts. */
export function bringPeer(name: PeerName): BroughtPeer {
  const spec = `${name}@${PEERS[name]}`;
  const folder = benchFolder("peers", spec.replaceAll(/[@/]+/g, "-").replace(/^-/, ""));
  if (existsSync(folder)) return { folder };
  mkdirSync(benchFolder("peers"), { recursive: true });
  const incomplete = mkdtempSync(benchFolder("peers", "incomplete-"));
  writeFileSync(join(incomplete, "package.json"), '{ "private": true }\n');
  const args = ["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", spec];
  const { status, error, stderr } = spawnSync("npm", args, {
    cwd: incomplete,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    rmSync(incomplete, { recursive: true, force: true });
    const why = (error?.message ?? stderr).trim().split("\n").at(-1) ?? "";
    return { reason: `npm could not install ${spec} (${why || `exit code ${status}`}).` };
  }
  renameSync(incomplete, folder);
  return { folder };
}

/** Loads a package that was brought; what it throws is the reason why it cannot be measured here. */
export function loadPeer<Module>(name: PeerName): { readonly module: Module } | { readonly reason: string } {
  const brought = bringPeer(name);
  if ("reason" in brought) return brought;
  try {
    return { module: createRequire(join(brought.folder, "package.json"))(name) };
  } catch (error) {
    return { reason: `${name} cannot be loaded on this machine (${(error as Error).message.split("\n")[0]}).` };
  }
}
