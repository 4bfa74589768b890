import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { answer, Moved } from "../thread-rpc.ts";
import { decodeBlock, encodeBlock, headerBytes } from "./block-codec.ts";
import type { BlockWorkerData, BlockWorkerMethods, DecodeJob, EncodeJob, SampledBlock } from "./block-jobs.ts";
import { createCodecMemory } from "./codec-memory.ts";
import { floatValues, numberFormat } from "./number-format.ts";
import { FileReader, type Span } from "./read-file.ts";

/** How much of a file is read at a time to be hashed. */
const HASH_BYTES = 1 << 20;

const { kernels } = workerData as BlockWorkerData;
const reader = new FileReader();
// A thread that only hashes needs no memory to code in.
let memory: ReturnType<typeof createCodecMemory> | undefined;

if (parentPort) answer(parentPort, { encode, decode, sample, hash } satisfies Methods);

/** The methods as they are answered: results are moved to the caller. */
type Methods = { [Name in keyof BlockWorkerMethods]: (argument: never) => unknown };

function encode(job: EncodeJob) {
  const bytes = coded(job);
  return new Moved({ bytes, crc: crc32(bytes) }, [bytes.buffer]);
}

function coded({ fine, base, dtype, rows, cols }: EncodeJob): Uint8Array<ArrayBuffer> {
  memory ??= createCodecMemory(kernels);
  const format = numberFormat(dtype);
  const length = rows * cols * format.width;
  reader.readSpans(fine, memory.bytes(memory.at.fine, length));
  if (base) reader.readSpans(base, memory.bytes(memory.at.base, length));
  return encodeBlock(memory, { format, rows, cols }, base !== undefined);
}

function sample(job: EncodeJob): SampledBlock {
  const block = coded(job);
  const { baseEnergy, changeEnergy } = job.base ? energies(job) : { baseEnergy: 0, changeEnergy: 0 };
  return { bytes: block.length, headerBytes: headerBytes(block), codec: block[0], baseEnergy, changeEnergy };
}

/** Of the block that is in memory. */
function energies({ dtype, rows, cols }: EncodeJob): { baseEnergy: number; changeEnergy: number } {
  memory ??= createCodecMemory(kernels);
  const base = floatValues(dtype, memory.bytes(memory.at.base, rows * cols * numberFormat(dtype).width));
  const fine = floatValues(dtype, memory.bytes(memory.at.fine, rows * cols * numberFormat(dtype).width));
  let baseEnergy = 0;
  let changeEnergy = 0;
  if (!base || !fine) return { baseEnergy, changeEnergy };
  for (let i = 0; i < base.length; i++) {
    const change = fine[i] - base[i];
    if (!Number.isFinite(change)) continue;
    baseEnergy += base[i] * base[i];
    changeEnergy += change * change;
  }
  return { baseEnergy, changeEnergy };
}

function decode({ block, crc, base, dtype, rows, cols }: DecodeJob) {
  memory ??= createCodecMemory(kernels);
  const format = numberFormat(dtype);
  const bytes = new Uint8Array(block.bytes);
  reader.read(block.path, block.at, bytes);
  if (crc32(bytes) !== crc) {
    throw new CairnError("corrupt", `${block.path} is damaged at byte ${block.at}.`, "Copy or download it again.");
  }
  if (base) reader.readSpans(base, memory.bytes(memory.at.base, rows * cols * format.width));
  const decoded = Uint8Array.from(decodeBlock(memory, { format, rows, cols }, bytes));
  return new Moved(decoded, [decoded.buffer]);
}

function hash({ path, at, bytes }: Span): string {
  const hasher = createHash("sha256");
  const piece = new Uint8Array(Math.min(HASH_BYTES, bytes));
  for (let done = 0; done < bytes; done += HASH_BYTES) {
    const part = piece.subarray(0, Math.min(HASH_BYTES, bytes - done));
    reader.read(path, at + done, part);
    hasher.update(part);
  }
  return hasher.digest("hex");
}
