import { createHash } from "node:crypto";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { FileError, type HostFiles } from "../host.ts";
import { createSharedMemory } from "../vectors/shared-memory.ts";
import type { KernelModule, SharedMemory } from "../vectors/web-assembly.ts";
import { readTensors, type Tensor } from "./safetensors.ts";
import { packVocabulary, type VocabularyShared } from "./vocabulary.ts";

/**
 * A loaded static model, as it is handed to worker threads (by `workerData` or `postMessage`): plain data over shared
 * memory, so that it exists once, whatever the number of threads.
 */
export interface StaticModelShared {
  /** Identity of the model, part of the key of every vector it makes. */
  readonly id: string;
  /** Length of a row of the table. */
  readonly dims: number;
  /** Holds the table of int8 codes from offset 0, one row a token, and the tokens' f32 weights from `weights`. */
  readonly memory: SharedMemory;
  readonly weights: number;
  readonly vocabulary: VocabularyShared;
  readonly kernels: KernelModule | undefined;
}

type Reader = Pick<HostFiles, "read">;

interface Manifest {
  id: string;
  dims: number;
  /** SHA-256 of each file, by name. */
  sha256: Record<string, string>;
}

/**
 * Reads the model in `folder` (`manifest.json`, `model.safetensors`, `vocab.txt`), once per process. Sizes and shapes
 * are checked; the hashes are not, see {@link verifyStaticModel}. Throws `corrupt` when a file is missing or damaged.
 */
export function loadStaticModel(files: Reader, folder: string, kernels: KernelModule | undefined): StaticModelShared {
  const { id, dims } = readManifest(files, folder);
  const vocabulary = readVocabulary(files, folder);
  const { table, weights } = readTables(files, folder, vocabulary.words, dims);

  const weightsAt = table.bytes.length;
  const memory = createSharedMemory(weightsAt + weights.bytes.length);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(table.bytes);
  bytes.set(weights.bytes, weightsAt);
  for (const weight of new Float32Array(memory.buffer, weightsAt, vocabulary.words)) {
    if (!Number.isFinite(weight)) throw damaged(join(folder, MODEL_FILE), "a weight is not a number");
  }
  return { id, dims, memory, weights: weightsAt, vocabulary, kernels };
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

function readTables(files: Reader, folder: string, words: number, dims: number): { table: Tensor; weights: Tensor } {
  const path = join(folder, MODEL_FILE);
  const tensors = readTensors(readFile(files, path), (why) => damaged(path, why));
  const table = tensors.get("E");
  const weights = tensors.get("w");
  if (table?.type !== "I8" || table.shape.join() !== `${words},${dims}`) {
    throw damaged(path, `its table E is not I8 of ${words} words in ${dims} dimensions`);
  }
  if (weights?.type !== "F32" || weights.shape.join() !== `${words}`) {
    throw damaged(path, `its weights w are not F32 of ${words} words`);
  }
  return { table, weights };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function readFile(files: Reader, path: string): Uint8Array {
  try {
    return files.read(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw damaged(path, error.code === "ENOENT" ? "it is missing" : error.message);
  }
}

function damaged(path: string, why: string): CairnError {
  return new CairnError(
    "corrupt",
    `The bundled model is damaged: ${path}: ${why}.`,
    "Install Cairn again; the index itself is not harmed.",
  );
}
