import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StoredVectors } from "../../shared/embedding-types.ts";
import { VectorDatabase } from "../store/vector-database.ts";
import { formNamed, type StoredForm, sourcesFor, storedName } from "../vectors/stored-form.ts";
import type { ChosenModel } from "./chosen-model.ts";

/**
 * What is stored of a model, of all folders of this user, and whether a form can be had of it without embedding.
 * @throws {CairnError} `unavailable` or `corrupt` where the vectors cannot be read
 */
export function storedVectors(
  cacheDirectory: string,
  { identity, dims }: Pick<ChosenModel, "identity" | "dims">,
  form: StoredForm,
): StoredVectors[] {
  const path = join(cacheDirectory, "vectors.db");
  if (!existsSync(path)) return [];
  const database = new VectorDatabase(path);
  try {
    const names = database.names();
    const usable = [
      storedName(identity, form, dims),
      ...sourcesFor(names, identity, form, dims).map(({ name }) => name),
    ];
    return names.flatMap((name) => {
      const stored = formNamed(name, identity, dims);
      const count = stored ? database.count(name) : 0;
      if (!stored || count === 0) return [];
      const { kind } = stored;
      return [{ kind: kind === "int4" ? kind : "int8", dims: stored.dims, count, usable: usable.includes(name) }];
    });
  } finally {
    database.close();
  }
}
