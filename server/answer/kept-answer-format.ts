/** Raised whenever an answer that was kept before would be read wrongly. */
export const FORMAT = 1;

/** What a model wrote, kept for the next time that the same is asked of the same code. It has no line of that code in it. */
export interface KeptAnswer {
  readonly format: typeof FORMAT;
  /** When the model wrote it, in milliseconds since the epoch. */
  readonly madeAt: number;
  readonly model: string;
  /** As the model wrote it, before any citation was checked. */
  readonly text: string;
  /** By their numbers in the text: which of the sources that were found, by its hash, and which of its lines. */
  readonly sources: readonly { readonly source: string; readonly from: number; readonly to: number }[];
  /** What it took to write it. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}
