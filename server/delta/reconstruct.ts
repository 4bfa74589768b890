import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { explain, findBaseFiles } from "./base-files.ts";
import { inOrder } from "./block-workers.ts";
import type { Delta } from "./delta-file.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import { attempt, incomplete, writeAt } from "./delta-writer.ts";
import type { Manifest, Part } from "./manifest.ts";
import { type Model, pathsOf } from "./model-files.ts";
import { Pieces } from "./pieces.ts";
import { assertReplaceable } from "./replaceable.ts";

export interface ReconstructOptions extends DeltaOptions {
  /** Replaces what is already there. */
  force: boolean;
}

export interface Reconstructed {
  path: string;
  bytes: number;
  /** Bytes that an earlier, interrupted run had left and that were right. */
  resumedBytes: number;
}

/**
 * Rebuilds what a delta was made of, byte for byte. It is written beside its place and renamed once every file has the
 * SHA-256 that the delta says. A run that was killed is taken up where it stopped.
 *
 * @throws {CairnError} `input` for a wrong base, `corrupt` for a damaged delta; nothing is left then
 */
export async function reconstruct(
  delta: Delta,
  base: Model,
  out: string,
  options: ReconstructOptions,
): Promise<Reconstructed> {
  const { manifest } = delta;
  assertReplaceable(out, {
    force: options.force,
    needed: [delta.path, ...pathsOf(base)],
    files: manifest.folder ? manifest.files.map(({ name }) => name) : undefined,
  });
  const paths = findBaseFiles(manifest, base);
  const pieces = new Pieces(delta, paths, options.workers);
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const place = incomplete(out);
  let resumedBytes = 0;
  let done = 0;
  try {
    for (const file of manifest.files) {
      const path = manifest.folder ? join(place, ...file.name.split("/")) : place;
      attempt(path, () => {
        if (manifest.folder) mkdirSync(dirname(path), { recursive: true });
      });
      const writer = new FileWriter(path, file.parts);
      resumedBytes += writer.end;
      done += writer.end;
      try {
        await writeParts(writer, file.parts.slice(writer.partsDone), pieces, options, (bytes) => {
          done += bytes;
          options.onProgress?.({ phase: "rebuilding", done, total });
        });
        writer.finish(file);
      } finally {
        writer.close();
      }
    }
    attempt(out, () => {
      if (options.force) rmSync(out, { recursive: true, force: true });
      renameSync(place, out);
    });
    return { path: out, bytes: total, resumedBytes };
  } catch (error) {
    rmSync(place, { recursive: true, force: true });
    throw await explain(error, manifest, paths, options.workers);
  }
}

async function writeParts(
  writer: FileWriter,
  parts: readonly Part[],
  pieces: Pieces,
  { workers, signal }: ReconstructOptions,
  onWritten: (bytes: number) => void,
): Promise<void> {
  const all = (function* () {
    for (const part of parts) yield* pieces.of(part);
  })();
  for await (const [piece, bytes] of inOrder(all, 2 * workers.count, (piece) => pieces.decode(piece))) {
    stopWhen(signal);
    writer.write(bytes);
    onWritten(piece.bytes);
    pieces.done(piece, bytes);
  }
}

/** A file that is being rebuilt: what an earlier run left of it is kept as far as its parts have the right hash. */
class FileWriter {
  end = 0;
  partsDone = 0;
  readonly #path: string;
  readonly #file: number;
  #hash: Hash = createHash("sha256");

  constructor(path: string, parts: readonly Part[]) {
    this.#path = path;
    this.#file = attempt(path, () => openSync(path, existsSync(path) ? "r+" : "w+"));
    for (const part of parts) {
      const after = this.#check(part);
      if (!after) break;
      this.#hash = after;
      this.end += part.bytes;
      this.partsDone++;
    }
    attempt(path, () => ftruncateSync(this.#file, this.end));
  }

  write(bytes: Uint8Array): void {
    attempt(this.#path, () => writeAt(this.#file, bytes, this.end));
    this.#hash.update(bytes);
    this.end += bytes.length;
  }

  /** Throws `corrupt` when the file has not the hash that it should have. */
  finish({ name, bytes, sha256 }: Manifest["files"][number]): void {
    if (this.end !== bytes || this.#hash.digest("hex") !== sha256) {
      throw new CairnError(
        "corrupt",
        phrase("{0} was not rebuilt as it was: its SHA-256 is not {1}.", basename(name), sha256),
        phrase("Get the delta again."),
      );
    }
    attempt(this.#path, () => fdatasyncSync(this.#file));
  }

  close(): void {
    closeSync(this.#file);
  }

  /** The hash of the file up to and with this part, when it is there and right. */
  #check({ bytes, sha256 }: Part): Hash | undefined {
    if (this.end + bytes > fstatSync(this.#file).size) return undefined;
    const whole = this.#hash.copy();
    const own = createHash("sha256");
    const piece = new Uint8Array(Math.min(CHECK_BYTES, bytes));
    for (let done = 0; done < bytes; done += CHECK_BYTES) {
      const part = piece.subarray(0, Math.min(CHECK_BYTES, bytes - done));
      readSync(this.#file, part, 0, part.length, this.end + done);
      whole.update(part);
      own.update(part);
    }
    return bytes === 0 || own.digest("hex") === sha256 ? whole : undefined;
  }
}

const CHECK_BYTES = 1 << 20;
