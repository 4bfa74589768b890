import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Log } from "../host.ts";
import { type Calibration, calibrationBy } from "../vectors/calibration.ts";

const HASH_BYTES = 32;

/** The name of a file ends so. */
const ENDING = ".bin";

/**
 * Calibrations of models, in the cache folder beside the vectors that were coded by them: a file each, its SHA-256 in front.
 * A model has one for each number of dimensions, whoever learned it first. One that is damaged is as good as none: what was
 * coded by it can no longer be read, and lies under the name of the old one.
 */
export class KeptCalibrations {
  readonly #folder: string;
  readonly #log: Pick<Log, "warn"> | undefined;

  constructor(cacheDirectory: string, log?: Pick<Log, "warn">) {
    this.#folder = join(cacheDirectory, "models", "calibrations");
    this.#log = log;
  }

  /** Of a model in so many dimensions. @param model identity of the model */
  get(model: string, dims: number): Calibration | undefined {
    return this.#read(fileOf(model, dims));
  }

  /** All of a model. */
  of(model: string): Calibration[] {
    const own = `${keyOf(model)}@`;
    try {
      const files = readdirSync(this.#folder).filter((file) => file.startsWith(own) && file.endsWith(ENDING));
      return files.flatMap((file) => this.#read(file) ?? []);
    } catch {
      return [];
    }
  }

  /**
   * Keeps what was learned, unless another process was first.
   * @returns what is kept
   * @throws {CairnError} `unavailable` where nothing can be written: what is coded by it could never be read again
   */
  keep(model: string, learned: Calibration): Calibration {
    const file = fileOf(model, learned.middles.length);
    const path = join(this.#folder, file);
    const beside = `${path}.${process.pid}.new`;
    const bytes = new Uint8Array(learned.middles.buffer, learned.middles.byteOffset, learned.middles.byteLength);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      try {
        writeFileSync(beside, Buffer.concat([sha256(bytes), bytes]), { mode: 0o600, flush: true });
        return this.#place(beside, file) ?? learned;
      } finally {
        rmSync(beside, { force: true });
      }
    } catch (error) {
      throw new CairnError(
        "unavailable",
        phrase("What was learned of the vectors could not be written to {0} ({1}).", path, String(error)),
        phrase("Make the cache folder writable, or choose another with CAIRN_CACHE_DIR."),
        { cause: error },
      );
    }
  }

  /** Puts a whole file in its place, unless there is one: then what that says. */
  #place(beside: string, file: string): Calibration | undefined {
    const path = join(this.#folder, file);
    try {
      // A link is made of a whole file or not at all, and never in the place of another.
      linkSync(beside, path);
      return undefined;
    } catch (error) {
      const theirs = this.#read(file);
      if (theirs) return theirs;
      // Damaged, unless this is a file system without links.
      if ((error as NodeJS.ErrnoException).code === "EEXIST") {
        this.#log?.warn(`${path} was damaged: what was coded by it is embedded again`);
      }
      renameSync(beside, path);
      return undefined;
    }
  }

  #read(file: string): Calibration | undefined {
    const path = join(this.#folder, file);
    let content: Buffer;
    try {
      content = readFileSync(path);
    } catch {
      return undefined;
    }
    const bytes = Uint8Array.from(content.subarray(HASH_BYTES));
    const dims = Number(file.slice(file.indexOf("@") + 1, -ENDING.length));
    const whole = bytes.length === dims * Float32Array.BYTES_PER_ELEMENT;
    if (whole && sha256(bytes).equals(content.subarray(0, HASH_BYTES))) {
      return calibrationBy(new Float32Array(bytes.buffer));
    }
    return undefined;
  }
}

function fileOf(model: string, dims: number): string {
  return `${keyOf(model)}@${dims}${ENDING}`;
}

function keyOf(model: string): string {
  return createHash("sha256").update(model).digest("hex").slice(0, 32);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
