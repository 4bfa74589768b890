/**
 * Ridge regression: the weights w that make `Σ (row · w - target)² + Σ penalty · w²` least, by the Cholesky factor of
 * the normal equations. Exact, and the same in every run.
 * @param rows centred, all of one length
 * @param targets centred
 * @param penalties one a column, above 0
 */
export function ridge(
  rows: readonly Float64Array[],
  targets: readonly number[],
  penalties: readonly number[],
): Float64Array {
  const width = penalties.length;
  const products = new Float64Array(width * width);
  const right = new Float64Array(width);
  for (const [i, row] of rows.entries()) {
    for (let a = 0; a < width; a++) {
      const value = row[a];
      if (value === 0) continue;
      right[a] += value * targets[i];
      for (let b = 0; b <= a; b++) products[a * width + b] += value * row[b];
    }
  }
  for (let a = 0; a < width; a++) products[a * width + a] += penalties[a];
  return solved(factored(products, width), right);
}

/** In its place, the lower triangle L with L Lᵀ = matrix, which is positive definite for its penalties. */
function factored(matrix: Float64Array, width: number): Float64Array {
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * width + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * width + k] * matrix[j * width + k];
      matrix[i * width + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * width + j];
    }
  }
  return matrix;
}

/** The x with L Lᵀ x = right. */
function solved(lower: Float64Array, right: Float64Array): Float64Array {
  const width = right.length;
  const x = right.slice();
  for (let i = 0; i < width; i++) {
    for (let k = 0; k < i; k++) x[i] -= lower[i * width + k] * x[k];
    x[i] /= lower[i * width + i];
  }
  for (let i = width - 1; i >= 0; i--) {
    for (let k = i + 1; k < width; k++) x[i] -= lower[k * width + i] * x[k];
    x[i] /= lower[i * width + i];
  }
  return x;
}
