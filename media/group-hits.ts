import type { PanelHit } from "../shared/webview-messages.ts";

/** The hits of one file, best first. */
export interface FileGroup {
  /** Folder and path, unique among the groups of one answer. */
  key: string;
  name: string;
  /** The folder of the file, with the workspace folder's name before it when several are open; may be empty. */
  folder: string;
  hits: readonly PanelHit[];
}

/** Groups hits by file; a file stands where its best hit stood. */
export function groupByFile(hits: readonly PanelHit[]): FileGroup[] {
  const groups = Map.groupBy(hits, ({ rootUri, path }) => `${rootUri}\n${path}`);
  return [...groups].map(([key, inFile]) => {
    const { path, rootName } = inFile[0];
    const slash = path.lastIndexOf("/");
    const folder = [rootName, path.slice(0, Math.max(0, slash))].filter(Boolean).join(" • ");
    return { key, name: path.slice(slash + 1), folder, hits: inFile };
  });
}
