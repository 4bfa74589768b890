import { readFileSync } from "node:fs";
import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { packageFile } from "../package-files.ts";

/**
 * How the weights are stored. The last that there is is taken unless another is named: whole numbers of 8 bits are the
 * fastest on a CPU. With 4 bits (`bnb4` unevenly spaced, `q4f16` with halves for the rest) only the layers are packed, so
 * that such files are seldom smaller.
 */
export const PRECISIONS = ["fp32", "fp16", "bnb4", "q4f16", "q4", "int8"] as const;
export type Precision = (typeof PRECISIONS)[number];

const COMMIT = /^[0-9a-f]{40}$/;
/** Inside its repository whatever the platform makes of it: no backslash, no drive, no dot folder. */
const RELATIVE_PATH = /^(?!\.)[\w.-]+(?:\/(?!\.)[\w.-]+)*$/;
const REPOSITORY = /^(?!\.)[\w.-]+\/(?!\.)[\w.-]+$/;

const catalogFile = z.strictObject({
  path: z.string().regex(RELATIVE_PATH),
  /** What to expect; rounded where nobody could look. */
  bytes: z.int().positive(),
  /** Absent where it could not be known: then what the Hub says at the first download holds from then on. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

/** What is said of a model of any kind. */
export const describedModel = z.strictObject({
  /** Of the catalogue, a name of its own; of others, that of the repository. */
  id: z.string(),
  /** The repository whose files are taken; often a conversion of `origin`. */
  repository: z.string().regex(REPOSITORY),
  origin: z.string().regex(REPOSITORY),
  /** A commit, or a branch whose commit is recorded at the first download. */
  revision: z.string().regex(/^(?!\.)[\w.-]+$/),
  licence: z.string().min(1),
  about: z.string().min(1),
  /** What every precision needs besides its weights. */
  files: z.array(catalogFile),
  weights: z.partialRecord(z.enum(PRECISIONS), catalogFile),
});

const model = describedModel
  .extend({
    dims: z.int().positive(),
    /** How the vectors of a text's tokens become one. */
    pooling: z.enum(["mean", "cls", "last"]),
    /** Tokens the model takes, with those that open and close a text. */
    maxTokens: z.int().positive(),
    queryPrefix: z.string(),
    passagePrefix: z.string(),
    /** Shorter lengths that the model was trained for, longest first. */
    matryoshka: z.array(z.int().positive()),
  })
  .refine(({ dims, matryoshka }) => matryoshka.every((length, i) => length < (matryoshka[i - 1] ?? dims)), {
    error: "shorter lengths must be shorter than the whole, longest first",
  })
  .refine(isPinnedOrNot, { error: "a file with a SHA-256 needs a commit: a branch moves on" })
  .refine(({ weights }) => Object.keys(weights).length > 0, { error: "there are no weights" });

const catalogModel = model.refine(({ id }) => /^[\w.-]+$/.test(id), { error: "an id is one word" });

/** A model of the Hub that the user has added: it is called as its repository. */
export const addedModel = model.refine(({ id, repository }) => id === repository, {
  error: "it is not called as its repository",
});

const catalog = z
  .strictObject({ version: z.literal(1), models: z.array(catalogModel) })
  .refine(({ models }) => new Set(models.map(({ id }) => id.toLowerCase())).size === models.length, {
    error: "two models have the same id",
  });

export type CatalogFile = z.infer<typeof catalogFile>;
export type CatalogModel = z.infer<typeof model>;
/** Where the files of a model come from, whatever it is like. */
export type ModelFiles = Pick<z.infer<typeof describedModel>, "id" | "repository" | "revision" | "files" | "weights">;

/**
 * The models that Cairn knows how to use, in the order in which they are shown.
 * @throws {CairnError} `corrupt` when the file that ships with Cairn is damaged
 */
export function readCatalog(path: string = packageFile("models", "catalog.json")): readonly CatalogModel[] {
  return readModels(path, catalog);
}

/**
 * Reads a list of models that ships with Cairn.
 * @throws {CairnError} `corrupt` when the file is damaged
 */
export function readModels<Model>(path: string, list: z.ZodType<{ readonly models: Model[] }>): readonly Model[] {
  try {
    return list.parse(JSON.parse(readFileSync(path, "utf8"))).models;
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new CairnError(
      "corrupt",
      phrase("The catalogue of models is damaged ({0}): {1}", path, why),
      phrase("Install Cairn again."),
      { cause: error },
    );
  }
}

/**
 * What has to be on disk for a model in one precision: the weights last, for they are the largest.
 * @throws {CairnError} `input` for a precision in which the model is not offered
 */
export function filesOf(model: ModelFiles, precision: Precision): readonly CatalogFile[] {
  const weights = model.weights[precision];
  if (weights) return [...model.files, weights];
  throw new CairnError(
    "input",
    phrase("{0} is not offered in {1}.", model.id, precision),
    phrase("It is offered in {0}.", precisionsOf(model).join(", ")),
  );
}

/** The precisions in which a model is offered, the one that is taken unless another is named last. */
export function precisionsOf(model: ModelFiles): Precision[] {
  return PRECISIONS.filter((precision) => model.weights[precision]);
}

/** True for what can be the path of a file in a repository, and stays inside it on every platform. */
export function isPlainPath(path: string): boolean {
  return RELATIVE_PATH.test(path);
}

/** True for the full name of a commit, whose content never changes. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** Only a commit can have files of which the SHA-256 is known. */
export function isPinnedOrNot({
  revision,
  files,
  weights,
}: Pick<ModelFiles, "revision" | "files" | "weights">): boolean {
  return isCommit(revision) || [...files, ...Object.values(weights)].every(({ sha256 }) => sha256 === undefined);
}
