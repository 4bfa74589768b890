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
