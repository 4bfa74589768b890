import { createHash } from "node:crypto";
import type { Model, ModelFile } from "./model-files.ts";
import type { FileReader } from "./read-file.ts";
import type { TensorPlace } from "./safetensors.ts";

/** A tensor and the file that it is in, by its number in the model. */
export interface Located {
  file: number;
  tensor: TensorPlace;
}

/**
 * Finds, for each tensor of a fine-tune, the one of the base that it was made from: by name; else by name without the
 * prefix that wrappers put before it (`model.`, `base_model.model.`); else, for renamed ones, by equal content.
 */
export class TensorMatcher {
  readonly #byName = new Map<string, Located>();
  readonly #byTail = new Map<string, Located[]>();
  readonly #bySample = new Map<string, Located>();
  readonly #bySize = new Map<number, Located[]>();
  readonly #files: readonly ModelFile[];
  readonly #reader: FileReader;

  constructor(base: Model, reader: FileReader) {
    this.#files = base.files;
    this.#reader = reader;
    base.files.forEach(({ tensors }, file) => {
      for (const tensor of tensors) {
        const located = { file, tensor };
        this.#byName.set(tensor.name, located);
        append(this.#byTail, tailOf(tensor.name), located);
        append(this.#bySize, tensor.bytes, located);
      }
    });
  }

  /** The base's tensor, whose values have the same format and, unless rows were added or removed, the same number. */
  find(tensor: TensorPlace, path: string): Located | undefined {
    const named = this.#byName.get(tensor.name);
    if (named && isComparable(named.tensor, tensor)) return named;
    const wrapped = (this.#byTail.get(tailOf(tensor.name)) ?? []).filter(
      (candidate) => isComparable(candidate.tensor, tensor) && isWrapped(candidate.tensor.name, tensor.name),
    );
    if (wrapped.length === 1) return wrapped[0];
    return this.#renamed(tensor, path);
  }

  #renamed(tensor: TensorPlace, path: string): Located | undefined {
    for (const candidate of this.#bySize.get(tensor.bytes) ?? []) {
      if (candidate.tensor.dtype !== tensor.dtype) continue;
      const candidatePath = this.#files[candidate.file].path;
      this.#bySample.set(sampleOf(this.#reader, candidatePath, candidate.tensor), candidate);
    }
    this.#bySize.delete(tensor.bytes);
    return this.#bySample.get(sampleOf(this.#reader, path, tensor));
  }
}

const SAMPLE_BYTES = 4096;

/** Size, format and some of the bytes of a tensor, as a key: equal tensors have equal ones. */
export function sampleOf(reader: FileReader, path: string, { at, bytes, dtype }: TensorPlace): string {
  const hash = createHash("sha256").update(`${dtype} ${bytes}`);
  const piece = new Uint8Array(Math.min(SAMPLE_BYTES, bytes));
  for (const from of [0, (bytes - piece.length) >> 1, bytes - piece.length]) {
    reader.read(path, at + Math.max(0, from), piece);
    hash.update(piece);
  }
  return hash.digest("hex");
}

/** The same values, or the same but for rows at the end (a vocabulary that grew). */
function isComparable(base: TensorPlace, tensor: TensorPlace): boolean {
  if (base.dtype !== tensor.dtype || base.bytes === 0) return false;
  return (
    base.bytes === tensor.bytes ||
    (tensor.shape.length > 1 && String(base.shape.slice(1)) === String(tensor.shape.slice(1)))
  );
}

function isWrapped(a: string, b: string): boolean {
  return a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
}

/** The last two parts of a name: enough to look up candidates. */
function tailOf(name: string): string {
  return name.split(".").slice(-2).join(".");
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
