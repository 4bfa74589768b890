import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { answer, Moved } from "../thread-rpc.ts";
import { decodeBlock, encodeBlock, headerBytes } from "./block-codec.ts";
import type {
  BlockWorkerData,
  BlockWorkerMethods,
  DecodeJob,
  DecodeRowsJob,
  EncodeJob,
  EncodeRowsJob,
  FitJob,
  Prediction,
  SampledBlock,
} from "./block-jobs.ts";
import { BLOCK_BYTES, BLOCK_VALUES, type CodecMemory, createCodecMemory } from "./codec-memory.ts";
import {
  bringFloats,
  decodeFactors,
  encodeFactors,
  type Factors,
  isPredictable,
  predict,
  recordBytes,
} from "./factors.ts";
import { fitFactors } from "./low-rank.ts";
import { numberFormat } from "./number-format.ts";
import { decodePacked, encodePacked, PACKED_ROWS } from "./packed-rows.ts";
import { FileReader, type Span } from "./read-file.ts";
import { decodeRows, encodeRows, LONGEST_ROW_BLOCK } from "./row-codec.ts";

/** How much of a file is read at a time to be hashed. */
const HASH_BYTES = 1 << 20;
const BLOCKS_A_COLLECTION = 64;

const { kernels } = workerData as BlockWorkerData;
const reader = new FileReader();
let memory: CodecMemory | undefined;
let codedBlocks = 0;
/** Hold one coded block, and one piece of what is hashed, after the other: garbage of this size is collected late. */
let packed = new Uint8Array();
let hashed = new Uint8Array();
/** The factors that were used last: the blocks of a tensor come one after the other. */
let lastFactors: { key: string; factors: Factors } | undefined;

if (parentPort)
  answer(parentPort, { encode, decode, fit, sample, encodeRows: rows, decodeRows: rowsBack, hash } satisfies Methods);

/** The methods as they are answered: results are moved to the caller. */
type Methods = { [Name in keyof BlockWorkerMethods]: (argument: never) => unknown };

/** A thread that only hashes needs no memory to code in. */
function codec(): CodecMemory {
  memory ??= createCodecMemory(kernels);
  return memory;
}

function encode(job: EncodeJob) {
  const bytes = inRoom(job.room, coded(job));
  collectSometimes();
  return new Moved({ bytes, crc: crc32(bytes) }, [bytes.buffer]);
}

/**
 * What zstd gives lies beside the heap: 25 MB of it a thread would pile up until the few objects that hold it had filled
 * that. Collected with what has become old, for that is where they are by then.
 */
function collectSometimes(): void {
  codedBlocks++;
  // Only where the process was started so that it may ask.
  if (codedBlocks % BLOCKS_A_COLLECTION === 0) globalThis.gc?.();
}

/** A copy in the memory that came with the job, or in its own where there is none or too little. */
function inRoom(room: ArrayBuffer | undefined, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!room || room.byteLength < bytes.length) return new Uint8Array(bytes);
  const copy = new Uint8Array(room, 0, bytes.length);
  copy.set(bytes);
  return copy;
}

/** Stays in memory until the next. */
function coded(job: EncodeJob): Uint8Array {
  const { fine, dtype, rows, cols } = job;
  const format = numberFormat(dtype);
  bringBase(job);
  reader.readSpans(fine, codec().bytes(codec().at.fine, rows * cols * format.width));
  return encodeBlock(codec(), { format, rows, cols }, job.base !== undefined);
}

/** Reads the base of a block, and replaces it by what is predicted from it. */
function bringBase({ base, dtype, rows, cols, prediction }: EncodeJob | DecodeJob): void {
  if (!base) return;
  // Factors are decoded in the same memory, so they come first.
  const factors = prediction && factorsOf(prediction, cols);
  reader.readSpans(base, codec().bytes(codec().at.base, rows * cols * numberFormat(dtype).width));
  if (prediction && factors) predict(codec(), dtype, factors, prediction.fromRow, rows);
}

function factorsOf({ key, record }: Prediction, cols: number): Factors {
  if (lastFactors?.key !== key) lastFactors = { key, factors: decodeFactors(codec(), record, cols) };
  return lastFactors.factors;
}

function decode(job: DecodeJob) {
  const { block, crc, dtype, rows, cols } = job;
  const bytes = checked(block, crc);
  bringBase(job);
  const decoded = inRoom(job.room, decodeBlock(codec(), { format: numberFormat(dtype), rows, cols }, bytes));
  return new Moved(decoded, [decoded.buffer]);
}

