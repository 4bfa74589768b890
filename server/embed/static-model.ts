import { createHash } from "node:crypto";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { FileError, type HostFiles } from "../host.ts";
import { createSharedMemory } from "../vectors/shared-memory.ts";
import type { KernelModule, SharedMemory } from "../vectors/web-assembly.ts";
import { readTensors } from "./safetensors.ts";
import { openPackedVocabulary, packVocabulary, type VocabularyShared } from "./vocabulary.ts";

/**
 * A loaded static model, as it is handed to worker threads (by `workerData` or `postMessage`): plain data over shared
 * memory, so that it exists once, whatever the number of threads.
 */
export interface StaticModelShared {
  /** Identity of the model, part of the key of every vector it makes. */
  readonly id: string;
  /** Length of a row of the table. */
  readonly dims: number;
  /** Holds the table of int8 codes, one row a token, from `table` on, and the tokens' f32 weights from `weights` on. */
  readonly memory: SharedMemory;
  readonly table: number;
  readonly weights: number;
  readonly vocabulary: VocabularyShared;
  readonly kernels: KernelModule | undefined;
}

type Reader = Pick<HostFiles, "read" | "readInto">;

interface Manifest {
  id: string;
  dims: number;
  /** SHA-256 of each file, by name. */
  sha256: Record<string, string>;
}

/**
 * Reads the model in `folder` (`manifest.json`, `model.safetensors`, `vocab.txt`), once per process. Sizes and shapes
 * are checked; the hashes are not, see {@link verifyStaticModel}. Throws `corrupt` when a file is missing or damaged.
 *
 * @param packed path of the vocabulary as the build packed it; it is packed here when that is missing or of another model.
 */
export function loadStaticModel(
  files: Reader,
  folder: string,
  kernels: KernelModule | undefined,
  packed?: string,
): StaticModelShared {
  const { id, dims, sha256 } = readManifest(files, folder);
  const vocabulary = readPacked(files, packed, sha256[VOCABULARY_FILE]) ?? readVocabulary(files, folder);
  const { memory, table, weights } = readTables(files, folder, vocabulary.words, dims);
  for (const weight of new Float32Array(memory.buffer, weights, vocabulary.words)) {
    if (!Number.isFinite(weight)) throw damaged(join(folder, MODEL_FILE), "a weight is not a number");
  }
  return { id, dims, memory, table, weights, vocabulary, kernels };
}

/** Compares the hash of every file of the model with the manifest. Throws `corrupt` for the first that differs. */
export function verifyStaticModel(files: Reader, folder: string): void {
  for (const [name, expected] of Object.entries(readManifest(files, folder).sha256)) {
    const path = join(folder, name);
    const actual = createHash("sha256").update(readFile(files, path)).digest("hex");
    if (actual !== expected) throw damaged(path, "its SHA-256 is not the one in manifest.json");
  }
}

const MANIFEST_FILE = "manifest.json";
const MODEL_FILE = "model.safetensors";
const VOCABULARY_FILE = "vocab.txt";

function readManifest(files: Reader, folder: string): Manifest {
  const path = join(folder, MANIFEST_FILE);
  const manifest = parseJson(readFile(files, path)) as Partial<Manifest> | null | undefined;
  if (
    typeof manifest?.id !== "string" ||
    typeof manifest.sha256 !== "object" ||
    typeof manifest.dims !== "number" ||
    !(manifest.dims > 0 && manifest.dims % 32 === 0)
  ) {
    throw damaged(path, "it is not JSON with id, dims (a multiple of 32) and sha256");
  }
  return manifest as Manifest;
}

function readVocabulary(files: Reader, folder: string): VocabularyShared {
  const path = join(folder, VOCABULARY_FILE);
  const vocabulary = packVocabulary(readFile(files, path));
  if (!vocabulary) throw damaged(path, "it is not a list of distinct words of small letters and digits, one a line");
  return vocabulary;
}

function readPacked(files: Reader, path: string | undefined, sha256: string | undefined): VocabularyShared | undefined {
  if (path === undefined || sha256 === undefined) return undefined;
  try {
    return openPackedVocabulary(files.readInto(path, sharedBytes), sha256);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

function sharedBytes(size: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(size));
}

/** The file as a whole becomes the memory: eight megabytes are not copied. */
function readTables(
  files: Reader,
  folder: string,
  words: number,
  dims: number,
): Pick<StaticModelShared, "memory" | "table" | "weights"> {
  const path = join(folder, MODEL_FILE);
  let memory: SharedMemory | undefined;
  const file = readWith(path, () =>
    files.readInto(path, (size) => {
      memory = createSharedMemory(size);
      return new Uint8Array(memory.buffer, 0, size);
    }),
  );
  const tensors = readTensors(file, (why) => damaged(path, why));
  const table = tensors.get("E");
  const weights = tensors.get("w");
  if (table?.type !== "I8" || table.shape.join() !== `${words},${dims}`) {
    throw damaged(path, `its table E is not I8 of ${words} words in ${dims} dimensions`);
  }
  if (weights?.type !== "F32" || weights.shape.join() !== `${words}`) {
    throw damaged(path, `its weights w are not F32 of ${words} words`);
  }
  if (memory === undefined || weights.bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT !== 0) {
    throw damaged(path, "its weights w are not aligned to their size");
  }
  return { memory, table: table.bytes.byteOffset, weights: weights.bytes.byteOffset };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function readFile(files: Reader, path: string): Uint8Array {
  return readWith(path, () => files.read(path));
}

function readWith(path: string, read: () => Uint8Array): Uint8Array {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw damaged(path, error.code === "ENOENT" ? "it is missing" : error.message);
  }
}

function damaged(path: string, why: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("The bundled model is damaged: {0}: {1}.", path, why),
    phrase("Install Cairn again; the index itself is not harmed."),
  );
}
