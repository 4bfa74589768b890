import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { attempt } from "../delta/delta-writer.ts";
import {
  type Collected,
  type Content,
  changedMeanwhile,
  type DeltaStore,
  isSha256,
  nameFile,
  parseStoredName,
  piecesOf,
  type StoredName,
  type TransferOptions,
} from "./delta-store.ts";

/** What is about to be removed has this behind its name. */
const LEAVING = ".leaving";
/** What a push that was killed left is removed when nobody has written to it for so long. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * A folder: `objects/ab/ab12…` are the deltas, `names/` what they are called, `incoming/` what is not whole yet.
 *
 * Collecting is safe beside a push without a lock, because each looks after it has acted: a push names what it stored
 * and then looks whether it is still there; a collection moves what has no name aside and then looks whether it has got
 * one. At least one of them sees the other.
 */
export class FolderStore implements DeltaStore {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  async names(): Promise<StoredName[]> {
    this.#expect();
    return this.#files("names")
      .filter((file) => file.endsWith(".json"))
      .flatMap((file) => this.#readName(join(this.place, "names", file)) ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async named(name: string): Promise<StoredName | undefined> {
    this.#expect();
    return this.#readName(join(this.place, "names", nameFile(name)));
  }

  async setName(entry: StoredName): Promise<void> {
    const path = join(this.place, "names", nameFile(entry.name));
    attempt(path, () => {
      mkdirSync(join(this.place, "names"), { recursive: true });
      const fresh = this.#incoming();
      writeFileSync(fresh, `${JSON.stringify(entry, null, 2)}\n`);
      renameSync(fresh, path);
    });
  }

  async removeName(name: string): Promise<boolean> {
    this.#expect();
    const path = join(this.place, "names", nameFile(name));
    if (!existsSync(path)) return false;
    attempt(path, () => rmSync(path));
    return true;
  }

  async has({ sha256, bytes }: Content): Promise<boolean> {
    return statSync(this.#object(sha256), { throwIfNoEntry: false })?.size === bytes;
  }

  async put(path: string, content: Content, { signal, onBytes }: TransferOptions): Promise<void> {
    if (await this.has(content)) return;
    const place = attempt(this.place, () => this.#incoming());
    try {
      const hash = createHash("sha256");
      await copied(path, place, signal, (piece, done) => {
        hash.update(piece);
        onBytes?.(done);
      });
      if (hash.digest("hex") !== content.sha256) throw changedMeanwhile(path);
      attempt(this.place, () => {
        const object = this.#object(content.sha256);
        mkdirSync(join(object, ".."), { recursive: true });
        renameSync(place, object);
      });
    } finally {
      rmSync(place, { force: true });
    }
  }

  async get({ sha256 }: Content, path: string, { signal, onBytes }: TransferOptions): Promise<void> {
    const object = this.#object(sha256);
    // A collection may just be looking at it, or have been killed while it did.
    const source = [object, object + LEAVING, object].find((one) => existsSync(one));
    if (source === undefined)
      throw new CairnError(
        "corrupt",
        phrase("{0} has lost the delta with SHA-256 {1}.", this.place, sha256),
        phrase("Push it again."),
      );
    await copied(source, path, signal, (_, done) => onBytes?.(done));
  }

  async collect(): Promise<Collected> {
    this.#expect();
    this.#removeAbandoned();
    const named = await this.#named();
    for (const [sha256, file] of this.#objects())
      if (!named.has(sha256) && !file.endsWith(LEAVING)) move(file, file + LEAVING);
    const stillNamed = await this.#named();
    const collected = { removed: 0, bytes: 0 };
    for (const [sha256, file] of this.#objects()) {
      const size = statSync(file, { throwIfNoEntry: false })?.size;
      if (!file.endsWith(LEAVING) || size === undefined) continue;
      if (stillNamed.has(sha256)) move(file, file.slice(0, -LEAVING.length));
      else {
        attempt(file, () => rmSync(file, { force: true }));
        collected.removed++;
        collected.bytes += size;
      }
    }
    return collected;
  }

  async #named(): Promise<Set<string>> {
    return new Set((await this.names()).map(({ sha256 }) => sha256));
  }

  #expect(): void {
    if (existsSync(join(this.place, "objects"))) return;
    throw new CairnError(
      "input",
      phrase("There is no store of deltas in {0}.", this.place),
      phrase("`cairn delta push` makes one."),
    );
  }

  #readName(path: string): StoredName | undefined {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      // Removed since it was listed; what cannot be read must not count as that, or its delta would be collected.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new CairnError(
        "unavailable",
        phrase("{0} cannot be read: {1}.", path, (error as Error).message),
        phrase("Check its permissions."),
      );
    }
    return parseStoredName(text, path);
  }

  #object(sha256: string): string {
    return join(this.place, "objects", sha256.slice(0, 2), sha256);
  }

  /** Every object with its SHA-256, those that are leaving too. */
  #objects(): [sha256: string, path: string][] {
    return this.#files("objects").flatMap((folder) =>
      this.#files("objects", folder)
        .filter((file) => isSha256(file.replace(LEAVING, "")))
        .map((file): [string, string] => [file.replace(LEAVING, ""), join(this.place, "objects", folder, file)]),
    );
  }

  #files(...parts: string[]): string[] {
    const folder = join(this.place, ...parts);
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** A name for something that is not whole yet, in a folder that is there. */
  #incoming(): string {
    mkdirSync(join(this.place, "objects"), { recursive: true });
    mkdirSync(join(this.place, "incoming"), { recursive: true });
    return join(this.place, "incoming", randomUUID());
  }

  #removeAbandoned(): void {
    for (const file of this.#files("incoming")) {
      const path = join(this.place, "incoming", file);
      const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
      if (Date.now() - mtimeMs > ABANDONED_MS) rmSync(path, { force: true });
    }
  }
}

/** Renames what another collection may have just renamed; equal bytes that are in the way are replaced. */
function move(from: string, to: string): void {
  attempt(from, () => {
    try {
      renameSync(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  });
}

/** Copies a file, and has it on disk when this resolves. */
async function copied(
  from: string,
  to: string,
  signal: AbortSignal,
  onPiece: (piece: Uint8Array, done: number) => void,
): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(to, "w");
    let done = 0;
    for await (const piece of piecesOf(from, signal)) {
      await file.writeFile(piece);
      done += piece.length;
      onPiece(piece, done);
    }
    await file.datasync();
  } catch (error) {
    attempt(to, () => {
      throw error;
    });
  } finally {
    await file?.close();
  }
}
