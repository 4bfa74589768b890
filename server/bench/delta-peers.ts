import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { openModel } from "../delta/model-files.ts";

/** Compresses a file with the zstd program; bytes, or undefined where it is not installed. */
export function zstdProgram(args: readonly string[], path: string): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  const out = join(folder, "out.zst");
  try {
    const { status } = spawnSync("zstd", ["-q", "-f", "--no-progress", ...args, path, "-o", out], { stdio: "ignore" });
    return status === 0 ? statSync(out).size : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same in this process. */
export function zstdLibrary(level: number, path: string): number {
  return zstdCompressSync(readFileSync(path), { params: { [constants.ZSTD_c_compressionLevel]: level } }).length;
}

/**
 * Bytes that BitX takes (ZipLLM, NSDI 2026): each value of 16 bits exclusive or that of the base; exponents apart from
 * signs and fractions, each compressed with zstd 3. For values of 32 bits, the four bytes of the exclusive or apart.
 */
export function bitx(base: string, fine: string): number {
  const [baseFile, fineFile] = [base, fine].map((path) => openModel(path).files[0]);
  const [baseBytes, fineBytes] = [base, fine].map((path) => readFileSync(path));
  const known = new Map(baseFile.tensors.map((tensor) => [tensor.name, tensor]));
  let total = fineFile.tensors[0]?.at ?? fineBytes.length;
  for (const { name, dtype, at, bytes } of fineFile.tensors) {
    const other = known.get(name);
    const own = fineBytes.subarray(at, at + bytes);
    if (other?.dtype !== dtype || other.bytes !== bytes) total += zstd3(own);
    else
      total += planesOf(exclusiveOr(own, baseBytes.subarray(other.at, other.at + bytes)), dtype).reduce(
        (sum, plane) => sum + zstd3(plane),
        0,
      );
  }
  return total;
}

function exclusiveOr(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from(a, (byte, i) => byte ^ b[i]);
}

function planesOf(bytes: Uint8Array, dtype: string): Uint8Array[] {
  const width = dtype === "F32" ? 4 : dtype === "BF16" || dtype === "F16" ? 2 : 1;
  const count = bytes.length / width;
  const planes = Array.from({ length: width }, () => new Uint8Array(count));
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < width; byte++) planes[byte][i] = bytes[i * width + byte];
    if (width !== 2) continue;
    // The sign goes to the fraction, so that the other plane is the exponent alone (of BF16).
    const value = planes[0][i] | (planes[1][i] << 8);
    planes[0][i] = ((value >> 8) & 0x80) | (value & 0x7f);
    planes[1][i] = value >> 7;
  }
  return planes;
}

function zstd3(bytes: Uint8Array): number {
  return Math.min(bytes.length, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }).length);
}
