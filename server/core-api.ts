import type { FileStatus, IndexedFolder } from "../shared/index-contents.ts";
import type { Phrase } from "../shared/phrase.ts";
import type {
  CodeExcerpt,
  IndexStatus,
  ReadRequest,
  SearchAnswer,
  SearchRequest,
  SimilarRequest,
  SkippedFile,
  SymbolHit,
} from "../shared/search-types.ts";
import type { Settings } from "../shared/settings.ts";
import type { Opening } from "./opening.ts";

/** The library that every shell (LSP, terminal) stands on. */
export interface Core {
  /**
   * Opens the index of one root, creating it if needed, and starts bringing it up to date in the background.
   * @param root the folder, or what a shell has begun of it already.
   * @param settings this folder's own, where they differ from the core's.
   */
  open(root: string | Opening, settings?: Settings): Promise<Workspace>;
  /** Closes every workspace that is still open. */
  close(): Promise<void>;
  /** What the chosen model's engine may have waited for, such as a key, is there. */
  retryEngine(): void;
}

/**
 * One indexed root. The same interface whether this process holds the index or asks the process that does;
 * when that process dies, this one takes over without the caller noticing.
 * `Text` is what its answers say to people: in words for the shells, phrases below them.
 */
export interface Workspace<Text = string> {
  /** Absolute, real path. */
  readonly root: string;
  /** Answers at once from what is indexed; files that are not indexed yet are searched by their text. */
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchAnswer<Text>>;
  /** Code that is like the given code, best first; the place it comes from is left out. */
  similar(request: SimilarRequest, signal?: AbortSignal): Promise<SearchAnswer<Text>>;
  /**
   * Code of one file, for programs that may see what the index sees and no more.
   * @throws CairnError("input") for a path outside the root, a file that is left out of the index, or is not there.
   */
  read(request: ReadRequest, signal?: AbortSignal): Promise<CodeExcerpt>;
  /** Symbols whose name matches the query the way `workspace/symbol` expects (subsequence, case-insensitive). */
  symbols(query: string, limit: number, signal?: AbortSignal): Promise<readonly SymbolHit[]>;
  status(): Promise<IndexStatus<Text>>;
  /** Calls back on each change of status, at most ten times a second. */
  onStatus(listener: (status: IndexStatus<Text>) => void): { dispose(): void };
  skipped(): Promise<readonly SkippedFile<Text>[]>;
  /** What is known of one file, by its absolute path; undefined for one outside the root. */
  fileStatus(path: string): Promise<FileStatus<Text> | undefined>;
  /** What lies in a folder (relative to the root, forward slashes; "" is the root) and can be found. */
  indexedIn(folder: string): Promise<IndexedFolder>;
  /** Absolute paths that were created, changed or deleted (a folder means all below it). */
  changed(paths: readonly string[]): void;
  /** Absolute paths to index before all others (open editors). */
  prioritise(paths: readonly string[]): void;
  /**
   * A file is searched as it is on screen, until it is as on disk again. Nothing of the text is written anywhere.
   * @param path absolute; one that is outside the root or not indexed is ignored.
   * @param text all of the file; undefined when it was saved or closed.
   */
  edited(path: string, text: string | undefined): void;
  /** Looks at the whole tree again; only what differs is read. */
  rescan(): void;
  pause(): void;
  resume(): void;
  /** Drops the index of this root (not the vectors) and builds it again. */
  rebuild(): void;
  /** Resolves when everything known so far is indexed (or paused or failed); tests and the terminal wait on this. */
  idle(signal?: AbortSignal): Promise<IndexStatus<Text>>;
  close(): Promise<void>;
}

/** As much of a workspace as an answer needs. */
export type SearchedCode = Pick<Workspace, "search" | "read">;

/** A root that this process indexes, for other processes too. */
export interface HeldWorkspace extends Workspace<Phrase> {
  /** {@link Workspace.edited} in another process's window; the last edit of a file wins. */
  editedIn(window: object, path: string, text: string | undefined): void;
  /** That process has gone, and its unsaved edits with it. */
  forgetEdits(window: object): void;
}

/** Who opens a root: an editor takes the index over from a terminal. */
export type Role = "editor" | "terminal";
