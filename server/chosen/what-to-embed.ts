import { join } from "node:path";
import { withheldBy } from "../answer/never-send.ts";
import type { Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";

/** The code of a folder that a model would have to embed. */
export interface WhatToEmbed {
  readonly files: number;
  readonly chunks: number;
  /** Of those files: about what is sent to a server. */
  readonly bytes: number;
  /** Files that match `cairn.neverSend`; they are in no other number. */
  readonly withheld: number;
}

/**
 * Counts the code of a folder that has been indexed.
 * @param neverSend as the setting has it; empty for a model on this machine
 */
export async function whatToEmbed(
  { files: disk }: Pick<Host, "files">,
  workspace: Pick<Workspace, "root" | "indexedIn">,
  neverSend: readonly string[],
): Promise<WhatToEmbed> {
  const isWithheld = withheldBy(neverSend);
  const sum = { files: 0, chunks: 0, bytes: 0, withheld: 0 };
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const inside = await workspace.indexedIn(folder);
    const pathOf = (name: string) => (folder === "" ? name : `${folder}/${name}`);
    folders.push(...inside.folders.map(({ name }) => pathOf(name)));
    for (const { name, chunks } of inside.files) {
      const path = pathOf(name);
      if (isWithheld(path)) sum.withheld++;
      else {
        sum.files++;
        sum.chunks += chunks;
        sum.bytes += sizeOf(disk, join(workspace.root, path));
      }
    }
  }
  return sum;
}

/** A file that has just gone takes no room. */
function sizeOf(disk: Host["files"], path: string): number {
  try {
    return disk.stat(path).size;
  } catch {
    return 0;
  }
}
