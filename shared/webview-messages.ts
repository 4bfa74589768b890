import type { SearchFilter } from "./search-filters.ts";
import type { IndexPhase, SearchHit } from "./search-types.ts";

/** A hit as the search view shows it: with the folder it lies in. */
export interface PanelHit extends SearchHit {
  rootUri: string;
  /** Name of the folder; empty when only one is open. */
  rootName: string;
}

/** What the search view knows about the server and the index. */
export type PanelState =
  | { kind: "starting" }
  | { kind: "no-folder" }
  | { kind: "untrusted" }
  /** The editor's Node cannot run the server. */
  | { kind: "unsupported"; message: string }
  /** The server crashed too often to be started again without being asked. */
  | { kind: "crashed"; message: string }
  | { kind: "open"; index: PanelIndex };

/** The indexes of all open folders as one. */
export interface PanelIndex {
  phase: IndexPhase;
  /** Files and chunks that can be found now. */
  files: number;
  chunks: number;
  /** Becomes another number whenever something else can be found. */
  changes: number;
  /** Progress of the current round, in files. */
  done: number;
  total: number;
  /** What happened and what to do, when there is something to say. */
  message: string;
}

/** The place of a hit, as much of it as opening it takes. */
export interface HitPlace {
  rootUri: string;
  path: string;
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  focusLine: number;
  /** The text on the focus line that matched; empty when nothing there did. */
  match: string;
}

/** Code whose like is looked for, instead of words. */
export interface SimilarCode {
  /** The folder that the code lies in; undefined for code outside the open folders. */
  rootUri: string | undefined;
  /** Relative to the folder. */
  path: string;
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  text: string;
  /** What it is called: a symbol's name, or its lines. */
  name: string;
}

/** What the view searches for: words, or the like of some code. */
export interface PanelSearch {
  query: string;
  similar?: SimilarCode;
  filters: readonly SearchFilter[];
}

/** `open` focuses the editor, `preview` leaves the focus where it is, `side` opens in a column of its own. */
export type OpenMode = "open" | "preview" | "side";

/** What the buttons of the view can ask for. */
export type PanelCommand =
  | "openFolder"
  | "manageTrust"
  | "pause"
  | "resume"
  | "rebuild"
  | "restart"
  | "showLog"
  | "showContents"
  | "addFilter";

/** Extension to search view. */
export type ToPanel =
  | { type: "state"; state: PanelState }
  /** The answer to the search with this id. `complete` is false while some files are searched by their text alone. */
  | { type: "results"; id: number; hits: readonly PanelHit[]; complete: boolean; tookMs: number }
  /** The search with this id failed. */
  | { type: "failed"; id: number; message: string; hint: string }
  /** One sentence about what the user just did, e.g. that the file of a hit is gone. */
  | { type: "notice"; message: string }
  /** The user asked for the view: put the cursor into the input, with this text unless it is empty. */
  | { type: "focus"; query: string }
  /** The user asked for code like this. */
  | { type: "similar"; code: SimilarCode }
  | { type: "addFilter"; filter: SearchFilter }
  /** What was asked in this workspace, newest first. */
  | { type: "history"; queries: readonly string[] };

/** Search view to extension. */
export type FromPanel =
  /** The view is loaded and wants its state. */
  | { type: "ready" }
  /** A newer search replaces an older one that still runs; one for nothing only stops it. */
  | { type: "search"; id: number; search: PanelSearch }
  /** The user made use of this query, so it goes into the history. */
  | { type: "asked"; query: string }
  | { type: "open"; place: HitPlace; mode: OpenMode }
  | { type: "command"; command: PanelCommand };
