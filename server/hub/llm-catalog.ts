import { z } from "zod";
import { packageFile } from "../package-files.ts";
import { describedModel, isPinnedOrNot, readModels } from "./catalog.ts";

const llm = describedModel
  .extend({
    id: z.string().regex(/^[\w.-]+$/),
    parameters: z.int().positive(),
    /** Of those, what each token goes through, where that is not all: then it is a mixture of experts. */
    activeParameters: z.int().positive().optional(),
    /** Tokens of question and answer together that it was trained for. */
    contextTokens: z.int().positive(),
    /**
     * What the memory keeps of each token that was read: keys and values of all layers, 16 bits each. Layers, heads and
     * their width as the model's maker states them.
     */
    bytesPerToken: z.int().positive(),
  })
  .refine(({ files, weights }) => files.length === 0 && Object.keys(weights).length === 1, {
    error: "a model that answers is one GGUF file",
  })
  .refine(isPinnedOrNot, { error: "a file with a SHA-256 needs a commit: a branch moves on" });

const catalog = z.strictObject({ version: z.literal(1), models: z.array(llm) });

/** A language model that Cairn knows to answer questions about code, in one GGUF file. */
export type CatalogLlm = z.infer<typeof llm>;

/**
 * The language models that can be downloaded, the smallest first. Only those are listed that everyone may use for
 * everything, and whose file is known to be there under its name.
 * @throws {CairnError} `corrupt` when the file that ships with Cairn is damaged
 */
export function readLlmCatalog(path: string = packageFile("models", "llms.json")): readonly CatalogLlm[] {
  return readModels(path, catalog);
}

/** Bytes of its file; rounded where nobody could look. */
export function fileBytes({ weights }: Pick<CatalogLlm, "weights">): number {
  return Object.values(weights).reduce((sum, { bytes }) => sum + bytes, 0);
}
