import type { IndexStatus, SearchAnswer, SearchRequest, SkippedFile } from "./search-types.ts";

/**
 * Every message of Cairn's own over LSP, by direction. A name and the types of what it carries: the shells turn these
 * into requests of their LSP library, which this file knows nothing of.
 */
export interface RequestOf<Params, Result> {
  readonly method: string;
  readonly types?: (params: Params) => Result;
}

export interface NotificationOf<Params> {
  readonly method: string;
  readonly types?: (params: Params) => void;
}

/** A workspace folder; undefined means all that are open. */
export interface RootParams {
  rootUri?: string;
}

export interface RootedHit {
  rootUri: string;
  answer: SearchAnswer;
}

export interface StatusOfRoot {
  rootUri: string;
  status: IndexStatus;
}

export interface SkippedOfRoot {
  rootUri: string;
  skipped: readonly SkippedFile[];
}

/** Client to server. */
export const ToServer = {
  /** The search view and any editor: one answer per open folder. A newer search cancels the older one by LSP cancellation. */
  search: { method: "cairn/search" } as RequestOf<SearchRequest & RootParams, RootedHit[]>,
  /** Status of each open folder. */
  status: { method: "cairn/status" } as RequestOf<RootParams, StatusOfRoot[]>,
  /** Files left out, with reasons. */
  skipped: { method: "cairn/skipped" } as RequestOf<RootParams, SkippedOfRoot[]>,
  /** Stops indexing after the running batch; search goes on. */
  pause: { method: "cairn/pause" } as RequestOf<RootParams, null>,
  resume: { method: "cairn/resume" } as RequestOf<RootParams, null>,
  /** Drops the index and builds it again; vectors of known content are kept. */
  rebuild: { method: "cairn/rebuild" } as RequestOf<RootParams, null>,
} as const;

/** Server to client. */
export const ToClient = {
  /** Each change of a folder's status, at most ten a second; the status item shows it. */
  statusChanged: { method: "cairn/statusChanged" } as NotificationOf<StatusOfRoot>,
} as const;
