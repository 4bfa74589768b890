/** Whether, of two items of one score, the first is the better. An order of all items. */
export type Precedes = (item: number, other: number) => boolean;

/**
 * Keeps the best so many of a stream of scored items, the same in whatever order they come: a binary heap with the
 * worst kept item on top.
 */
export class TopList {
  readonly #capacity: number;
  readonly #precedes: Precedes;
  readonly #scores: Float64Array;
  readonly #items: Uint32Array;
  #length = 0;

  /** @param precedes by default the lower item is the better of two of one score. */
  constructor(capacity: number, precedes: Precedes = (item, other) => item < other) {
    this.#capacity = capacity;
    this.#precedes = precedes;
    this.#scores = new Float64Array(capacity);
    this.#items = new Uint32Array(capacity);
  }

  /** A score below this is not kept. */
  get threshold(): number {
    return this.#length < this.#capacity ? Number.NEGATIVE_INFINITY : this.#scores[0];
  }

  offer(item: number, score: number): void {
    if (this.#length < this.#capacity) {
      this.#rise(this.#length++, item, score);
    } else if (this.#isWorse(0, item, score)) {
      this.#sink(item, score);
    }
  }

  /** The kept items, best first. */
  sorted(): { item: number; score: number }[] {
    const kept = Array.from({ length: this.#length }, (_, i) => ({ item: this.#items[i], score: this.#scores[i] }));
    return kept.sort((a, b) => b.score - a.score || (this.#precedes(a.item, b.item) ? -1 : 1));
  }

  /** Whether what is kept at a place is worse than an item. */
  #isWorse(at: number, item: number, score: number): boolean {
    const kept = this.#scores[at];
    return kept < score || (kept === score && this.#precedes(item, this.#items[at]));
  }

  #rise(from: number, item: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#isWorse(parent, item, score)) break;
      this.#put(at, this.#items[parent], this.#scores[parent]);
      at = parent;
    }
    this.#put(at, item, score);
  }

  #sink(item: number, score: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#length) break;
      if (child + 1 < this.#length && this.#isWorse(child + 1, this.#items[child], this.#scores[child])) child++;
      if (!this.#isWorse(child, item, score)) break;
      this.#put(at, this.#items[child], this.#scores[child]);
      at = child;
    }
    this.#put(at, item, score);
  }

  #put(at: number, item: number, score: number): void {
    this.#items[at] = item;
    this.#scores[at] = score;
  }
}
