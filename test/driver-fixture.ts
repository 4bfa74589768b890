import type { TestContext } from "node:test";
import { temporaryFolder, writeFiles } from "./open-core.ts";

/** What a graphics driver does to the process that loads it. */
const FAULTS = {
  crashes: "process.kill(process.pid, 'SIGSEGV');",
  /** In native code, as the process sees it: its thread does not come back. */
  hangs: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
  throws: "throw new Error('ErrorInitializationFailed');",
  /** It loads, and takes the process along once it is to compute. */
  crashesLater: "usesGraphics = true;\n  return real.getLlama({ ...options, gpu: false });",
} as const;

export type DriverFault = keyof typeof FAULTS;

/** A folder with an engine that works on the processor, and whose graphics driver has a fault. */
export function engineWithDriver(test: TestContext, fault: DriverFault): string {
  const folder = temporaryFolder(test);
  const real = JSON.stringify(import.meta.resolve("node-llama-cpp"));
  writeFiles(folder, {
    "node_modules/node-llama-cpp/package.json": JSON.stringify({ type: "module", exports: "./index.js" }),
    "node_modules/node-llama-cpp/index.js": `import * as real from ${real};
export * from ${real};
let usesGraphics = false;
export class LlamaChat extends real.LlamaChat {
  generateResponse(...given) {
    if (usesGraphics) process.kill(process.pid, "SIGSEGV");
    return super.generateResponse(...given);
  }
}
export async function getLlama(options) {
  if (options.gpu === false) return real.getLlama(options);
  ${FAULTS[fault]}
}
`,
  });
  return folder;
}
