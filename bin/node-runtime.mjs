// Finds a Node that is new enough and runs a script under it. Plain JavaScript that Node 20 accepts: it runs before
// anything else is there.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";

/** The Node that set-up installs from npm. */
export const NODE_VERSION = "24.21.0";

/** The npm package that holds Node's binary for this machine, or undefined where only `node` itself has it. */
export function nodePackage() {
  const name = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  return ["linux-x64", "linux-arm64", "win-x64"].includes(name) ? `node-${name}` : undefined;
}

/** Path of the Node under `<root>/.node`, or undefined when it is not installed. */
export function installedNode(root) {
  const binary = process.platform === "win32" ? "node.exe" : "node";
  const path = join(root, ".node", "node_modules", nodePackage() ?? "node", "bin", binary);
  return existsSync(path) ? path : undefined;
}

/** Whether the running Node is `major.minor` or newer. */
export function runningNodeIsAtLeast(major, minor) {
  const [runningMajor, runningMinor] = process.versions.node.split(".").map(Number);
  return runningMajor > major || (runningMajor === major && runningMinor >= minor);
}

/**
 * Runs a program with this process's own input and output and passes signals on to it.
 * Resolves to its exit code: 128 + n when signal n ended it.
 */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", ...options });
    // At a terminal Ctrl-C reaches the child without our help, and a second one would cut its clean-up short.
    const interactive = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const forward = (signal) => {
      if (!(interactive && signal === "SIGINT")) child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, forward);
    const finish = (settle, value) => {
      for (const signal of signals) process.removeListener(signal, forward);
      settle(value);
    };
    child.once("error", (error) => finish(reject, error));
    child.once("exit", (code, signal) => finish(resolve, signal ? 128 + constants.signals[signal] : code));
  });
}
