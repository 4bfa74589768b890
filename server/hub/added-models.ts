import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { addedModel, type CatalogModel } from "./catalog.ts";
import { removeModelRecord, writeModelRecord } from "./model-record.ts";

/**
 * Models of the Hub that the user has added to those of the catalogue, described as the catalogue describes its own: a
 * small file each. One that cannot be read is not there, and can be pulled again.
 */
export class AddedModels {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** By their names. */
  all(): CatalogModel[] {
    return namesIn(this.#folder)
      .sort()
      .flatMap((name) => {
        try {
          return [addedModel.parse(JSON.parse(readFileSync(join(this.#folder, name), "utf8")))];
        } catch {
          return [];
        }
      });
  }

  /** @throws {CairnError} `unavailable` where it cannot be written */
  keep(model: CatalogModel): void {
    writeModelRecord(this.#path(model), addedModel.parse(model));
  }

  /** @throws {CairnError} `unavailable` where that cannot be removed */
  forget(model: Pick<CatalogModel, "id">): void {
    removeModelRecord(this.#path(model));
  }

  #path({ id }: Pick<CatalogModel, "id">): string {
    return join(this.#folder, `${id.replaceAll("/", "--")}.json`);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}
