import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StoredVectors } from "../../shared/embedding-types.ts";
import { VectorDatabase } from "../store/vector-database.ts";
import { type AskedForm, formNamed, settledForm, sourcesFor, storedName } from "../vectors/stored-form.ts";
import type { ChosenModel } from "./chosen-model.ts";
import { KeptCalibrations } from "./kept-calibrations.ts";

/**
 * What is stored of a model, of all folders of this user, and whether a form can be had of it without embedding.
 * @throws {CairnError} `unavailable` or `corrupt` where the vectors cannot be read
 */
export function storedVectors(
  cacheDirectory: string,
  { identity, dims }: Pick<ChosenModel, "identity" | "dims">,
  choice: AskedForm,
): StoredVectors[] {
  const path = join(cacheDirectory, "vectors.db");
  if (!existsSync(path)) return [];
  const database = new VectorDatabase(path);
  try {
    const names = database.names();
    const calibrations = new KeptCalibrations(cacheDirectory);
    const model = { model: identity, dims, calibrations: calibrations.of(identity) };
    const form = settledForm(choice, calibrations.get(identity, choice.dims));
    const usable = form
      ? [storedName(identity, form, dims), ...sourcesFor(names, model, form).map(({ name }) => name)]
      : [];
    return names.flatMap((name) => {
      const stored = formNamed(name, model);
      const count = stored ? database.count(name) : 0;
      if (!stored || count === 0) return [];
      const kind = stored.kind === "binary" ? "int8" : stored.kind;
      return [{ kind, dims: stored.dims, count, usable: usable.includes(name) }];
    });
  } finally {
    database.close();
  }
}
