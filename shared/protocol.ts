import type { AnswerPart, AskRequest, AskResult, Destination, ProviderKey } from "./answer-types.ts";
import type { AssistRequest } from "./assistant-tools.ts";
import type {
  CollectedDelta,
  CollectParams,
  CompressedModel,
  CompressParams,
  DeltaContents,
  DeltaEstimate,
  DeltaManner,
  DeltaProgress,
  DerivedDownload,
  EstimateParams,
  FindBasesParams,
  FoundBases,
  FoundDescents,
  ReconstructedModel,
  ReconstructParams,
  ScanParams,
  VerifiedDelta,
  VerifyParams,
} from "./delta-types.ts";
import type { Finding } from "./diagnosis.ts";
import type {
  EditorFailure,
  EditorModel,
  EditorModelRequest,
  ModelText,
  OfferedModel,
  OfferedModelRequest,
} from "./editor-model-types.ts";
import type {
  ChoiceCosts,
  DownloadProgress,
  EmbeddingChoices,
  FormChoice,
  Overruled,
  PrecisionChoice,
  WantedForm,
} from "./embedding-types.ts";
import type { GottenLibraries, GpuLibraryName, GpuOffers } from "./gpu-types.ts";
import type { Health } from "./health-types.ts";
import type { FileStatus, IndexedFolder } from "./index-contents.ts";
import type { LocalLlmChoices } from "./local-llm-types.ts";
import type { IndexStatus, SearchAnswer, SearchRequest, SimilarRequest, SkippedFile } from "./search-types.ts";

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

/** What deleting all data did. */
export interface DeletedData {
  freedBytes: number;
  /** Folders whose index is in use by another process and was kept. */
  kept: readonly string[];
}

