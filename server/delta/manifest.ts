import { z } from "zod";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { codecName } from "./block-codec.ts";
import { BLOCK_BYTES, BLOCK_VALUES } from "./codec-memory.ts";
import { FACTORS, isPredictable } from "./factors.ts";
import { isPlainName } from "./model-files.ts";
import { numberFormat } from "./number-format.ts";
import { PACKED_PLACES, PACKED_ROWS } from "./packed-rows.ts";
import { LONGEST_ROW_BLOCK, ROWS } from "./row-codec.ts";

/** The version of the format that this code writes, and the only one that it reads. */
export const FORMAT = 1;

const size = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const fileSchema = z.strictObject({ name: z.string(), bytes: size, sha256 });

const partSchema = z.strictObject({
  /** A tensor's name; what lies between tensors (the header) has none. */
  name: z.string().optional(),
  dtype: z.string(),
  shape: z.array(size),
  bytes: size,
  /** Of the tensor's bytes. */
  sha256: sha256.optional(),
  /** The bytes of the base that it is coded against: number of the file, place, length; shorter than `bytes` at most. */
  base: z.tuple([size, size, size]).optional(),
  /** The first of its blocks, and how many. */
  blocks: z.tuple([size, size]).optional(),
  /** Or: the block that it shares with other small tensors, and where in it. */
  pool: z.tuple([size, size]).optional(),
  /** Or: rows of a dataset: how they end, the base's files whose rows they refer to, and their blocks. */
  rows: z
    .strictObject({
      kind: z.enum(["lines", "quoted", "chunks"]),
      base: z.array(size).min(1),
      blocks: z.tuple([size, size]),
      /** The record that says what in the base's files is compressed. */
      packed: size.optional(),
    })
    .optional(),
  /** Or: the file and the part that has the same bytes. */
  as: z.tuple([size, size]).optional(),
  /** The record that holds the factors of its low-rank prediction. */
  factors: size.optional(),
});

/** at, length, CRC-32, codec, rows, columns, whether it has a base (0 or 1); a record of factors has no rows. */
const blockSchema = z.tuple([size, size, size, size, size, size, size]);

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  made: z.string(),
  /** Whether it holds a folder, or a single file. */
  folder: z.boolean(),
  /** The files it was made against; those that are not used need not be there. */
  base: z.array(fileSchema.extend({ probe: sha256, used: z.boolean() })),
  files: z.array(fileSchema.extend({ parts: z.array(partSchema) })),
  blocks: z.array(blockSchema),
});

/** What a delta says of itself: everything that is needed to check it and to rebuild from it. */
export type Manifest = z.infer<typeof manifestSchema>;
export type Part = z.infer<typeof partSchema>;

/** A block as the manifest lists it. */
export interface BlockEntry {
  at: number;
  bytes: number;
  crc: number;
  codec: number;
  rows: number;
  cols: number;
  hasBase: boolean;
}

export function blockEntry([at, bytes, crc, codec, rows, cols, hasBase]: Manifest["blocks"][number]): BlockEntry {
  return { at, bytes, crc, codec, rows, cols, hasBase: hasBase === 1 };
}

export function blockTuple({ at, bytes, crc, codec, rows, cols, hasBase }: BlockEntry): Manifest["blocks"][number] {
  return [at, bytes, crc, codec, rows, cols, hasBase ? 1 : 0];
}

/**
 * Reads a manifest and checks all that the decoder will rely on: that names stay below a folder, that parts fill their
 * files, that blocks have room in a thread's memory and lie within the delta.
 *
 * @param payloadEnd where the delta's blocks end, in bytes
 * @throws {CairnError} `corrupt`
 */
export function parseManifest(text: string, payloadEnd: number): Manifest {
  const manifest = read(text);
  const names = manifest.files.map(({ name }) => name);
  if (!names.every(isPlainName))
    throw invalid(`it names the file ${JSON.stringify(names.find((name) => !isPlainName(name)))}`);
  if (new Set(names.map((name) => name.toLowerCase())).size !== names.length) throw invalid("it names a file twice");
  if (!manifest.folder && manifest.files.length !== 1) throw invalid("it holds several files without a folder");
  manifest.blocks.forEach((tuple, number) => {
    const { at, bytes, codec, rows, cols } = blockEntry(tuple);
    if (at + bytes > payloadEnd) throw invalid(`its block ${number} reaches beyond the file`);
    if (rows * cols > (codec === ROWS || codec === PACKED_ROWS ? LONGEST_ROW_BLOCK : BLOCK_VALUES))
      throw invalid(`its block ${number} is too large`);
  });
  manifest.files.forEach((file) => {
    if (file.parts.reduce((sum, { bytes }) => sum + bytes, 0) !== file.bytes)
      throw invalid(`the parts of ${file.name} do not fill it`);
    for (const part of file.parts) checkPart(manifest, part);
  });
  checkPools(manifest);
  return manifest;
}

