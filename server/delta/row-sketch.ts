import type { ModelFile } from "./model-files.ts";
import { packedIn } from "./row-files.ts";
import { eachCell, hashOf } from "./row-index.ts";
import { type RowKind, readRows, rowKindOf, rowStart } from "./rows.ts";

/** What a dataset holds, in little: the smallest of the hashes of its rows, and of its cells, each kind by itself. */
export type DatasetSketch = ReadonlyMap<RowKind, { rows: Sketch; cells: Sketch }>;

interface Sketch {
  hashes: ReadonlySet<number>;
  /** All hashes up to this one are there. */
  limit: number;
}

/** Of larger datasets a share is kept, the same of every dataset: what two have in common both have kept. */
const MOST_HASHES = 1 << 15;
/** Files that a delta would not refer to either. */
const LARGEST_FILE = 1 << 30;

/**
 * Reads a dataset's files, one after the other.
 *
 * @param turn awaited between files, so that what cancels can come in
 * @throws {CairnError} `corrupt` when something compressed in a file is not what it is said to be
 */
export async function sketchOf(files: readonly ModelFile[], turn: () => Promise<void>): Promise<DatasetSketch> {
  const growing = new Map<RowKind, { rows: Smallest; cells: Smallest }>();
  for (const file of files) {
    const kind = rowKindOf(file.name);
    if (kind === undefined || file.bytes === 0 || file.bytes > LARGEST_FILE) continue;
    await turn();
    const { bytes, ends } = readRows([{ path: file.path, bytes: file.bytes, packed: packedIn(file) }], kind);
    const sketch = growing.get(kind) ?? { rows: new Smallest(), cells: new Smallest() };
    growing.set(kind, sketch);
    for (let row = 0; row < ends.length; row++) {
      const start = rowStart({ bytes, ends }, row);
      sketch.rows.add(hashOf(bytes, start, ends[row]));
      if (kind !== "chunks") eachCell(bytes, start, ends[row], (hash) => sketch.cells.add(hash));
    }
  }
  return new Map([...growing].map(([kind, { rows, cells }]) => [kind, { rows: rows.sketch(), cells: cells.sketch() }]));
}

/**
 * Share of what is in a dataset that is in another too, by rows or by cells, whichever is more: rows that were edited
 * and columns that were added leave most cells. Rows that stand there several times count once.
 *
 * @returns 0 to 1; undefined where both have too little of one kind to tell
 */
export function sharedWith(fine: DatasetSketch, base: DatasetSketch): number | undefined {
  let best: number | undefined;
  for (const [kind, own] of fine) {
    const other = base.get(kind);
    if (!other) continue;
    for (const share of [shareIn(own.rows, other.rows), shareIn(own.cells, other.cells)])
      if (share !== undefined) best = Math.max(best ?? 0, share);
  }
  return best;
}

const FEWEST_HASHES = 16;

function shareIn(own: Sketch, other: Sketch): number | undefined {
  const limit = Math.min(own.limit, other.limit);
  let all = 0;
  let common = 0;
  for (const hash of own.hashes) {
    if (hash > limit) continue;
    all++;
    if (other.hashes.has(hash)) common++;
  }
  return all < FEWEST_HASHES ? undefined : common / all;
}

/** The smallest of many hashes, without a second of any. */
class Smallest {
  #hashes = new Set<number>();
  #limit = 0xffffffff;

  add(hash: number): void {
    if (hash > this.#limit) return;
    this.#hashes.add(hash);
    if (this.#hashes.size > 2 * MOST_HASHES) this.#shrink();
  }

  sketch(): Sketch {
    if (this.#hashes.size > MOST_HASHES) this.#shrink();
    return { hashes: this.#hashes, limit: this.#limit };
  }

  #shrink(): void {
    const kept = Uint32Array.from(this.#hashes).sort().subarray(0, MOST_HASHES);
    this.#hashes = new Set(kept);
    this.#limit = kept[kept.length - 1];
  }
}
