import type { VectorsStatus } from "./search-types.ts";

/** What it takes to search a folder by another model. */
export interface EmbeddingCost {
  /** As `cairn.embedding.model` takes it. */
  readonly model: string;
  readonly folder: string;
  readonly files: number;
  readonly chunks: number;
  /** Measured here, on code of the folder; 0 where it has none, and for a server, whose limits decide. */
  readonly textsPerSecond: number;
  readonly seconds: number;
  /** Of the vectors on disk. */
  readonly bytes: number;
  readonly vectors: VectorsStatus;
  /** What is there already, of all folders; empty for nothing. */
  readonly stored: readonly StoredVectors[];
}

/** Vectors of a model on disk. */
export interface StoredVectors {
  readonly kind: "int8" | "int8-calibrated" | "int4";
  readonly dims: number;
  readonly count: number;
  /** Whether what is wanted can be made of them without embedding. */
  readonly usable: boolean;
}

/** What embedding a folder sends to a server. */
export interface EmbeddingFee {
  /** As `cairn.embedding.model` takes it. */
  readonly model: string;
  readonly provider: string;
  /** The origin of its address. */
  readonly destination: string;
  /** On another machine. */
  readonly remote: boolean;
  readonly folder: string;
  readonly files: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Files that match `cairn.neverSend`: they stay here, and are found by their words. */
  readonly withheld: number;
  /** US dollars, rather too many; undefined when nobody has said what the model costs. */
  readonly dollars: number | undefined;
}

/** A model of the catalogue, as one that can be chosen. */
export interface CatalogChoice {
  readonly id: string;
  readonly about: string;
  readonly licence: string;
  readonly dims: number;
  /** As `cairn.embedding.model` takes it, for the precision that is on this machine, or the smallest there is. */
  readonly name: string;
  readonly onDisk: boolean;
  /** Of that precision's files. */
  readonly bytes: number;
}

/** Who runs embedding models on servers. */
export interface ServerChoice {
  readonly provider: string;
  /** The origin of its address; empty while it has none. */
  readonly destination: string;
  /** False while it wants a key and there is none. */
  readonly hasKey: boolean;
}

/** What can be chosen, and what is. */
export interface EmbeddingChoices {
  /** `bundled`, or a name as `cairn.embedding.model` takes it. */
  readonly chosen: string;
  readonly models: readonly CatalogChoice[];
  readonly servers: readonly ServerChoice[];
}

/** What a choice costs, for each open folder. */
export interface ChoiceCosts {
  /** Of a model on this machine. */
  readonly costs: readonly EmbeddingCost[];
  /** Of one on a server; `agreed` where the user has agreed to it before, or nothing leaves this machine. */
  readonly fees: readonly (EmbeddingFee & { readonly agreed: boolean })[];
}

/** How far the download of a model is that a request named a task for. */
export interface DownloadProgress {
  readonly task: number;
  readonly done: number;
  readonly total: number;
}
