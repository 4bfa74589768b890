import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** A range of bytes of a file. */
export interface Span {
  path: string;
  at: number;
  bytes: number;
}

/** Files that stay open between reads; each thread has its own. */
export class FileReader {
  readonly #open = new Map<string, number>();

  /** Fills `into` from a place in a file. Throws `unavailable` when the file ends before. */
  read(path: string, at: number, into: Uint8Array): void {
    const file = this.#file(path);
    let done = 0;
    while (done < into.length) {
      const count = readSync(file, into, done, into.length - done, at + done);
      if (count === 0)
        throw new CairnError(
          "unavailable",
          phrase("{0} is shorter than it was.", path),
          phrase("Leave it alone and start again."),
        );
      done += count;
    }
  }

  /** Fills `into` with the spans, one after the other. */
  readSpans(spans: readonly Span[], into: Uint8Array): void {
    let at = 0;
    for (const span of spans) {
      this.read(span.path, span.at, into.subarray(at, at + span.bytes));
      at += span.bytes;
    }
  }

  size(path: string): number {
    return fstatSync(this.#file(path)).size;
  }

  close(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }

  #file(path: string): number {
    let file = this.#open.get(path);
    if (file === undefined) {
      file = openFile(path);
      this.#open.set(path, file);
    }
    return file;
  }
}

function openFile(path: string): number {
  try {
    if (!statSync(path).isDirectory()) return openSync(path, "r");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CairnError(
      "input",
      code === "ENOENT" ? phrase("There is no {0}.", path) : phrase("{0} cannot be read: {1}.", path, message),
      phrase("Check its name and its permissions."),
    );
  }
  throw new CairnError("input", phrase("{0} is a folder.", path), phrase("Give a file."));
}
