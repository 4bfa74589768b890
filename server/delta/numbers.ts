/** Whole numbers below 2^53, seven bits a byte, the lowest first, the highest bit set on all but the last. */
export class NumberWriter {
  readonly #bytes: number[] = [];

  unsigned(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes.push(128 + (rest % 128));
    this.#bytes.push(rest);
  }

  /** Twice the value, or twice minus the value less one. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads what {@link NumberWriter} wrote; `damaged` makes the error of a number that is cut off. */
export class NumberReader {
  readonly #bytes: Uint8Array;
  readonly #damaged: (why: string) => Error;
  #at = 0;

  constructor(bytes: Uint8Array, damaged: (why: string) => Error) {
    this.#bytes = bytes;
    this.#damaged = damaged;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (this.#at >= this.#bytes.length || factor > 2 ** 49) throw this.#damaged("a number of it is cut off");
      const byte = this.#bytes[this.#at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
