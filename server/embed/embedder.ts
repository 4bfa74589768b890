/**
 * The vectors of one model. They carry its name, so that two models' vectors are never compared by accident.
 * A vector is `codes[i * dims .. (i + 1) * dims] * scales[i]`.
 */
export interface Vectors {
  readonly model: string;
  readonly dims: number;
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

/** What every embedding engine offers the indexer and the search. */
export interface Embedder {
  /** Identity of the model and of the vectors' shape: part of the key under which they are kept. */
  readonly model: string;
  readonly dims: number;
  /** Embeds the texts of chunks. A text without any token gives a zero scale. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Vectors>;
  /** The unit vector of a query as int8 codes, or undefined when the query has no token the model knows. */
  embedQuery(query: string, signal?: AbortSignal): Promise<Int8Array | undefined>;
}
