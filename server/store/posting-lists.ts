/**
 * The posting lists of one field: for each term that occurs, in term order, a byte list of `frequency`, then for each
 * document the distance to the one before, shifted left by one with the low bit set when its count is 1, else followed
 * by the count. Every number is a LEB128 varint.
 */
export class PostingLists {
  readonly terms: Uint32Array;
  readonly #starts: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(terms: Uint32Array, starts: Uint32Array, bytes: Uint8Array) {
    this.terms = terms;
    this.#starts = starts;
    this.#bytes = bytes;
  }

  find(term: number): number {
    const { terms } = this;
    let low = 0;
    let high = terms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (terms[middle] < term) low = middle + 1;
      else high = middle;
    }
    return low < terms.length && terms[low] === term ? low : -1;
  }

  frequency(at: number): number {
    const bytes = this.#bytes;
    let position = this.#starts[at];
    let value = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = bytes[position++];
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return value;
  }

  read(at: number, documents: Uint32Array, counts: Uint8Array): number {
    const bytes = this.#bytes;
    const end = this.#starts[at + 1];
    let position = this.#starts[at];
    while (bytes[position++] > 127);
    let written = 0;
    let document = -1;
    while (position < end) {
      let byte = bytes[position++];
      let value = byte & 127;
      for (let shift = 7; byte > 127; shift += 7) {
        byte = bytes[position++];
        value |= (byte & 127) << shift;
      }
      document += value >>> 1;
      documents[written] = document;
      if (value & 1) counts[written++] = 1;
      else counts[written++] = bytes[position++];
    }
    return written;
  }
}
