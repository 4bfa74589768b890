import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { EncodedBlock } from "./block-jobs.ts";
import { ending, MAGIC } from "./delta-file.ts";
import { type BlockEntry, blockEntry, blockTuple, type Manifest } from "./manifest.ts";

/**
 * Writes a delta beside its place. A journal next to it has a line for each block that is there, so that a run after a
 * kill can go on: its first line says what was being made, and each block's CRC-32 is checked before it is trusted.
 */
export class DeltaWriter {
  readonly blocks: BlockEntry[] = [];
  readonly #path: string;
  readonly #file: number;
  readonly #journal: number;
  #end: number;
  #open = true;

  private constructor(path: string, file: number, journal: number, blocks: BlockEntry[]) {
    this.#path = path;
    this.#file = file;
    this.#journal = journal;
    this.blocks = blocks;
    const last = blocks.at(-1);
    this.#end = last ? last.at + last.bytes : MAGIC.length;
  }

  /**
   * Starts a delta, or takes up one that an earlier run for the same identity has left.
   *
   * @throws {CairnError} `unavailable` when it cannot be written there
   */
  static open(path: string, identity: string): DeltaWriter {
    const left = blocksLeft(path, identity);
    return attempt(path, () => {
      const file = openSync(incomplete(path), left ? "r+" : "w+");
      const blocks = left ?? [];
      const lines = [identity, ...blocks.map((block) => JSON.stringify(blockTuple(block)))];
      writeFileSync(journalOf(path), `${lines.join("\n")}\n`);
      const writer = new DeltaWriter(path, file, openSync(journalOf(path), "a"), blocks);
      ftruncateSync(file, blocks.length > 0 ? writer.#end : 0);
      if (blocks.length === 0) writeAt(file, MAGIC, 0);
      return writer;
    });
  }

  /** Adds a block; it has been handed to the system when this returns. */
  append(bytes: Uint8Array, entry: Omit<BlockEntry, "at" | "bytes">): void {
    attempt(this.#path, () => {
      const block = { at: this.#end, bytes: bytes.length, ...entry };
      writeAt(this.#file, bytes, this.#end);
      this.#end += bytes.length;
      this.blocks.push(block);
      writeSync(this.#journal, `${JSON.stringify(blockTuple(block))}\n`);
    });
  }

  /** A block that an earlier run has left. */
  async read(number: number): Promise<EncodedBlock> {
    const { at, bytes, crc } = this.blocks[number];
    const block = new Uint8Array(bytes);
    attempt(this.#path, () => readSync(this.#file, block, 0, bytes, at));
    return { bytes: block, crc };
  }

  /** Adds the manifest. What is now whole is still beside its place. */
  seal(manifest: Manifest): { path: string; bytes: number } {
    return attempt(this.#path, () => {
      const end = ending(manifest, this.#end);
      writeAt(this.#file, end, this.#end);
      fdatasyncSync(this.#file);
      return { path: incomplete(this.#path), bytes: this.#end + end.length };
    });
  }

  /** Moves the delta to its place. */
  publish(): void {
    attempt(this.#path, () => {
      this.#close();
      renameSync(incomplete(this.#path), this.#path);
      rmSync(journalOf(this.#path), { force: true });
    });
  }

  /** Removes all that was written. */
  discard(): void {
    this.#close();
    rmSync(incomplete(this.#path), { force: true });
    rmSync(journalOf(this.#path), { force: true });
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#file);
    closeSync(this.#journal);
  }
}

/** Where something is written until it is whole. */
export function incomplete(path: string): string {
  return `${path}.incomplete`;
}

function journalOf(path: string): string {
  return `${path}.incomplete.journal`;
}

/** Writes all bytes at a place: the system may take them in parts. */
export function writeAt(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

/** Turns what the system says about a path that cannot be written into an error for people. */
export function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof CairnError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC") {
      throw new CairnError(
        "unavailable",
        phrase("There is no room left to write {0}.", path),
        phrase("Free some space, then start again."),
        { cause: error },
      );
    }
    if (code === "ENOENT" && !existsSync(dirname(path)))
      throw new CairnError(
        "input",
        phrase("There is no folder {0}.", dirname(path)),
        phrase("Create it, or write to another place."),
      );
    throw new CairnError(
      "unavailable",
      phrase("{0} cannot be written: {1}.", path, message),
      phrase("Check its permissions, or write to another place."),
      { cause: error },
    );
  }
}

/** The blocks of an interrupted run that are whole, from the first on; undefined when there are none. */
function blocksLeft(path: string, identity: string): BlockEntry[] | undefined {
  if (!existsSync(journalOf(path)) || !existsSync(incomplete(path))) return undefined;
  const [first, ...lines] = readFileSync(journalOf(path), "utf8").split("\n");
  if (first !== identity) return undefined;
  const file = openSync(incomplete(path), "r");
  try {
    const blocks: BlockEntry[] = [];
    let end = MAGIC.length;
    for (const line of lines) {
      const block = readLine(line);
      if (!block || block.at !== end || !isWhole(file, block)) break;
      blocks.push(block);
      end += block.bytes;
    }
    return blocks.length > 0 ? blocks : undefined;
  } finally {
    closeSync(file);
  }
}

function readLine(line: string): BlockEntry | undefined {
  try {
    return blockEntry(JSON.parse(line));
  } catch {
    // The last line of a run that was killed while it wrote it.
    return undefined;
  }
}

function isWhole(file: number, { at, bytes, crc }: BlockEntry): boolean {
  if (at + bytes > fstatSync(file).size) return false;
  const block = new Uint8Array(bytes);
  return readSync(file, block, 0, bytes, at) === bytes && crc32(block) === crc;
}
