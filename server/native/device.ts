import type { Hardware } from "./hardware.ts";

/** What a model of the ONNX engine can run on, as `cairn.embedding.device` names it. */
export const DEVICES = ["cpu", "cuda", "coreml", "directml", "webgpu"] as const;
export type Device = (typeof DEVICES)[number];

/** By the names that the runtime has for them. */
export const EXECUTION_PROVIDERS: Readonly<Record<Device, string>> = {
  cpu: "cpu",
  cuda: "cuda",
  coreml: "coreml",
  directml: "dml",
  webgpu: "webgpu",
};

/** The graphics devices that are worth a trial on a machine, the most promising first. */
export function devicesWorthTrying({ platform, arch, graphics }: Hardware): Device[] {
  if (platform === "darwin") return arch === "arm64" ? ["coreml", "webgpu"] : [];
  if (platform === "win32") return ["directml", "webgpu"];
  const found: Device[] = [];
  if (graphics.includes("CUDA")) found.push("cuda");
  // The runtime has it for this platform alone.
  if (graphics.includes("Vulkan") && arch === "x64") found.push("webgpu");
  return found;
}
