import { readFile } from "node:fs/promises";
import wabt from "wabt";

/** The sources of kernels, from this folder. */
export const KERNEL_SOURCES = { kernels: "kernels.wat", "delta-kernels": "../delta/delta-kernels.wat" } as const;

/**
 * Assembles one of the `.wat` files into the bytes of a WebAssembly module. For the build and the tests only: the
 * product reads `dist/kernels.wasm` and `dist/delta-kernels.wasm`.
 */
export async function compileKernels(name: keyof typeof KERNEL_SOURCES = "kernels"): Promise<Uint8Array<ArrayBuffer>> {
  const { parseWat } = await wabt();
  const source = await readFile(new URL(KERNEL_SOURCES[name], import.meta.url), "utf8");
  const module = parseWat(`${name}.wat`, source, { simd: true, threads: true, sat_float_to_int: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
