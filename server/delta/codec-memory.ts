import { createSharedMemory } from "../vectors/shared-memory.ts";
import type { KernelModule, SharedMemory } from "../vectors/web-assembly.ts";
import { MOST_CONTEXTS, MOST_KEYS, TOKENS } from "./context-model.ts";
import { TOTAL } from "./frequencies.ts";
import { createDeltaKernels, type Kernels, SCRATCH_BYTES, SLACK } from "./kernels.ts";

/** Bytes of a block before it is coded, at most. */
export const BLOCK_BYTES = 2 << 20;
/** Values of a block, at most: of values of one byte a block takes half as many bytes. */
export const BLOCK_VALUES = 1 << 20;

/** The one memory in which a thread codes block after block, and where in it everything lies. */
export interface CodecMemory {
  readonly memory: SharedMemory;
  readonly kernels: Kernels;
  readonly at: Layout;
  bytes(address: number, length: number): Uint8Array;
  words(address: number, count: number): Uint32Array;
  floats(address: number, count: number): Float32Array;
}

/** Addresses. */
interface Layout {
  base: number;
  fine: number;
  z: number;
  e: number;
  rowKeys: number;
  colKeys: number;
  rowSums: number;
  colSums: number;
  map: number;
  pairs: number;
  counts: number;
  symbols: number;
  slots: number;
  tokenTable: number;
  /** Four states of the coder, where its words go on, and its low bits. */
  states: number;
  scratch: number;
  /** Words are written downwards from `wordsEnd`, where bits begin, and read upwards from `words`. */
  words: number;
  wordsEnd: number;
  bits: number;
  /** For low-rank prediction: the values of a block as floats, and the factors. */
  floats: number;
  left: number;
  right: number;
}

/** Floats of each factor that have room: of the rows of a block, and of all columns. */
export const FACTOR_FLOATS = 1 << 20;

/** A value's low bits take at most so many bytes, on average over a block: 29 bits of four bytes, 13 of two. */
const LOW_BYTES = BLOCK_BYTES;
/** Room for the header of a block before its words: keys of rows and columns, and frequencies. */
const HEADER_BYTES = 1 << 20;

export function createCodecMemory(module: KernelModule | undefined): CodecMemory {
  let end = 0;
  const room = (bytes: number): number => {
    const address = end;
    end = Math.ceil((end + bytes + SLACK) / SLACK) * SLACK;
    return address;
  };
  const at: Layout = {
    base: room(BLOCK_BYTES),
    fine: room(BLOCK_BYTES),
    z: room(4 * BLOCK_VALUES),
    e: room(BLOCK_VALUES),
    rowKeys: room(BLOCK_VALUES),
    colKeys: room(BLOCK_VALUES),
    rowSums: room(4 * BLOCK_VALUES),
    colSums: room(4 * BLOCK_VALUES),
    map: room(4 * MOST_KEYS),
    pairs: room(2 * BLOCK_VALUES),
    counts: room(16 * MOST_CONTEXTS * TOKENS),
    symbols: room(16 * MOST_CONTEXTS * TOKENS),
    slots: room(4 * MOST_CONTEXTS * TOTAL),
    tokenTable: room(16 * TOKENS),
    states: room(24),
    scratch: room(SCRATCH_BYTES),
    words: room(HEADER_BYTES + 2 * BLOCK_VALUES + LOW_BYTES),
    wordsEnd: 0,
    bits: 0,
    floats: 0,
    left: 0,
    right: 0,
  };
  at.wordsEnd = at.words + HEADER_BYTES + 2 * BLOCK_VALUES;
  at.bits = at.wordsEnd;
  // Reading a block that lies may run past its own parts: 4 bytes a value of `bits`, 2 of `words`, into this.
  room(4 * BLOCK_VALUES);
  at.floats = room(4 * BLOCK_VALUES);
  at.left = room(4 * FACTOR_FLOATS);
  at.right = room(4 * FACTOR_FLOATS);
  const memory = createSharedMemory(end);
  const kernels = createDeltaKernels(memory, module);
  fillTokenTable(new Uint32Array(memory.buffer, at.tokenTable, 4 * TOKENS));
  return {
    memory,
    kernels,
    at,
    bytes: (address, length) => new Uint8Array(memory.buffer, address, length),
    words: (address, count) => new Uint32Array(memory.buffer, address, count),
    floats: (address, count) => new Float32Array(memory.buffer, address, count),
  };
}

/** For each token its smallest z, the number of low bits that follow, and as many ones. */
function fillTokenTable(table: Uint32Array): void {
  for (let token = 0; token < TOKENS; token++) {
    const k = token < 16 ? 0 : (token >> 2) - 2;
    table.set([token < 16 ? token : ((token & 3) | 4) * 2 ** k, k, 2 ** k - 1], 4 * token);
  }
}
