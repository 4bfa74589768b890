import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DEVICES } from "../native/device.ts";
import type { Placement } from "../native/placement.ts";
import { writeWhole } from "../whole-file.ts";

const placements = z.record(
  z.string(),
  z.object({
    device: z.enum(DEVICES),
    batchTokens: z.int().positive(),
    trials: z.array(
      z.object({
        device: z.enum(DEVICES),
        failure: z.string().optional(),
        batchTokens: z.number(),
        batchMs: z.number(),
        tokensPerSecond: z.number(),
      }),
    ),
  }),
);

/**
 * Where models run best on this machine, found out once for each: a file in the cache folder. One that cannot be read, or
 * written, costs a trial of some seconds at the next start and nothing else.
 */
export class KeptPlacements {
  readonly #path: string;

  constructor(cacheDirectory: string) {
    this.#path = join(cacheDirectory, "models", "devices.json");
  }

  /** @param key the model and all that the trial depended on */
  get(key: string): Placement | undefined {
    return this.#all()[key];
  }

  keep(key: string, placement: Placement): void {
    try {
      writeWhole(this.#path, `${JSON.stringify({ ...this.#all(), [key]: placement }, null, 1)}\n`);
    } catch {
      // Found out again then.
    }
  }

  #all(): Readonly<Record<string, Placement>> {
    try {
      return placements.parse(JSON.parse(readFileSync(this.#path, "utf8")));
    } catch {
      return {};
    }
  }
}
