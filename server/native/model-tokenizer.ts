import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Special } from "./text-windows.ts";

/**
 * The tokenizer of a model, as its maker describes it. The package is the one inside `@huggingface/transformers`, which
 * as a whole brings an image library under the LGPL and a second runtime of 100 MB for browsers.
 */
export class ModelTokenizer {
  /** What is put around every text. */
  readonly special: Special;
  /** The token with which shorter texts are filled up. */
  readonly padding: number;
  readonly #tokenizer: Tokenizer;

  /** @throws {CairnError} `output` when the files describe no tokenizer */
  constructor(folder: string) {
    try {
      const config = readJson(join(folder, "tokenizer_config.json"));
      this.#tokenizer = new Tokenizer(readJson(join(folder, "tokenizer.json")), config);
      this.special = this.#specialTokens();
      const padding = config.pad_token;
      const name = typeof padding === "string" ? padding : ((padding as { content?: string })?.content ?? "[PAD]");
      this.padding = this.#tokenizer.token_to_id(name) ?? 0;
    } catch (error) {
      throw new CairnError(
        "output",
        phrase("The tokenizer in {0} cannot be used ({1}).", folder, (error as Error).message),
        phrase("Check the model with `cairn models verify`."),
        { cause: error },
      );
    }
  }

  /** Token ids of a text, without special tokens. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** Compares a text with and without them. */
  #specialTokens(): Special {
    const bare = this.encode("a");
    const ids: number[] = this.#tokenizer.encode("a", { add_special_tokens: true }).ids;
    const at = ids.findIndex((_, i) => bare.every((id, j) => ids[i + j] === id));
    if (at < 0) throw new Error("it changes the text that it wraps");
    return { before: ids.slice(0, at), after: ids.slice(at + bare.length) };
  }
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8"));
}
