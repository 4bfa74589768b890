import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { writeWhole } from "../whole-file.ts";

const seen = z.object({
  version: z.literal(1),
  /** Size and time of each file when it was read: another one is another model, until its content says otherwise. */
  stamp: z.string(),
  /** Over the content of all files. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  dims: z.int().positive(),
  /** What the model calls itself. */
  title: z.string(),
});

/** What was found out about a model of the user's own, whose files are large to read and slow to load. */
export type SeenModel = Omit<z.infer<typeof seen>, "version">;

/**
 * What is known of models that lie somewhere on the user's disk, a small file each in a folder of the cache. One that is
 * lost is found out again.
 */
export class SeenModels {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined when it was never seen, or its files are others now. */
  read(name: string, stamp: string): SeenModel | undefined {
    try {
      const known = seen.parse(JSON.parse(readFileSync(this.#path(name), "utf8")));
      return known.stamp === stamp ? known : undefined;
    } catch {
      return undefined;
    }
  }

  /** A cache folder that cannot be written makes the next start slower, nothing else. */
  keep(name: string, model: SeenModel): void {
    try {
      writeWhole(this.#path(name), `${JSON.stringify({ version: 1, ...model })}\n`);
    } catch {
      // It is found out again.
    }
  }

  #path(name: string): string {
    return join(this.#folder, `${createHash("sha256").update(name).digest("hex").slice(0, 32)}.json`);
  }
}

/**
 * Sizes and times of files, as a text to compare.
 * @throws {CairnError} `input` when one is not there
 */
export function stampOf(files: readonly string[]): string {
  return files
    .map((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (!stats?.isFile()) throw noFile(path);
      return `${stats.size}@${stats.mtimeMs}`;
    })
    .join(" ");
}

/** One SHA-256 over those of several files, in the order in which they are given. */
export async function hashOf(files: readonly string[], signal?: AbortSignal): Promise<string> {
  const all = createHash("sha256");
  for (const path of files) {
    const one = createHash("sha256");
    for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 })) one.update(chunk);
    all.update(one.digest());
  }
  return all.digest("hex");
}

function noFile(path: string): CairnError {
  return new CairnError(
    "input",
    phrase("There is no model file {0}.", path),
    phrase("Name the GGUF file or the folder of an embedding model by its whole path."),
  );
}
