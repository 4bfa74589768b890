import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Where Linux says what feeds the machine: a folder for each battery and each plug. */
const LINUX_DIRECTORY = "/sys/class/power_supply";
/** Asking takes macOS and Windows a process, so the answer is kept for a while. */
const ANSWER_MS = 10_000;
const PATIENCE_MS = 5_000;

/**
 * How to ask whether the machine runs on its battery. A machine that does not say counts as plugged in.
 * @param directory the folder to read on Linux.
 */
export function powerSource(directory = LINUX_DIRECTORY): () => Promise<boolean> {
  if (process.platform === "linux") return () => linuxOnBattery(directory);
  if (process.platform === "darwin")
    return kept(async () => / 'Battery Power'/.test(await output("pmset", ["-g", "ps"])));
  if (process.platform === "win32")
    return kept(async () => (await output("powershell.exe", WINDOWS_ARGUMENTS)).trim() === "1");
  return async () => false;
}

/** Win32_Battery documents BatteryStatus 1 as discharging; a machine without a battery has no such object. */
const WINDOWS_ARGUMENTS = [
  "-NoProfile",
  "-NonInteractive",
  "-Command",
  "(Get-CimInstance Win32_Battery | Select-Object -First 1).BatteryStatus",
];

/** A battery of the machine itself discharges and no plug is in. */
async function linuxOnBattery(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  const supplies = await Promise.all(
    names.map(async (name) => {
      const read = (attribute: string) => readFile(join(directory, name, attribute), "utf8").then(trim, () => "");
      const [type, scope, status, online] = await Promise.all(["type", "scope", "status", "online"].map(read));
      return { type, scope, status, online };
    }),
  );
  // Mice and keyboards have batteries too; their scope says so.
  const own = supplies.filter(({ scope }) => scope !== "Device");
  const plugged = own.some(({ type, online }) => type !== "Battery" && online === "1");
  return !plugged && own.some(({ type, status }) => type === "Battery" && status === "Discharging");
}

function kept(ask: () => Promise<boolean>): () => Promise<boolean> {
  let answer: Promise<boolean> = Promise.resolve(false);
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - askedAt > ANSWER_MS) {
      askedAt = performance.now();
      answer = ask().catch(() => false);
    }
    return answer;
  };
}

async function output(program: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { timeout: PATIENCE_MS, windowsHide: true })).stdout;
}

function trim(text: string): string {
  return text.trim();
}
