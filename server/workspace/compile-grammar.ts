import { setFlagsFromString } from "node:v8";

/**
 * Compiles a grammar with V8's fast compiler only. A generated lexer is one function of up to a megabyte, which soon
 * counts as hot: the optimising compiler then takes up to 360 MB for it, three times what all of indexing needs, and a
 * second of a core, and the parser is no faster for it: its time is spent in the runtime, which is still optimised.
 *
 * V8 reads these settings, which are the whole process's, when a module is made. They hold for this one alone because
 * it is compiled at once, not function by function when they are called.
 */
export function compileGrammar(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  for (const flag of FAST_COMPILER_ONLY) setFlagsFromString(`--no-${flag}`);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const flag of FAST_COMPILER_ONLY) setFlagsFromString(`--${flag}`);
  }
}

const FAST_COMPILER_ONLY = ["wasm-lazy-compilation", "wasm-dynamic-tiering", "wasm-tier-up"];
