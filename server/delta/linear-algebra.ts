/** Matrices are row by row, `width` values each. */

/** Makes the columns of a matrix orthonormal, by the Cholesky factor of their products, twice for accuracy. */
export function orthonormalise(matrix: Float32Array, rows: number, width: number): void {
  for (let round = 0; round < 2; round++) {
    const norms = columnNorms(matrix, rows, width);
    for (let i = 0; i < matrix.length; i++) matrix[i] /= norms[i % width] || 1;
    const products = new Float64Array(width * width);
    for (let at = 0; at < rows * width; at += width) {
      for (let a = 0; a < width; a++) {
        const value = matrix[at + a];
        for (let b = 0; b <= a; b++) products[a * width + b] += value * matrix[at + b];
      }
    }
    solve(matrix, rows, width, cholesky(products, width));
  }
}

export function columnNorms(matrix: Float32Array, rows: number, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let at = 0; at < rows * width; at += width) {
    for (let k = 0; k < width; k++) sums[k] += matrix[at + k] ** 2;
  }
  return sums.map(Math.sqrt);
}

/** Lower triangle L with L Lᵀ = matrix; a direction that depends on the others gets a tiny length instead of none. */
function cholesky(matrix: Float64Array, width: number): Float64Array {
  const lower = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * width + j];
      for (let k = 0; k < j; k++) sum -= lower[i * width + k] * lower[j * width + k];
      lower[i * width + j] = i === j ? Math.sqrt(Math.max(sum, 1e-10)) : sum / lower[j * width + j];
    }
  }
  return lower;
}

/** Each row x becomes y with y Lᵀ = x. */
function solve(matrix: Float32Array, rows: number, width: number, lower: Float64Array): void {
  for (let at = 0; at < rows * width; at += width) {
    for (let i = 0; i < width; i++) {
      let sum = matrix[at + i];
      for (let k = 0; k < i; k++) sum -= matrix[at + k] * lower[i * width + k];
      matrix[at + i] = sum / lower[i * width + i];
    }
  }
}

/** Eigenvalues, descending, and eigenvectors, in the columns, of a symmetric matrix: Jacobi's rotations. */
export function symmetricEigen(matrix: Float64Array, width: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const v = new Float64Array(width * width);
  for (let i = 0; i < width; i++) v[i * width + i] = 1;
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        all += a[i * width + j] ** 2;
        if (i !== j) off += a[i * width + j] ** 2;
      }
    }
    if (off <= 1e-20 * all) break;
    for (let p = 0; p < width; p++) for (let q = p + 1; q < width; q++) rotatePair(a, v, width, p, q);
  }
  const order = Array.from({ length: width }, (_, i) => i).sort((i, j) => a[j * width + j] - a[i * width + i]);
  return {
    values: Float64Array.from(order, (i) => a[i * width + i]),
    vectors: Float64Array.from(
      { length: width * width },
      (_, i) => v[Math.floor(i / width) * width + order[i % width]],
    ),
  };
}

const MOST_SWEEPS = 30;

function rotatePair(a: Float64Array, v: Float64Array, width: number, p: number, q: number): void {
  const apq = a[p * width + q];
  if (apq === 0) return;
  const theta = (a[q * width + q] - a[p * width + p]) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(t * t + 1);
  const sine = t * cosine;
  for (let k = 0; k < width; k++) {
    const [akp, akq] = [a[k * width + p], a[k * width + q]];
    a[k * width + p] = cosine * akp - sine * akq;
    a[k * width + q] = sine * akp + cosine * akq;
  }
  for (let k = 0; k < width; k++) {
    const [apk, aqk] = [a[p * width + k], a[q * width + k]];
    a[p * width + k] = cosine * apk - sine * aqk;
    a[q * width + k] = sine * apk + cosine * aqk;
    const [vkp, vkq] = [v[k * width + p], v[k * width + q]];
    v[k * width + p] = cosine * vkp - sine * vkq;
    v[k * width + q] = sine * vkp + cosine * vkq;
  }
}
