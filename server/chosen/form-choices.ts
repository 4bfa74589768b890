import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FormChoice, WantedForm } from "../../shared/embedding-types.ts";
import { VectorDatabase } from "../store/vector-database.ts";
import {
  type AskedForm,
  FORM_KINDS,
  formNamed,
  type StoredModel,
  settledForm,
  sourcesFor,
  storedName,
} from "../vectors/stored-form.ts";
import { type FormedModel, formOf, PRESETS } from "./chosen-form.ts";
import { vectorBytes } from "./embedding-cost.ts";
import { KeptCalibrations } from "./kept-calibrations.ts";
import { KeptRecalls } from "./kept-recalls.ts";
import { vectorsStatus } from "./vectors-status.ts";

/** A model whose vectors are to be kept; nothing is known of the vectors of one that is not on this machine yet. */
export interface ModelToForm extends FormedModel {
  readonly identity: string | undefined;
}

export interface FormQuestion {
  /** Chunks of the open folders. */
  readonly chunks: number;
  /** In how many dimensions, as the setting says it; undefined for all that the model was trained for. */
  readonly dimensions?: string;
  /** What is in use, of a model that is; it may be refused. */
  readonly chosen?: WantedForm;
}

/**
 * The forms in which the vectors of a model can be kept, the usual one first, with what each takes and what there is of it.
 * @throws {CairnError} `input` for dimensions that the model was not trained for; `unavailable` or `corrupt` where the
 * vectors cannot be read
 */
export function formChoices(
  cacheDirectory: string,
  model: ModelToForm,
  { chunks, dimensions, chosen }: FormQuestion,
): FormChoice[] {
  const { dims, matryoshka = [], identity } = model;
  const lengths = dimensions === undefined ? ["all", ...matryoshka.map(String)] : [dimensions.trim()];
  const wanted = lengths.flatMap((length) => FORM_KINDS.map((vectors) => ({ vectors, dimensions: length })));
  const forms = wanted.map((form) => [form, formOf(model, form)] as const);
  const names = identity === undefined ? [] : storedNames(cacheDirectory);
  const calibrations = new KeptCalibrations(cacheDirectory).of(identity ?? "");
  const recalls = new KeptRecalls(cacheDirectory);
  const inUse = chosen && formIfAny(model, chosen);
  return forms.map(([form, asked]) => ({
    form,
    vectors: vectorsStatus({ model: identity ?? "", dims, form: asked }, recalls),
    presets: Object.keys(PRESETS).filter(
      (preset) => formIfAny(model, { vectors: "", dimensions: preset })?.dims === asked.dims,
    ),
    bytes: vectorBytes(asked, chunks),
    chosen: inUse !== undefined && inUse.kind === asked.kind && inUse.dims === asked.dims,
    stored: identity === undefined ? "none" : whatIsStored(names, { model: identity, dims, calibrations }, asked),
  }));
}

function whatIsStored(names: readonly string[], model: Required<StoredModel>, asked: AskedForm): FormChoice["stored"] {
  const form = settledForm(
    asked,
    model.calibrations.find(({ middles }) => middles.length === asked.dims),
  );
  if (form && names.includes(storedName(model.model, form, model.dims))) return "same";
  if (form && sourcesFor(names, model, form).length > 0) return "larger";
  return names.some((name) => formNamed(name, model) !== undefined) ? "smaller" : "none";
}

function storedNames(cacheDirectory: string): string[] {
  const path = join(cacheDirectory, "vectors.db");
  if (!existsSync(path)) return [];
  const database = new VectorDatabase(path);
  try {
    return database.names();
  } finally {
    database.close();
  }
}

/** Undefined for what is refused. */
function formIfAny(model: FormedModel, wanted: WantedForm): AskedForm | undefined {
  try {
    return formOf(model, wanted);
  } catch {
    return undefined;
  }
}
