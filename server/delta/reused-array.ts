type Numbers = Uint8Array | Uint16Array | Uint32Array;

/** Memory for one array after the other, each of which must be done with before the next: garbage is collected late. */
export class ReusedArray<A extends Numbers> {
  readonly #make: (length: number) => A;
  #room: A;

  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#room = make(0);
  }

  /** An array with whatever the one before left in it. */
  ofLength(length: number): A {
    if (this.#room.length < length) this.#room = this.#make(length);
    return this.#room.subarray(0, length) as A;
  }
}
