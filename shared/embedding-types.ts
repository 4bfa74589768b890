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

/** What is wanted of the vectors of a model, as settings and `cairn models use` say it. */
export interface WantedForm {
  /** `int8`, `int4` or `binary`; empty for what is usual. */
  readonly vectors: string;
  /** A number, `all`, or the name of a preset; with `!` behind it whatever the model was trained for. Empty means all. */
  readonly dimensions: string;
}

/** A model in one precision of its weights. */
export interface PrecisionChoice {
  readonly precision: string;
  /** As `cairn.embedding.model` takes it. */
  readonly name: string;
  readonly onDisk: boolean;
  /** Of all files that it needs. */
  readonly bytes: number;
  /** Whether the content of its files is known before they are downloaded; else what the Hub says then holds. */
  readonly pinned: boolean;
}

/** A form in which the vectors of a model can be kept. */
export interface FormChoice {
  readonly form: WantedForm;
  readonly vectors: VectorsStatus;
  /** Presets that come to as many dimensions. */
  readonly presets: readonly string[];
  /** Of the vectors of the open folders, on disk. */
  readonly bytes: number;
  /** Of a model that is in use: the form is. */
  readonly chosen: boolean;
  /**
   * What is stored of the model already: vectors of this form, others that this one can be made of, only others (then the
   * code is embedded again), or none.
   */
  readonly stored: "same" | "larger" | "smaller" | "none";
}

/** What settings or the environment say instead of what was chosen; empty where they say nothing. */
export interface Overruled {
  readonly overruledBy: string;
  readonly formOverruledBy: WantedForm;
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
  /** The one that suits most machines first. */
  readonly precisions: readonly PrecisionChoice[];
  /** Whether its repository may have more of them. */
  readonly mayHaveMore: boolean;
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
  /** Of the vectors of the chosen one. */
  readonly form: WantedForm;
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
