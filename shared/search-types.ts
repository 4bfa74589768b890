/**
 * What a search asks and answers: plain data, the same in the core, over LSP, in the terminal and in the view. `Text` is
 * a Phrase where it is not settled yet who will read it: between the index and the processes that use it.
 */

/** What a chunk is. `section` is a Markdown heading, `text` a window without syntax. */
export type ChunkKind =
  | "function"
  | "method"
  | "class"
  | "interface"
  | "type"
  | "enum"
  | "module"
  | "constant"
  | "section"
  | "text";

export const CHUNK_KINDS: readonly ChunkKind[] = [
  "function",
  "method",
  "class",
  "interface",
  "type",
  "enum",
  "module",
  "constant",
  "section",
  "text",
];

export interface SearchRequest {
  query: string;
  /** How many hits at the most; default 10, at most 100. */
  limit?: number;
  /** Keep only files that match one of these globs, relative to the root (`src/**`, `*.ts`); a plain folder name means all below it. */
  paths?: readonly string[];
  /** Keep only these languages, by Cairn's language ids (`typescript`, `python`). */
  languages?: readonly string[];
  /** Keep only chunks of these kinds. */
  kinds?: readonly ChunkKind[];
  /**
   * Whether further hits of a file are held back, so that it does not fill a page that someone looks at. Default true; an
   * answer is made from the best pieces, wherever they are.
   */
  diverse?: boolean;
}

/** Looks for code that does what the given code does. Filters and limit as in {@link SearchRequest}. */
export interface SimilarRequest extends Pick<SearchRequest, "limit" | "paths" | "languages" | "kinds"> {
  /** The code; what lies beyond its first 8,000 characters is not looked at. */
  text: string;
  /** Where the code comes from, relative to the root, so that it does not find itself. */
  path?: string;
  /** Its lines in that file, 1-based and inclusive; without them the whole file is left out. */
  startLine?: number;
  endLine?: number;
}

/** Asks for code of a file: the whole symbol around a line, some lines, or all of it. */
export interface ReadRequest {
  /** Relative to the root, forward slashes. */
  path: string;
  /** The line, 1-based, whose whole symbol is wanted. */
  line?: number;
  /** Without `line`: the first and the last line, 1-based and inclusive; by default those of the file. */
  startLine?: number;
  endLine?: number;
}

/** Code of a file as it is now. */
export interface CodeExcerpt {
  path: string;
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  /** Lines of the whole file. */
  lineCount: number;
  text: string;
  /** The symbol around the line that was asked for; empty when there is none. */
  name: string;
  /** Enclosing symbols, outermost first. */
  parents: readonly string[];
}

/** One line of a hit as shown: `ranges` are [start, end) columns in UTF-16 units that matched the query. */
export interface PreviewLine {
  /** 1-based line number. */
  line: number;
  text: string;
  ranges: readonly (readonly [number, number])[];
}

export interface SearchHit<Text = string> {
  /** Relative to the root, forward slashes. */
  path: string;
  /** 1-based, inclusive. */
  startLine: number;
  endLine: number;
  /** The line to open: the best matching line within the span, 1-based. */
  focusLine: number;
  score: number;
  language: string;
  kind: ChunkKind;
  /** Symbol or heading name; empty when there is none. */
  name: string;
  /** Enclosing symbols, outermost first. */
  parents: readonly string[];
  /** One line: why this is here ("defines retry", "file name matches; close in meaning"). */
  reason: Text;
  /** Up to three lines to show, best first match inside; empty when the file can no longer be read. */
  preview: readonly PreviewLine[];
  /** False when the file is not in the index yet and was found by scanning its text. */
  indexed: boolean;
}

export interface SearchAnswer<Text = string> {
  hits: readonly SearchHit<Text>[];
  /** True when every file of the workspace was in the index at the time. */
  complete: boolean;
  /** What was done to the query that the user should know; usually empty. */
  note: Text;
  /** Milliseconds inside the server, preview reading included. */
  tookMs: number;
}

/** A symbol of the index, for `workspace/symbol`. */
export interface SymbolHit {
  path: string;
  name: string;
  kind: ChunkKind;
  parents: readonly string[];
  startLine: number;
  endLine: number;
}

export type IndexPhase = "opening" | "scanning" | "indexing" | "ready" | "paused" | "failed" | "closed";

