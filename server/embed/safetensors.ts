/** A tensor of a safetensors file: its bytes are little-endian, row by row. */
export interface Tensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const BYTES_PER_VALUE: Readonly<Record<string, number>> = { I8: 1, F32: 4 };

/**
 * The I8 and F32 tensors of a safetensors file, by name. Throws what `fail` makes of the reason when the header is
 * unreadable, a tensor's length disagrees with its shape, or the file is longer or shorter than the header says.
 */
export function readTensors(file: Uint8Array, fail: (why: string) => Error): Map<string, Tensor> {
  const { header, data } = readHeader(file, fail);
  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const tensor = readTensor(entry, data);
    if (!tensor) throw fail(`tensor ${name} is malformed or reaches beyond the file`);
    tensors.set(name, tensor);
    end = Math.max(end, tensor.bytes.byteOffset + tensor.bytes.length);
  }
  if (end !== file.byteOffset + file.length) throw fail("it is longer than its header says");
  return tensors;
}

function readHeader(file: Uint8Array, fail: (why: string) => Error): { header: object; data: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const length = file.length < 8 ? Number.NaN : Number(view.getBigUint64(0, true));
  if (!(length <= file.length - 8)) throw fail("it is cut off within its header");
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(file.slice(8, 8 + length)));
    if (typeof header === "object" && header !== null) return { header, data: file.subarray(8 + length) };
  } catch {
    // Reported below with the other case.
  }
  throw fail("its header is not JSON");
}

function readTensor(entry: unknown, data: Uint8Array): Tensor | undefined {
  const { dtype, shape, data_offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !isNumbers(shape) || !isNumbers(data_offsets)) return undefined;
  const [start, end] = data_offsets;
  const size = shape.reduce((product, n) => product * n, 1) * BYTES_PER_VALUE[dtype];
  if (data_offsets.length !== 2 || end - start !== size || end > data.length) return undefined;
  return { type: dtype, shape, bytes: data.subarray(start, end) };
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
