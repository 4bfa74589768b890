/** Weights as a model has them: rows of their own scale. */
export function weights(random: () => number, rows: number, cols: number): Float32Array {
  const scales = Float32Array.from({ length: rows }, () => 0.02 * (0.5 + random()));
  return Float32Array.from({ length: rows * cols }, (_, i) => normal(random, scales[Math.floor(i / cols)]));
}

/** What merging a low-rank adapter does to a matrix of so many columns. */
export function withAdapter(
  random: () => number,
  tensor: Float32Array,
  cols: number,
  rank: number,
  change: number,
): Float32Array {
  const left = Float32Array.from({ length: (tensor.length / cols) * rank }, () => normal(random, change));
  const right = Float32Array.from({ length: rank * cols }, () => normal(random, 1 / Math.sqrt(rank)));
  return tensor.map((value, i) => {
    const row = Math.floor(i / cols);
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += left[row * rank + k] * right[k * cols + (i - row * cols)];
    return value + sum;
  });
}

/** Rounded to the nearest, ties to even. */
export function bf16(values: Float32Array): Uint16Array {
  return Uint16Array.from(
    new Uint32Array(values.slice().buffer),
    (bits) => (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16,
  );
}

/** The values of BF16 bits. */
export function floatsOf(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}

/** The bytes of a safetensors file of tensors of one shape, rounded to the format. */
export function safetensors(dtype: "BF16" | "F32", tensors: readonly Float32Array[], shape: readonly number[]): Buffer {
  const data = tensors.map((tensor) =>
    dtype === "F32" ? new Uint8Array(tensor.slice().buffer) : new Uint8Array(bf16(tensor).buffer),
  );
  let end = 0;
  const entries = data.map(({ length }, i) => {
    end += length;
    return [`layers.${i}.weight`, { dtype, shape, data_offsets: [end - length, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...data]);
}

/** About normally distributed. */
export function normal(random: () => number, spread: number): number {
  return (random() + random() + random() + random() - 2) * Math.sqrt(3) * spread;
}