export interface IndexStatus<Text = string> {
  root: string;
  phase: IndexPhase;
  /** True until the whole tree has been looked at once: only then are `total` and `skipped` whole. */
  walking: boolean;
  /** Files and chunks that can be found now. */
  files: number;
  chunks: number;
  /** How often what can be found has changed since the index was opened: an edit may change no other count. */
  changes: number;
  /** Progress of the current round: files done of files to do. */
  done: number;
  total: number;
  /** Files left out, by reason code. */
  skipped: Readonly<Record<string, number>>;
  /** What happened and what to do, when `phase` is `failed` or something deserves a word; otherwise empty. */
  message: Text;
  /** True in the process that indexes this root, false in one that asks another process. */
  holder: boolean;
  /** Process id of the holder. */
  holderPid: number;
  /** Chunks ever embedded into the user's vector store. */
  embedded: number;
  /** Bytes on disk: index of this root, and the user's vector store. */
  indexBytes: number;
  vectorBytes: number;
  /** What the model that the user chose is doing; absent while there is only the one in the package. */
  embedding?: EmbeddingStatus;
}

/**
 * `loading`: its stored vectors are read and its engine starts. `embedding`: chunks lack a vector. `waiting`: as before,
 * but indexing is paused or under way. `failed`: its engine does not run, or its vectors cannot be made.
 */
export type EmbeddingPhase = "loading" | "embedding" | "waiting" | "ready" | "failed";

/** The chosen model's vectors of one index, and the engine that makes them. */
export interface EmbeddingStatus {
  /** As the setting names it, with its precision: `bge-base-en-v1.5:int8`. */
  model: string;
  phase: EmbeddingPhase;
  /** True while searches compare with this model's vectors, false while those of the model in the package serve. */
  inUse: boolean;
  /** Chunks that have a vector, of those that can be found and may have one. */
  done: number;
  total: number;
  /** Chunks that match `cairn.neverSend` and have none, for the model runs on another machine; absent when there are none. */
  withheld?: number;
  /** How its vectors are kept; absent until that is known. */
  vectors?: VectorsStatus;
  engine: EngineStatus;
}

/** How the vectors of a model are kept, and what that costs and keeps. */
export interface VectorsStatus {
  kind: "int8" | "int8-calibrated" | "int4" | "binary";
  /** Dimensions that are kept, of so many that the model gives. */
  dims: number;
  allDims: number;
  /** Bytes of one vector in memory, and on disk. */
  memoryBytes: number;
  diskBytes: number;
  /** What they find, as measured on code of this machine; absent until that was measured. */
  recall?: MeasuredRecall;
}

/** How many of the ten closest vectors are found when they are kept in fewer bytes. */
export interface MeasuredRecall {
  /** 0 to 1, on average. */
  recall10: number;
  /** Of how many vectors, asked by how many others. */
  vectors: number;
  queries: number;
  /** What the truth was: vectors as the model gives them, or what had been stored of them in int8. */
  against: "float" | "int8";
}

/** An engine since it was first started; several indexes of one process share it. */
export interface EngineStatus {
  /** Of its process; 0 while none runs. */
  pid: number;
  /** What it runs on, for people: "CPU, 2 threads"; absent while none runs, and where no process of this machine does the work. */
  device?: string;
  /** Texts that wait for it, and those that it has at the moment. */
  depth: number;
  /** Texts that it has embedded. */
  texts: number;
  /** Calls of the engine, and how much of a call's budget of tokens was used on average, 0 to 1. */
  batches: number;
  fill: number;
  /** While it was at work; 0 before. */
  tokensPerSecond: number;
  /** Texts that it cannot embed. */
  rejected: number;
  /** Milliseconds that the last questions took, waiting included: their median, and what 95 of 100 stayed below; 0 before any. */
  questionMs: number;
  questionP95Ms: number;
  /** Calls of it that failed, of all, 0 to 1. */
  errorRate: number;
  /** Bytes of memory that its process had at the last call; 0 where it has none here. */
  memoryBytes: number;
  /** How often its process was started again. */
  restarts: number;
}

/** A file or folder that is left out of the index, and why. */
export interface SkippedFile<Text = string> {
  path: string;
  /** Stable code: `ignored`, `excluded`, `secret`, `binary`, `minified`, `generated`, `lock`, `large`, `unreadable`, `special`, `loop`, `encoding`. */
  code: string;
  /** A sentence for people: "matched by .gitignore line 3: node_modules". */
  reason: Text;
}
