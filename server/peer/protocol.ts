import { NotificationType, RequestType } from "vscode-jsonrpc/node";
import type { FileStatus, IndexedFolder } from "../../shared/index-contents.ts";
import type { Phrase } from "../../shared/phrase.ts";
import type {
  CodeExcerpt,
  IndexStatus,
  ReadRequest,
  SearchAnswer,
  SearchRequest,
  SimilarRequest,
  SkippedFile,
  SymbolHit,
} from "../../shared/search-types.ts";
import type { Role } from "../core-api.ts";

/** Raise when a message changes: processes of two versions then leave each other alone. */
export const PEER_VERSION = 8;

export interface Hello {
  version: number;
  role: Role;
  pid: number;
}

/**
 * From a process that opened a root to the one that indexes it. What an answer says to people travels as phrases: the
 * two need not speak the same language.
 */
export const Peer = {
  /** First message; an editor's hello makes a terminal give the index up. */
  hello: new RequestType<Hello, Hello, unknown>("hello"),
  search: new RequestType<SearchRequest, SearchAnswer<Phrase>, unknown>("search"),
  similar: new RequestType<SimilarRequest, SearchAnswer<Phrase>, unknown>("similar"),
  read: new RequestType<ReadRequest, CodeExcerpt, unknown>("read"),
  symbols: new RequestType<{ query: string; limit: number }, readonly SymbolHit[], unknown>("symbols"),
  status: new RequestType<null, IndexStatus<Phrase>, unknown>("status"),
  skipped: new RequestType<null, readonly SkippedFile<Phrase>[], unknown>("skipped"),
  fileStatus: new RequestType<{ path: string }, FileStatus<Phrase> | null, unknown>("fileStatus"),
  indexedIn: new RequestType<{ folder: string }, IndexedFolder, unknown>("indexedIn"),
  /** Answered when the index is idle. */
  idle: new RequestType<null, IndexStatus<Phrase>, unknown>("idle"),
  changed: new NotificationType<readonly string[]>("changed"),
  prioritise: new NotificationType<readonly string[]>("prioritise"),
  edited: new NotificationType<{ path: string; text: string | null }>("edited"),
  control: new NotificationType<"rescan" | "pause" | "resume" | "rebuild">("control"),
  /** From the holder, on each change. */
  statusChanged: new NotificationType<IndexStatus<Phrase>>("statusChanged"),
  /** From a terminal that is about to give the index to an editor: no other process should take it first. */
  yieldsToEditor: new NotificationType<null>("yieldsToEditor"),
} as const;
