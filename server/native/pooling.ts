import type { Pooling } from "./engine-model.ts";

/**
 * Makes one vector of those of a text's tokens, and writes it with length 1.
 *
 * @param hidden of one text, token by token; padding after the first `length` tokens is not looked at
 * @param into `dims` numbers
 */
export function pool(hidden: Float32Array, length: number, pooling: Pooling, into: Float32Array): void {
  const dims = into.length;
  if (pooling === "mean") {
    into.fill(0);
    for (let token = 0; token < length; token++) {
      const at = token * dims;
      for (let i = 0; i < dims; i++) into[i] += hidden[at + i];
    }
  } else {
    const token = pooling === "cls" ? 0 : length - 1;
    into.set(hidden.subarray(token * dims, (token + 1) * dims));
  }
  normalise(into);
}

/** Gives a vector the length 1; one without direction stays as it is. */
export function normalise(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] *= scale;
}
