import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { LlamaError } from "./llama-messages.ts";

const MAGIC = "GGUF";

/**
 * @param advice what to do about another file
 * @throws LlamaError for what cannot be read, or is no GGUF file
 */
export function checkFile(path: string, advice: Phrase): void {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const magic = Buffer.alloc(MAGIC.length);
    if (fstatSync(file).isFile()) readSync(file, magic);
    if (magic.toString("latin1") === MAGIC) return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LlamaError("no-model", phrase("{0} cannot be read ({1}).", path, code ?? String(error)), advice, {
      cause: error,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
  throw new LlamaError("no-model", phrase("{0} is not a GGUF file.", path), advice);
}
