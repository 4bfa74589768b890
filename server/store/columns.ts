/** A list of numbers in a typed array that doubles when it is full. */
export class Column<A extends Uint32Array | Uint16Array | Uint8Array | Int8Array | Float32Array> {
  length = 0;
  #values: A;

  constructor(first: A) {
    this.#values = first;
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.#grow(1);
    this.#values[this.length++] = value;
  }

  append(values: ArrayLike<number>): void {
    if (this.length + values.length > this.#values.length) this.#grow(values.length);
    this.#values.set(values, this.length);
    this.length += values.length;
  }

  at(index: number): number {
    return this.#values[index];
  }

  view(): A {
    return this.#values.subarray(0, this.length) as A;
  }

  #grow(more: number): void {
    const size = Math.max(this.#values.length * 2, this.length + more);
    const larger = new (this.#values.constructor as new (length: number) => A)(size);
    larger.set(this.#values.subarray(0, this.length));
    this.#values = larger;
  }
}

export const words = () => new Column(new Uint32Array(256));
export const halves = () => new Column(new Uint16Array(256));

/** Bytes with varints and text, in a buffer that doubles when it is full. */
export class ByteWriter {
  length = 0;
  #bytes = Buffer.allocUnsafeSlow(1024);

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  /** LEB128, for numbers below 2^32. */
  varint(value: number): void {
    this.#reserve(5);
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 127) {
      bytes[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[this.length++] = rest;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.length += this.#bytes.write(text, this.length, "utf8");
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + more));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}
