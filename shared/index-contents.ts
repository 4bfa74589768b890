/** What the index holds of a folder and of a file, for people who ask why something is found or not. */

/** How a file was cut: along its declarations, by its headings, or in overlapping windows of lines. */
export type FileShape = "syntax" | "headings" | "windows";

export type FileStatus<Text = string> =
  | {
      state: "indexed";
      /** Name of the language, for people. */
      language: string;
      shape: FileShape;
      chunks: number;
      /** True when the file changed since, and the new content waits to be indexed. */
      outdated: boolean;
    }
  /** `code` and `reason` as in SkippedFile; `path` is the file, or the folder around it that is left out. */
  | { state: "left-out"; code: string; reason: Text; path: string }
  /** Not indexed yet. */
  | { state: "waiting" };

/** What of one folder can be found, without what lies deeper. Sorted by name. */
export interface IndexedFolder {
  /** Folders that hold indexed files at any depth, and how many. */
  folders: readonly { name: string; files: number }[];
  files: readonly { name: string; language: string; shape: FileShape; chunks: number }[];
}