/** Client to server. */
export const ToServer = {
  /** The search view and any editor: one answer per open folder. A newer search cancels the older one by LSP cancellation. */
  search: { method: "cairn/search" } as RequestOf<SearchRequest & RootParams, RootedHit[]>,
  /** Code like the given code: one answer per open folder. `path` is relative to the folder that `rootUri` names. */
  similar: { method: "cairn/similar" } as RequestOf<SimilarRequest & RootParams, RootedHit[]>,
  /**
   * The chat: answers a question about all open folders. The answer comes in parts, as notifications; this request ends
   * after the last of them. Cancelled, it ends the provider's request.
   */
  ask: { method: "cairn/ask" } as RequestOf<AskRequest, AskResult>,
  /** The user agrees that questions and code are sent there, now and in future. */
  agree: { method: "cairn/agree" } as RequestOf<{ destinations: readonly Destination[] }, null>,
  /** The keys that the client keeps for the user; each call gives all of them. They win over the environment. */
  keys: { method: "cairn/keys" } as RequestOf<{ keys: readonly ProviderKey[] }, null>,
  /** Pieces of what a model of the editor's writes, as the client gets them. */
  editorText: { method: "cairn/editorText" } as NotificationOf<ModelText>,
  /** The models that the client may offer to other extensions and to the editor's chat. */
  offeredModels: { method: "cairn/offeredModels" } as RequestOf<Record<string, never>, readonly OfferedModel[]>,
  /** Somebody there asks one of them. What it writes comes in pieces, as notifications, before this request ends. */
  askOffered: { method: "cairn/askOffered" } as RequestOf<OfferedModelRequest, OfferedAnswer>,
  /** Runs a tool of a coding assistant over all open folders and answers with text for a model. */
  assist: { method: "cairn/assist" } as RequestOf<AssistRequest, string>,
  /** Status of each open folder. */
  status: { method: "cairn/status" } as RequestOf<RootParams, StatusOfRoot[]>,
  /** Files left out, with reasons. */
  skipped: { method: "cairn/skipped" } as RequestOf<RootParams, SkippedOfRoot[]>,
  /** What the index knows of one file; null for a file outside the open folders. */
  fileStatus: { method: "cairn/fileStatus" } as RequestOf<{ uri: string }, FileStatus | null>,
  /** What lies in one folder (relative to the root, "" is the root) and can be found. */
  indexedIn: { method: "cairn/indexedIn" } as RequestOf<{ rootUri: string; folder: string }, IndexedFolder>,
  /** Tries everything that Cairn needs of the machine. */
  doctor: { method: "cairn/doctor" } as RequestOf<Record<string, never>, Finding[]>,
  /** Whether all that is asked works, and how well. */
  health: { method: "cairn/health" } as RequestOf<Record<string, never>, Health>,
  /** Closes every folder, deletes all indexes and vectors that no other process uses, and opens the folders again. */
  deleteAll: { method: "cairn/deleteAll" } as RequestOf<Record<string, never>, DeletedData>,
  /** Stops indexing after the running batch; search goes on. */
  pause: { method: "cairn/pause" } as RequestOf<RootParams, null>,
  resume: { method: "cairn/resume" } as RequestOf<RootParams, null>,
  /** Drops the index and builds it again; vectors of known content are kept. */
  rebuild: { method: "cairn/rebuild" } as RequestOf<RootParams, null>,
  /** The embedding models that can be chosen, and the one that is. Asks nobody. */
  embeddingModels: { method: "cairn/embedding/models" } as RequestOf<Record<string, never>, EmbeddingChoices>,
  /** The precisions that the repository of a model has, or a folder with one; of a repository the Hub is asked. */
  embeddingPrecisions: { method: "cairn/embedding/precisions" } as RequestOf<
    { model: string },
    readonly PrecisionChoice[]
  >,
  /** How the vectors of a model can be kept; with dimensions, in so many. Refused for such as it was not trained for. */
  embeddingForms: { method: "cairn/embedding/forms" } as RequestOf<
    { model: string; dimensions?: string },
    readonly FormChoice[]
  >,
  /** What a model would cost for the open folders; waits until they are indexed. Nothing is sent anywhere. */
  embeddingCosts: { method: "cairn/embedding/costs" } as RequestOf<{ model: string; form?: WantedForm }, ChoiceCosts>,
  /** Downloads a model of the catalogue, with progress for a task. What a cancelled one has brought stays for the next. */
  embeddingPull: { method: "cairn/embedding/pull" } as RequestOf<{ model: string; task: number }, { model: string }>,
  /**
   * Searches by a model from now on, in all windows and terminals. For one on a server the user has agreed that the open
   * folders' code is sent there. Without a form its vectors are kept as they were.
   */
  embeddingUse: { method: "cairn/embedding/use" } as RequestOf<{ model: string; form?: WantedForm }, Overruled>,
  /** What this machine computes with, and which libraries for its graphics processor could be downloaded. */
  gpuLibraries: { method: "cairn/gpu/libraries" } as RequestOf<Record<string, never>, GpuOffers>,
  /** Downloads such libraries, with progress for a task; the user has agreed. Engines start anew with them. */
  gpuGet: { method: "cairn/gpu/get" } as RequestOf<{ name: GpuLibraryName; task: number }, GottenLibraries>,
  /** The language models that can answer on this machine, and the one that does. Asks nobody. */
  localLlms: { method: "cairn/localLlm/models" } as RequestOf<Record<string, never>, LocalLlmChoices>,
  /** Downloads one of them, with progress for a task as for an embedding model. */
  localLlmPull: { method: "cairn/localLlm/pull" } as RequestOf<{ model: string; task: number }, null>,
  /**
   * Answers with a model from now on where the provider is `llama` or `local`, in all windows and terminals: an id of the
   * list, or the absolute path of a GGUF file. `overruledBy` is what the settings or the environment say instead.
   */
  localLlmUse: { method: "cairn/localLlm/use" } as RequestOf<{ model: string }, { path: string; overruledBy: string }>,
  /** The delta workbench; paths are absolute, and no folder need be open. Says from a sample what a delta would save. */
  deltaEstimate: { method: "cairn/delta/estimate" } as RequestOf<EstimateParams & DeltaManner, DeltaEstimate>,
  /** Writes the delta that turns the base into the fine-tune. Cancelled, it leaves nothing. */
  deltaCompress: { method: "cairn/delta/compress" } as RequestOf<CompressParams & DeltaManner, CompressedModel>,
  /** What a delta's manifest says of each tensor. */
  deltaDescribe: { method: "cairn/delta/describe" } as RequestOf<{ delta: string } & DeltaManner, DeltaContents>,
  /** Rebuilds everything in memory and compares every SHA-256. */
  deltaVerify: { method: "cairn/delta/verify" } as RequestOf<VerifyParams & DeltaManner, VerifiedDelta>,
  /** Rebuilds the fine-tune. Cancelled, it leaves nothing. */
  deltaReconstruct: { method: "cairn/delta/reconstruct" } as RequestOf<
    ReconstructParams & DeltaManner,
    ReconstructedModel
  >,
  /** Which models one may have been made from, with what speaks for each. Reads headers and samples of weights. */
  deltaFindBases: { method: "cairn/delta/findBases" } as RequestOf<FindBasesParams & DeltaManner, FoundBases>,
  /** Which models in a folder were made from which. Reads headers and samples of weights. */
  deltaScan: { method: "cairn/delta/scan" } as RequestOf<ScanParams & DeltaManner, FoundDescents>,
  /** Makes a delta in a folder of deltas, checks it and lists it there, so that it can be undone. */
  deltaCollect: { method: "cairn/delta/collect" } as RequestOf<CollectParams & DeltaManner, CollectedDelta>,
  /** What a folder of deltas lists; nothing when it is none. */
  deltaCollection: { method: "cairn/delta/collection" } as RequestOf<
    { folder: string } & DeltaManner,
    readonly CollectedDelta[]
  >,
  /** Brings back every original of a folder of deltas that is no longer there, and deletes the deltas. */
  deltaUndo: { method: "cairn/delta/undo" } as RequestOf<{ folder: string } & DeltaManner, readonly CollectedDelta[]>,
} as const;

