import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

/** What of this machine an engine could run on. */
export interface Hardware {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** That this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** Vector instructions of the processor: `AVX2`, `AVX-512`, `NEON`; empty where the system does not tell. */
  readonly simd: readonly string[];
  /** Ways to a graphics processor that are there: `CUDA`, `ROCm`, `Vulkan`, `Metal`, `DirectML`. */
  readonly graphics: readonly string[];
}

/**
 * Looks at what the system says of itself, and starts nothing: whether a driver works is known once a model ran on it.
 * @param root where the system's files are; another folder in tests
 */
export function hardwareHere(
  root = "/",
  { platform, arch, env }: Pick<NodeJS.Process, "platform" | "arch" | "env"> = process,
): Hardware {
  return {
    platform,
    arch,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    simd: platform === "linux" ? simdOfLinux(root, arch) : arch === "arm64" ? ["NEON"] : [],
    graphics: graphicsOf(root, platform, arch, env),
  };
}

function graphicsOf(root: string, platform: NodeJS.Platform, arch: string, env: NodeJS.ProcessEnv): string[] {
  if (platform === "darwin") return arch === "arm64" ? ["Metal"] : [];
  if (platform === "win32") {
    const system = `${env.SystemRoot ?? "C:\\Windows"}\\System32`;
    // Each comes with a driver.
    const drivers = Object.entries({ CUDA: "nvcuda.dll", Vulkan: "vulkan-1.dll" });
    return ["DirectML", ...drivers.filter(([, file]) => existsSync(`${system}\\${file}`)).map(([name]) => name)];
  }
  if (platform !== "linux") return [];
  const found = [];
  if (existsSync(`${root}proc/driver/nvidia/version`)) found.push("CUDA");
  if (existsSync(`${root}dev/kfd`)) found.push("ROCm");
  // Without a device it would be the processor that draws; named by hand it is wanted all the same.
  const named = env.VK_ICD_FILENAMES || env.VK_DRIVER_FILES;
  const hasDevice = found.length > 0 || filesIn(`${root}dev/dri`).some((name) => name.startsWith("renderD"));
  const drivers = ["usr/share/vulkan/icd.d", "etc/vulkan/icd.d"].flatMap((folder) => filesIn(root + folder));
  if (named || (hasDevice && drivers.some((name) => name.endsWith(".json") && !isSoftware(name)))) found.push("Vulkan");
  return found;
}

/** Drivers that compute on the processor, more slowly than it does by itself. */
function isSoftware(name: string): boolean {
  return /lvp|swiftshader|llvmpipe/i.test(name);
}

function simdOfLinux(root: string, arch: string): string[] {
  if (arch === "arm64") return ["NEON"];
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync(`${root}proc/cpuinfo`, "utf8"))?.[1].split(" "));
    return [...(flags.has("avx2") ? ["AVX2"] : []), ...(flags.has("avx512f") ? ["AVX-512"] : [])];
  } catch {
    return [];
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
