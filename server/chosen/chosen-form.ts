import type { WantedForm } from "../../shared/embedding-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { type AskedForm, FORM_KINDS } from "../vectors/stored-form.ts";
import { keptChoice } from "./model-choice.ts";

/**
 * How short vectors may be, by what they are for: of each row the first length counts that the model was trained for. Row
 * by row as people know them from Matryoshka models.
 */
export const PRESETS: Readonly<Record<string, readonly number[]>> = {
  "ultra-efficient": [256, 128, 64, 32],
  efficient: [384, 256, 128, 64],
  "high-quality": [768, 512, 256],
};

/** What a form depends on, of a model. */
export interface FormedModel {
  readonly name: string;
  readonly dims: number;
  /** Shorter lengths that it was trained for. */
  readonly matryoshka?: readonly number[];
}

/**
 * What the settings say, else what was kept with the choice of this very model.
 * @param named the model as `cairn.embedding.model` takes it; empty for the one that was chosen
 */
export function wantedForm(
  settings: Settings,
  cacheDirectory: string,
  named: string = settings["embedding.model"],
): WantedForm {
  const kept = keptChoice(cacheDirectory);
  const own = named === "" || named === kept.model ? kept : undefined;
  const { "embedding.vectors": vectors, "embedding.dimensions": dimensions } = settings;
  return {
    vectors: vectors === "auto" ? (own?.vectors ?? "") : vectors,
    dimensions: dimensions === "" ? (own?.dimensions ?? "") : dimensions,
  };
}

/**
 * The form in which the vectors of a model are kept.
 * @throws {CairnError} `input` for what is no form, and for a length that the model was not trained for, unless forced
 */
export function formOf(model: FormedModel, { vectors, dimensions }: WantedForm): AskedForm {
  const kind = FORM_KINDS.find((one) => one === (vectors || "int8"));
  if (!kind) {
    throw new CairnError(
      "input",
      phrase('"{0}" is no form of vectors.', vectors),
      phrase("The forms: {0}.", FORM_KINDS.join(", ")),
    );
  }
  return { kind, dims: dimsOf(model, dimensions.trim()) };
}

function dimsOf(model: FormedModel, asked: string): number {
  const { dims, matryoshka = [] } = model;
  const forced = asked.endsWith("!");
  const wanted = forced ? asked.slice(0, -1).trim() : asked;
  if (wanted === "" || wanted === "all") return dims;
  const lengths = Object.hasOwn(PRESETS, wanted) ? PRESETS[wanted] : [Number(wanted)];
  const [first] = lengths;
  if (!lengths.every((length) => Number.isInteger(length) && length >= SHORTEST)) {
    throw new CairnError(
      "input",
      phrase('"{0}" is no number of dimensions.', asked),
      phrase("A whole number from {0}, all, or one of {1}.", SHORTEST, Object.keys(PRESETS).join(", ")),
    );
  }
  const fits = lengths.find((length) => length === dims || matryoshka.includes(length));
  const found = fits ?? (forced ? lengths.find((length) => length < dims) : undefined);
  if (found !== undefined) return found;
  if (first > dims && lengths.length === 1) {
    throw new CairnError(
      "input",
      phrase("{0} gives {1} dimensions, not {2}.", model.name, dims, first),
      phrase("Choose fewer, or leave cairn.embedding.dimensions empty for all."),
    );
  }
  throw notTrained(model, asked);
}

/** Fewer tell hardly any text from another. */
const SHORTEST = 16;

function notTrained({ name, dims, matryoshka = [] }: FormedModel, asked: string): CairnError {
  const why =
    matryoshka.length === 0
      ? phrase(
          "{0} was not trained so that its first dimensions could stand for all {1} (Matryoshka), as far as is known: with {2} it would find less.",
          name,
          dims,
          asked,
        )
      : phrase("{0} was trained for {1} dimensions, not for {2}.", name, [dims, ...matryoshka].join(", "), asked);
  return new CairnError(
    "input",
    why,
    phrase("`{0}!`, or --force in a terminal, does it all the same; int4 makes vectors smaller and keeps more.", asked),
  );
}