/** The bytes of a block, when they have the CRC-32 that they should have. */
function checked({ path, at, bytes }: Span, crc: number): Uint8Array {
  if (packed.length < bytes) packed = new Uint8Array(Math.max(bytes, BLOCK_BYTES));
  const block = packed.subarray(0, bytes);
  reader.read(path, at, block);
  if (crc32(block) === crc) return block;
  throw new CairnError(
    "corrupt",
    phrase("{0} is damaged at byte {1}.", path, at),
    phrase("Copy or download it again."),
  );
}

function fit(job: FitJob) {
  const bytes = worthwhileFactors(job);
  return new Moved({ bytes, crc: crc32(bytes) }, [bytes.buffer]);
}

/** What is found is tried on the middle block: whether it pays is a matter of bytes, not of a model. */
function worthwhileFactors(job: FitJob): Uint8Array<ArrayBuffer> {
  const codes = fitFactors(codec(), reader, job);
  if (!codes) return new Uint8Array();
  const record = encodeFactors(codec(), codes);
  const { dtype, cols } = job;
  const { width } = numberFormat(dtype);
  const rows = Math.min(job.rows, Math.floor(Math.min(BLOCK_BYTES / width, BLOCK_VALUES) / cols));
  const fromRow = Math.floor((job.rows - rows) / 2);
  const part = (span: Span): Span => ({ ...span, at: span.at + fromRow * cols * width, bytes: rows * cols * width });
  const block: EncodeJob = { fine: [part(job.fine)], base: [part(job.base)], dtype, rows, cols };
  const plain = coded(block).length;
  const predicted = coded({ ...block, prediction: { record, key: `${job.fine.path} ${job.fine.at}`, fromRow } }).length;
  const rowsInAll = job.rowsInAll ?? job.rows;
  const gain = ((plain - predicted) * rowsInAll) / rows - recordBytes(record, rowsInAll / job.rows);
  return gain > LEAST_GAIN * rowsInAll * cols * width ? record : new Uint8Array();
}

/** Share of a tensor that its prediction must save. */
const LEAST_GAIN = 0.005;

function sample(job: EncodeJob): SampledBlock {
  const block = coded(job);
  const found = { bytes: block.length, headerBytes: headerBytes(block), codec: block[0] };
  // Of a predicted base nobody asks how far it is.
  return { ...found, ...(job.base && !job.prediction ? energies(job) : { baseEnergy: 0, changeEnergy: 0 }) };
}

/** Of the block that is in memory: of one value in seven, which meets all columns. */
function energies({ dtype, rows, cols }: EncodeJob): { baseEnergy: number; changeEnergy: number } {
  let baseEnergy = 0;
  let changeEnergy = 0;
  if (!isPredictable(dtype)) return { baseEnergy, changeEnergy };
  const { kernels, at, floats } = codec();
  const n = rows * cols;
  bringFloats(codec(), dtype, at.base, n, at.floats);
  bringFloats(codec(), dtype, at.fine, n, at.z);
  const [base, change] = [floats(at.floats, n), floats(at.z, n)];
  kernels.subtract(at.z, at.floats, n);
  for (let i = 0; i < n; i += ENERGY_STRIDE) {
    if (!Number.isFinite(change[i])) continue;
    baseEnergy += base[i] * base[i];
    changeEnergy += change[i] * change[i];
  }
  return { baseEnergy, changeEnergy };
}

const ENERGY_STRIDE = 7;

function rows({ fine, kind, packed = [], index }: EncodeRowsJob) {
  const source = new Uint8Array(fine.bytes);
  reader.read(fine.path, fine.at, source);
  const encode = (unpacked: Uint8Array) => encodeRows(index, unpacked, kind);
  const bytes = packed.length > 0 ? encodePacked(source, packed, encode) : encode(source);
  return new Moved({ bytes, crc: crc32(bytes) }, [bytes.buffer]);
}

function rowsBack({ block, crc, bytes, table }: DecodeRowsJob) {
  const coded = checked(block, crc);
  const decode = (part: Uint8Array, length: number) => decodeRows(table, part, length);
  const decoded =
    coded[0] === PACKED_ROWS ? decodePacked(coded, bytes, LONGEST_ROW_BLOCK, decode) : decode(coded, bytes);
  return new Moved(decoded, [decoded.buffer]);
}

function hash({ path, at, bytes }: Span): string {
  const hasher = createHash("sha256");
  if (hashed.length === 0) hashed = new Uint8Array(HASH_BYTES);
  for (let done = 0; done < bytes; done += HASH_BYTES) {
    const part = hashed.subarray(0, Math.min(HASH_BYTES, bytes - done));
    reader.read(path, at + done, part);
    hasher.update(part);
  }
  return hasher.digest("hex");
}
