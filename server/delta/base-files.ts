import { basename } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { BlockWorkers } from "./block-workers.ts";
import type { Manifest } from "./manifest.ts";
import type { Model } from "./model-files.ts";
import { probeOf } from "./probe.ts";

/**
 * The paths of the files that a delta was made against, by their number in the manifest; empty for those that are not
 * used. Files are known by their content: it does not matter how they are called.
 *
 * @throws {CairnError} `input` when one is not there
 */
export function findBaseFiles({ base: wanted }: Manifest, base: Model): string[] {
  return wanted.map(({ name, bytes, probe, used, sha256 }) => {
    if (!used) return "";
    const found = base.files
      .filter((file) => file.bytes === bytes)
      .sort((a, b) => Number(b.name === name) - Number(a.name === name))
      .find((file) => probeOf(file.path, bytes) === probe);
    if (found) return found.path;
    throw new CairnError(
      "input",
      phrase(
        "{0} is not the base of this delta: {1} with SHA-256 {2} is not there.",
        base.path,
        basename(name),
        sha256,
      ),
      phrase("Give the base that the delta was made against: {0} bytes in {1}.", bytes.toLocaleString("en-US"), name),
    );
  });
}

/**
 * Says why something could not be rebuilt: reads the whole base to see whether it differs where the first look did not
 * see it. Returns the given error when the base is right.
 */
export async function explain(
  error: unknown,
  { base }: Manifest,
  paths: readonly string[],
  workers: BlockWorkers,
): Promise<unknown> {
  if (!(error instanceof CairnError) || error.kind !== "corrupt") return error;
  for (const [i, { bytes, sha256 }] of base.entries()) {
    if (!paths[i] || (await workers.run("hash", { path: paths[i], at: 0, bytes })) === sha256) continue;
    return new CairnError(
      "input",
      phrase("{0} is not the base of this delta: its SHA-256 is not {1}.", paths[i], sha256),
      phrase("It was altered, or is another version. Download the base again."),
      { cause: error },
    );
  }
  return error;
}