/** How a request to an offered model ended. */
export type OfferedAnswer =
  | { readonly kind: "answered" }
  /** Nothing was sent: the user has to agree first. */
  | { readonly kind: "consent"; readonly destinations: readonly Destination[] };

/** The next parts of the answer to a question, by its task. */
export interface AnswerProgress {
  task: number;
  parts: readonly AnswerPart[];
}

/** Server to client. */
export const ToClient = {
  /** Parts of an answer, as they come. */
  answerParts: { method: "cairn/answerParts" } as NotificationOf<AnswerProgress>,
  /** Which model of the editor's a name stands for; empty for the first there is. Asked before each answer of one. */
  editorModel: { method: "cairn/editorModel" } as RequestOf<{ model: string }, EditorModel | EditorFailure>,
  /** A model of the editor's is to answer. Its words go to the server as `editorText`, before this request ends. */
  askEditor: { method: "cairn/askEditor" } as RequestOf<EditorModelRequest, EditorFailure | null>,
  /** Pieces of what an offered model writes. */
  offeredText: { method: "cairn/offeredText" } as NotificationOf<ModelText>,
  /** Each change of a folder's status, at most ten a second; the status item shows it. */
  statusChanged: { method: "cairn/statusChanged" } as NotificationOf<StatusOfRoot>,
  /** How far a download of a model or of libraries is, at most ten a second. */
  embeddingProgress: { method: "cairn/embedding/progress" } as NotificationOf<DownloadProgress>,
  /** How far a request about deltas is that named a task, at most ten a second. */
  deltaProgress: { method: "cairn/delta/progress" } as NotificationOf<DeltaProgress>,
  /** A download of which a delta would save enough; only while `cairn.delta.watchDownloads` is on. */
  derivedDownload: { method: "cairn/delta/derivedDownload" } as NotificationOf<DerivedDownload>,
} as const;
