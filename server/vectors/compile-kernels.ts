import { readFile } from "node:fs/promises";
import wabt from "wabt";

/**
 * Assembles `kernels.wat` into the bytes of a WebAssembly module. For the build and the tests only: the product reads
 * `dist/kernels.wasm`.
 */
export async function compileKernels(): Promise<Uint8Array<ArrayBuffer>> {
  const { parseWat } = await wabt();
  const source = await readFile(new URL("kernels.wat", import.meta.url), "utf8");
  const module = parseWat("kernels.wat", source, { simd: true, threads: true, sat_float_to_int: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}
