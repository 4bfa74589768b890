/** Keeps the best so many of a stream of scored items: a binary heap with the worst kept item on top. */
export class TopList {
  readonly #capacity: number;
  readonly #scores: Float64Array;
  readonly #items: Uint32Array;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#scores = new Float64Array(capacity);
    this.#items = new Uint32Array(capacity);
  }

  /** A score must be above this to be kept. */
  get threshold(): number {
    return this.#length < this.#capacity ? Number.NEGATIVE_INFINITY : this.#scores[0];
  }

  offer(item: number, score: number): void {
    if (this.#length < this.#capacity) {
      this.#rise(this.#length++, item, score);
    } else if (score > this.#scores[0]) {
      this.#sink(item, score);
    }
  }

  /** The kept items, best first; of equal scores the lower item first. */
  sorted(): { item: number; score: number }[] {
    const kept = Array.from({ length: this.#length }, (_, i) => ({ item: this.#items[i], score: this.#scores[i] }));
    return kept.sort((a, b) => b.score - a.score || a.item - b.item);
  }

  #rise(from: number, item: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#scores[parent] <= score) break;
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
      if (child + 1 < this.#length && this.#scores[child + 1] < this.#scores[child]) child++;
      if (this.#scores[child] >= score) break;
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
