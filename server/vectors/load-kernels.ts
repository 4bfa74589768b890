import { FileError, type HostFiles } from "../host.ts";
import { packageFile } from "../package-files.ts";
import { compileModule } from "./kernels.ts";
import type { KernelModule } from "./web-assembly.ts";

/**
 * The SIMD kernels that the build left in `dist/`, ready to be posted to worker threads. Undefined when they are not
 * there (running from source, unbuilt) or this machine cannot run them: the plain kernels give the same results, only
 * slower.
 */
export function loadKernels(files: Pick<HostFiles, "read">): KernelModule | undefined {
  try {
    return compileModule(files.read(packageFile("dist", "kernels.wasm")));
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}
