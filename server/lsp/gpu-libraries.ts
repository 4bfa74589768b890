import { CairnError } from "../../shared/errors.ts";
import type { GottenLibraries, GpuLibraryName, GpuOffers } from "../../shared/gpu-types.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { type GetOptions, getLibraries } from "../gpu/get-libraries.ts";
import { gpuReport, libraryNamed } from "../gpu/gpu-libraries.ts";
import { packageRegistry } from "../gpu/package-registry.ts";
import type { Host } from "../host.ts";
import { cacheDirectoryOf } from "../opening.ts";

/** What an editor can offer; nobody but npm on this machine is asked. */
export async function gpuOffers(host: Host, settings: Settings, signal: AbortSignal): Promise<GpuOffers> {
  const report = gpuReport(cacheDirectoryOf(settings, host.env));
  const isWorthAsking = report.libraries.some(({ onDisk }) => !onDisk);
  // Whoever wants to download hears why there is none.
  const registry = isWorthAsking ? await packageRegistry(settings, host.env, signal).catch(() => "") : "";
  signal.throwIfAborted();
  return { ...report, registry };
}

/** @throws {CairnError} what {@link getLibraries} throws, `input` where there are none of that name */
export async function getGpuLibraries(
  host: Host,
  settings: Settings,
  name: GpuLibraryName,
  options: GetOptions,
): Promise<GottenLibraries> {
  const cacheDirectory = cacheDirectoryOf(settings, host.env);
  const library = libraryNamed(gpuReport(cacheDirectory), name);
  if (!library) {
    throw new CairnError(
      "input",
      phrase("There are no libraries {0} for this machine.", name),
      phrase("Choose one of those that are listed."),
    );
  }
  const registry = await packageRegistry(settings, host.env, options.signal);
  return getLibraries({ host, registry, cacheDirectory }, library, options);
}
