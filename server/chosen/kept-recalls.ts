import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { MeasuredRecall } from "../../shared/search-types.ts";
import type { AskedForm } from "../vectors/stored-form.ts";
import { writeWhole } from "../whole-file.ts";

const recalls = z.record(
  z.string(),
  z.object({
    recall10: z.number().min(0).max(1),
    vectors: z.int().positive(),
    queries: z.int().positive(),
    against: z.enum(["float", "int8"]),
  }),
);

/**
 * What a form of a model's vectors was found to keep, on this user's own code: a file in the cache folder. One that cannot
 * be read or written is measured again.
 */
export class KeptRecalls {
  readonly #path: string;
  /** What the file said when it was asked first: a status is told often. */
  #known: Readonly<Record<string, MeasuredRecall>> | undefined;

  constructor(cacheDirectory: string) {
    this.#path = join(cacheDirectory, "models", "recall.json");
  }

  /** @param model identity of the model */
  get(model: string, form: AskedForm): MeasuredRecall | undefined {
    this.#known ??= this.#all();
    return this.#known[keyOf(model, form)];
  }

  keep(model: string, form: AskedForm, recall: MeasuredRecall): void {
    const all = { ...this.#all(), [keyOf(model, form)]: recall };
    this.#known = all;
    try {
      writeWhole(this.#path, `${JSON.stringify(all, null, 1)}\n`);
    } catch {
      // Measured again then.
    }
  }

  #all(): Readonly<Record<string, MeasuredRecall>> {
    try {
      return recalls.parse(JSON.parse(readFileSync(this.#path, "utf8")));
    } catch {
      return {};
    }
  }
}

function keyOf(model: string, { kind, dims }: AskedForm): string {
  return `${model} in ${kind}@${dims}`;
}
