#!/usr/bin/env node
// Starts the terminal program under a Node that is new enough. Plain JavaScript that Node 20 accepts.
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { installedNode, run, runningNodeIsAtLeast } from "./node-runtime.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(root, "dist", "cli.mjs");

if (!existsSync(program)) {
  fail(`Cairn is not built yet: ${program} is missing.\nRun \`npm start\` in ${root} once; it installs and builds.`);
} else if (runningNodeIsAtLeast(22, 16)) {
  // Compiled code is kept with the package, never in a temporary folder that others may write to.
  module.enableCompileCache?.(join(root, ".cache", "compiled"));
  if (process.argv[2] === "delta") releaseWhatIsFreed();
  await import(pathToFileURL(program).href);
} else {
  const node = installedNode(root);
  if (node) process.exitCode = await run(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
  else {
    fail(
      `Cairn needs Node 22.16 or newer; this is ${process.version}.\n` +
        `Run \`npm start\` in ${root} once; it brings the Node it needs. Or put a newer Node first on your PATH.`,
    );
  }
}

/**
 * Blocks of models are large, and glibc's allocator keeps what was freed unless it is told not to when a process begins,
 * as V8 keeps room for objects that nobody makes here, and does not collect before it is full: so the process begins anew, in
 * its own place, with threads that ask for collections. 190 MB instead of 250 for a pair of 4.3 GB. Other systems need none
 * of it.
 */
function releaseWhatIsFreed() {
  if (process.platform !== "linux" || !process.execve || process.env.MALLOC_MMAP_THRESHOLD_) return;
  const told = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "4096", MALLOC_TRIM_THRESHOLD_: "65536" };
  const flags = ["--max-semi-space-size=1", "--expose-gc", ...process.execArgv];
  process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], { ...process.env, ...told });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 3;
}
