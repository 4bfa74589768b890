import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageFile } from "../package-files.ts";

/** What a process used, all its threads together. */
export interface Usage {
  /** Seconds from start to exit. */
  seconds: number;
  cpuSeconds: number;
  /** The largest resident set. */
  peakMB: number;
  stdout: string;
}

/**
 * Loaded into a measured process before its own code: writes what the whole process used when it ends. As plain text,
 * since what Node needs to read TypeScript would be 20 MB of what is measured.
 */
const REPORT_USAGE = `data:text/javascript,${encodeURIComponent(`
  import { writeFileSync } from "node:fs";
  import { isMainThread } from "node:worker_threads";
  if (isMainThread) process.on("exit", () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMB: maxRSS * 1024 / 1e6 };
    writeFileSync(process.env.CAIRN_BENCH_USAGE, JSON.stringify(usage));
  });
`)}`;

/** The environment in which Cairn keeps its index in a folder of the benchmarks. */
export function benchEnvironment(cacheDirectory: string): NodeJS.ProcessEnv {
  return { ...process.env, CAIRN_CACHE_DIR: cacheDirectory, NO_COLOR: "1" };
}

/** Runs the built `cairn` as its users do. Throws when it fails. */
export async function cairn(cacheDirectory: string, args: readonly string[]): Promise<Usage> {
  const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  const usageFile = join(folder, "usage.json");
  try {
    const started = performance.now();
    const child = spawn(process.execPath, ["--import", REPORT_USAGE, packageFile("bin", "cairn.mjs"), ...args], {
      env: { ...benchEnvironment(cacheDirectory), CAIRN_BENCH_USAGE: usageFile },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), closed(child)]);
    const seconds = (performance.now() - started) / 1000;
    if (child.exitCode !== 0) throw new Error(`cairn ${args.join(" ")} ended with ${child.exitCode}: ${errors}`);
    return { seconds, stdout: output, ...JSON.parse(readFileSync(usageFile, "utf8")) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Milliseconds from the start of `cairn` to its exit with results, nothing but the command in the process.
 * Throws when it fails.
 */
export async function timeCairn(cacheDirectory: string, args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [packageFile("bin", "cairn.mjs"), ...args], {
    env: benchEnvironment(cacheDirectory),
    stdio: ["ignore", "ignore", "inherit"],
  });
  await closed(child);
  if (child.exitCode !== 0) throw new Error(`cairn ${args.join(" ")} ended with ${child.exitCode}`);
  return performance.now() - started;
}

/** Resident memory of a running process now, in MB; undefined where the system does not tell. */
export function residentMB(pid: number): number | undefined {
  return process.platform === "linux" ? fromProc(pid, "VmRSS") : fromPs(pid);
}

/** Its share of that: what it has in common with other processes counts in part. Only Linux tells. */
export function proportionalMB(pid: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  return megabytesIn(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss");
}

/** The largest resident memory it ever had, in MB; only Linux tells that of another process. */
export function peakMB(pid: number): number | undefined {
  return process.platform === "linux" ? fromProc(pid, "VmHWM") : undefined;
}

function fromProc(pid: number, field: string): number | undefined {
  return megabytesIn(readFileSync(`/proc/${pid}/status`, "utf8"), field);
}

function megabytesIn(text: string, field: string): number | undefined {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
}

function fromPs(pid: number): number | undefined {
  const { status, stdout } = spawnSync("ps", ["-o", "rss=", "-p", `${pid}`], { encoding: "utf8" });
  return status === 0 ? (Number(stdout) * 1024) / 1e6 : undefined;
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

async function closed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}
