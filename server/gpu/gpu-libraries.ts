import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { GpuLibrary, GpuLibraryName, GpuPackage, GpuReport } from "../../shared/gpu-types.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { devicesWorthTrying } from "../native/device.ts";
import { gpuPackageFolder, LLAMA_VERSION } from "../native/gpu-packages.ts";
import { type Hardware, hardwareHere } from "../native/hardware.ts";

/** llama.cpp for graphics processors, as the registry had it when this version of node-llama-cpp was taken. */
const PACKAGES = {
  "linux-x64-vulkan": {
    bytes: 27_476_121,
    unpackedBytes: 84_483_299,
    integrity: "sha512-flEeSzONQ6OIm5bYKLQf4eEnBzcC5WugFbyPUwkCqyyOFZ8pH0H9ulQ7ZNDLSIczeKneMRJornlyY1Hq7d3GDA==",
  },
  "linux-x64-cuda": {
    bytes: 142_850_036,
    unpackedBytes: 188_693_843,
    integrity: "sha512-idsE55VoD/FbvLhnBC9krUJaUoC0XnebseAAnCpm/brKf61HEbu+idgbb5eN6mxkjLSrHtILprJ0nDcUJjVrFg==",
  },
  "linux-x64-cuda-ext": {
    bytes: 176_679_086,
    unpackedBytes: 374_197_990,
    integrity: "sha512-1PuURowccBcks3CCoMe1mTHh5vD0V5bFHMUEgtbI/OSDjpP+Pdbn+lf42CGUrepTzR8kCH1HovQ7d8q6/vuIKA==",
  },
  "win-x64-vulkan": {
    bytes: 26_619_567,
    unpackedBytes: 103_426_656,
    integrity: "sha512-HJ237Azh5m4Sz+w3A1IU/fYLaSDOocskcfn2ILTgqTuuORCB86EMnu3Yt/XsNhRHTtEiwz1Q/E0mO4PLIbZLAA==",
  },
  "win-x64-cuda": {
    bytes: 138_542_727,
    unpackedBytes: 175_510_346,
    integrity: "sha512-PLz70neFEMkQTlmJqG1ujUtCSgHasLPMxQ9rLkqQVmZYAXqkRj+45TIHCjdn3XqUeaoun0vrO9rRaxZ8NVq9jg==",
  },
  "win-x64-cuda-ext": {
    bytes: 175_417_684,
    unpackedBytes: 367_830_717,
    integrity: "sha512-L2MxLVEYPDDe4O8EDWPmX6brldc9+Vt9hNoT/anj3pSnmrjkQcmaoKhHs6oP5qhEhb5Uog0rj6lgzNGtJO3p9Q==",
  },
} as const satisfies Record<string, Omit<GpuPackage, "name" | "version">>;

const PLATFORMS: Readonly<Record<string, "linux-x64" | "win-x64">> = {
  "linux x64": "linux-x64",
  "win32 x64": "win-x64",
};

/**
 * What a machine's models run on, and which libraries it could get for llama.cpp; those it has are not looked into.
 * @param cudaRuntimes versions of CUDA's own libraries that are installed
 */
export function gpuReport(
  cacheDirectory: string,
  hardware: Hardware = hardwareHere(),
  cudaRuntimes: readonly number[] = cudaRuntimesHere(hardware.platform),
): GpuReport {
  const { platform, arch, graphics } = hardware;
  const prefix = PLATFORMS[`${platform} ${arch}`];
  const libraries = prefix ? [cuda(prefix, graphics, cudaRuntimes), vulkan(prefix, graphics)] : [];
  const folder = gpuPackageFolder(cacheDirectory);
  const listed = libraries.map((library) => ({ ...library, onDisk: isOnDisk(folder, library.packages) }));
  const best = listed.find(({ obstacle }) => obstacle === undefined);
  return {
    graphics,
    onnxDevices: devicesWorthTrying(hardware),
    own: platform === "darwin" && arch === "arm64" ? "metal" : "cpu",
    libraries: listed,
    best: best?.onDisk ? undefined : best?.name,
  };
}

/** Where a package lies once it is whole. */
export function packagePlace(folder: string, { name }: Pick<GpuPackage, "name">): string {
  return join(folder, ...name.split("/"));
}

/**
 * Versions of CUDA whose libraries are installed, newest first. The driver does not bring them, and llama.cpp is built for
 * 13, with another build for 12.
 * @param root where the system's files are; another folder in tests
 */
export function cudaRuntimesHere(
  platform: NodeJS.Platform,
  root = "/",
  env: Readonly<Record<string, string | undefined>> = process.env,
): number[] {
  const ofToolkit = env.CUDA_PATH ? [join(env.CUDA_PATH, "lib64"), join(env.CUDA_PATH, "bin")] : [];
  if (platform === "win32") {
    const folders = [...ofToolkit, ...(env.PATH ?? "").split(delimiter)];
    return [13, 12].filter((major) => folders.some((folder) => existsSync(join(folder, `cudart64_${major}.dll`))));
  }
  const toolkits = namesIn(join(root, "usr/local")).filter((name) => name.startsWith("cuda"));
  const folders = [
    ...(env.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean),
    ...ofToolkit,
    ...["usr/lib", "usr/lib64", "usr/lib/x86_64-linux-gnu"].map((folder) => join(root, folder)),
    ...toolkits.map((name) => join(root, "usr/local", name, "lib64")),
  ];
  const has = (library: string) => folders.some((folder) => existsSync(join(folder, library)));
  return [13, 12].filter((major) => has(`libcudart.so.${major}`) && has(`libcublas.so.${major}`));
}

type Offer = Omit<GpuLibrary, "onDisk">;

function vulkan(prefix: "linux-x64" | "win-x64", graphics: readonly string[]): Offer {
  return {
    name: "vulkan",
    about: phrase("model files on any graphics processor with a Vulkan driver"),
    packages: [packageOf(`${prefix}-vulkan`)],
    obstacle: graphics.includes("Vulkan") ? undefined : phrase("no Vulkan driver of a graphics processor was found"),
  };
}

function cuda(prefix: "linux-x64" | "win-x64", graphics: readonly string[], runtimes: readonly number[]): Offer {
  // The build for 12 stands beside the other, and needs its other files.
  const onlyOld = runtimes.includes(12) && !runtimes.includes(13);
  return {
    name: "cuda",
    about: phrase("model files on graphics processors of NVIDIA's, by CUDA"),
    packages: [packageOf(`${prefix}-cuda`), ...(onlyOld ? [packageOf(`${prefix}-cuda-ext`)] : [])],
    obstacle: cudaObstacle(graphics, runtimes),
  };
}

function cudaObstacle(graphics: readonly string[], runtimes: readonly number[]): Phrase | undefined {
  if (!graphics.includes("CUDA")) return phrase("no driver of NVIDIA's was found");
  if (runtimes.length > 0) return undefined;
  return phrase("it needs NVIDIA's CUDA Toolkit 13 or 12, which was not found; Vulkan needs the driver alone");
}

function packageOf(name: keyof typeof PACKAGES): GpuPackage {
  return { name: `@node-llama-cpp/${name}`, version: LLAMA_VERSION, ...PACKAGES[name] };
}

function isOnDisk(folder: string, packages: readonly GpuPackage[]): boolean {
  return packages.every((one) => existsSync(packagePlace(folder, one)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The name of libraries as someone wrote it; undefined for none. */
export function libraryNamed(report: GpuReport, name: string): GpuLibrary | undefined {
  return report.libraries.find((library) => library.name === (name.toLowerCase() as GpuLibraryName));
}
