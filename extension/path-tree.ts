/** What lies directly in one folder of a flat list of paths. */
export interface FolderEntries<File> {
  /** Folders that hold files of the list at any depth, and how many. */
  folders: { name: string; files: number }[];
  files: { name: string; file: File }[];
}

/** @param folder as in the paths, with forward slashes; "" is the top. */
export function entriesIn<File extends { path: string }>(all: readonly File[], folder: string): FolderEntries<File> {
  const prefix = folder === "" ? "" : `${folder}/`;
  const folders = new Map<string, number>();
  const files: { name: string; file: File }[] = [];
  for (const file of all) {
    if (!file.path.startsWith(prefix)) continue;
    const rest = file.path.slice(prefix.length);
    const end = rest.indexOf("/");
    if (end === -1) files.push({ name: rest, file });
    else folders.set(rest.slice(0, end), (folders.get(rest.slice(0, end)) ?? 0) + 1);
  }
  return {
    folders: [...folders].map(([name, count]) => ({ name, files: count })).sort(byName),
    files: files.sort(byName),
  };
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name);
}