function read(text: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
  const format = (parsed as { format?: unknown } | null)?.format;
  if (typeof format === "number" && format > FORMAT) {
    throw new CairnError(
      "input",
      phrase("The delta has format {0}; this Cairn reads up to {1}.", format, FORMAT),
      phrase("Update Cairn."),
    );
  }
  const { data, error } = manifestSchema.safeParse(parsed);
  if (!data) throw invalid(error.issues[0]?.message ?? "it has the wrong shape");
  return data;
}

function checkPart(manifest: Manifest, part: Part): void {
  const what = `the part ${JSON.stringify(part.name ?? "between tensors")}`;
  const { width } = numberFormat(part.dtype);
  const sources = [part.blocks, part.pool, part.rows, part.as].filter((source) => source !== undefined).length;
  if (sources !== (part.bytes === 0 ? 0 : 1)) throw invalid(`${what} has no single source`);
  if (part.base) {
    const [file, at, bytes] = part.base;
    if (!(file < manifest.base.length && at + bytes <= manifest.base[file].bytes))
      throw invalid(`the base of ${what} is not there`);
  }
  if (part.as) {
    const same = manifest.files[part.as[0]]?.parts[part.as[1]];
    if (!same || same.as || same.bytes !== part.bytes)
      throw invalid(`${what} has the bytes of a part that does not have them`);
  }
  if (part.blocks) checkBlocks(manifest, part, what, width);
  if (part.rows) checkRows(manifest, part, what);
  if (
    part.factors !== undefined &&
    !(part.factors < manifest.blocks.length && part.blocks && isPredictable(part.dtype))
  ) {
    throw invalid(`the factors of ${what} are not there`);
  }
  if (part.pool) {
    const entry = manifest.blocks[part.pool[0]];
    if (!entry || part.pool[1] + part.bytes > blockEntry(entry).rows * blockEntry(entry).cols * width) {
      throw invalid(`the block of ${what} does not hold it`);
    }
  }
}

function checkBlocks(manifest: Manifest, part: Part, what: string, width: number): void {
  const [first, count] = part.blocks ?? [0, 0];
  let bytes = 0;
  for (let number = first; number < first + count; number++) {
    const tuple = manifest.blocks[number];
    if (!tuple) throw invalid(`the blocks of ${what} are not all there`);
    const entry = blockEntry(tuple);
    if (entry.rows * entry.cols * width > BLOCK_BYTES) throw invalid(`a block of ${what} is too large`);
    bytes += entry.rows * entry.cols * width;
    if (entry.hasBase && !(part.base && bytes <= part.base[2])) throw invalid(`a block of ${what} has no base`);
    if (bytes > part.bytes) break;
  }
  if (bytes !== part.bytes) throw invalid(`the blocks of ${what} do not fill it`);
}

function checkRows(manifest: Manifest, { rows, bytes }: Part, what: string): void {
  if (!rows?.base.every((file) => file < manifest.base.length)) throw invalid(`the base of ${what} is not there`);
  const [first, count] = rows.blocks;
  const own = manifest.blocks.slice(first, first + count).map(blockEntry);
  const isRows = own.every(({ codec, rows: one }) => (codec === ROWS || codec === PACKED_ROWS) && one === 1);
  if (rows.packed !== undefined && manifest.blocks[rows.packed]?.[3] !== PACKED_PLACES)
    throw invalid(`it does not say what is packed in the base of ${what}`);
  if (!isRows || own.length !== count || own.reduce((sum, { cols }) => sum + cols, 0) !== bytes) {
    throw invalid(`the blocks of ${what} do not fill it`);
  }
}

/** Members of a pool lie one after the other and fill it; with a base, each has one of its own length. */
function checkPools(manifest: Manifest): void {
  for (const [number, members] of poolsOf(manifest)) {
    const { rows, cols, hasBase } = blockEntry(manifest.blocks[number]);
    let end = 0;
    for (const member of members) {
      if (member.pool?.[1] !== end || member.dtype !== members[0].dtype)
        throw invalid(`its block ${number} is not filled in order`);
      if (hasBase && member.base?.[2] !== member.bytes) throw invalid(`a tensor in its block ${number} has no base`);
      end += member.bytes;
    }
    const bytes = rows * cols * numberFormat(members[0].dtype).width;
    if (end !== bytes || bytes > BLOCK_BYTES) throw invalid(`its block ${number} is not filled`);
  }
}

/** The parts that share each pooled block, in the order in which they lie in it. */
export function poolsOf(manifest: Manifest): Map<number, Part[]> {
  const pools = new Map<number, Part[]>();
  for (const part of manifest.files.flatMap(({ parts }) => parts)) {
    if (part.pool) pools.set(part.pool[0], [...(pools.get(part.pool[0]) ?? []), part]);
  }
  for (const members of pools.values()) members.sort((a, b) => (a.pool?.[1] ?? 0) - (b.pool?.[1] ?? 0));
  return pools;
}

/** The name of a block's codec, for reports. */
export function codecOf(entry: BlockEntry): string {
  if (entry.codec === ROWS || entry.codec === PACKED_ROWS) return "rows";
  return entry.codec === FACTORS ? "factors" : (codecName(entry.codec) ?? `${entry.codec}`);
}

function invalid(why: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("The delta's manifest is not valid: {0}.", why),
    phrase("Get the delta again; this copy is damaged."),
  );
}
