/** How large chunks may be, in characters (UTF-16 units). */
export interface ChunkSizes {
  /** Chunks aim at no more than this; what is longer is split where a split does least harm. */
  target: number;
  /** Pieces below this are merged with their neighbours. */
  small: number;
  /** No chunk is longer; only one with a line longer than the target comes near. */
  max: number;
}

/** The embedding reads about the first 1,500 characters of a chunk. */
export const CHUNK_SIZES: ChunkSizes = { target: 1500, small: 400, max: 3000 };
