import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { UsageEntry } from "../../shared/usage-types.ts";
import { monthOf, usageFiles } from "./usage-recorder.ts";

/** What was recorded, oldest first. */
export interface UsageRecord {
  readonly entries: readonly UsageEntry[];
  /** Lines that are no entry: cut by a crash, or of a later Cairn. */
  readonly unreadable: number;
}

/**
 * @param since leaves out what is older
 * @throws CairnError("unavailable") when the folder is there and cannot be read
 */
export function readUsage(cacheDirectory: string, since = new Date(0)): UsageRecord {
  const from = since.toISOString();
  const entries: UsageEntry[] = [];
  let unreadable = 0;
  for (const name of usageFiles(cacheDirectory)) {
    if (monthOf(name) < from.slice(0, 7)) continue;
    for (const line of textOf(join(cacheDirectory, name)).split("\n")) {
      if (line === "") continue;
      const entry = entryIn(line);
      if (!entry) unreadable++;
      else if (entry.at >= from) entries.push(entry);
    }
  }
  return { entries: entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)), unreadable };
}

/** Nothing of a file that was deleted meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === "ENOENT") return "";
    throw new CairnError("unavailable", phrase("{0} could not be read ({1}).", file, code));
  }
}

function entryIn(line: string): UsageEntry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data as UsageEntry | undefined;
  } catch {
    return undefined;
  }
}

const count = z.number().nonnegative();

const entrySchema = z.object({
  at: z.iso.datetime(),
  kind: z.enum(["answer", "embedding"]),
  provider: z.string(),
  model: z.string(),
  remote: z.boolean(),
  inputTokens: count.optional(),
  outputTokens: count.optional(),
  cachedTokens: count.optional(),
  firstSeconds: count.optional(),
  seconds: count,
  // A later Cairn may know more ways to fail.
  outcome: z.string(),
  kept: z.boolean().optional(),
  savedInputTokens: count.optional(),
  savedOutputTokens: count.optional(),
});
