import { crc32 } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { DecodeJob, DecodeRowsJob, Prediction } from "./block-jobs.ts";
import type { BlockWorkers } from "./block-workers.ts";
import type { Delta } from "./delta-file.ts";
import { blockEntry, type Part, poolsOf } from "./manifest.ts";
import { numberFormat } from "./number-format.ts";
import { decodePlaces } from "./packed-rows.ts";
import { FileReader, type Span } from "./read-file.ts";
import { type RowTable, readRows } from "./rows.ts";

/** Bytes that are the whole of a block, or a part of one that small tensors share. */
export interface Piece {
  block: number;
  job: DecodeJob | DecodeRowsJob;
  /** Where in the block it begins; undefined for all of it. */
  from: number | undefined;
  bytes: number;
}

/** Decoded pools that are kept, since the tensors in them lie between others. */
const KEPT_POOLS = 4;

/** Data of a base's files that are unpacked: it is all in memory. */
const MOST_UNPACKED_BYTES = 2 ** 30;

/** Finds and decodes the blocks that make up parts, in any order. */
export class Pieces {
  readonly #delta: Delta;
  /** Paths of the base's files by their number; empty for those that are not used. */
  readonly #basePaths: readonly string[];
  readonly #workers: BlockWorkers;
  readonly #pools: Map<number, Part[]>;
  readonly #tables = new Map<string, RowTable>();
  #lastRecord: { block: number; record: Uint8Array } | undefined;
  readonly #decodedPools = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(delta: Delta, basePaths: readonly string[], workers: BlockWorkers) {
    this.#delta = delta;
    this.#basePaths = basePaths;
    this.#workers = workers;
    this.#pools = poolsOf(delta.manifest);
  }

  /** The pieces of a part, in order. */
  *of(part: Part): Generator<Piece> {
    if (part.as) {
      yield* this.of(this.#delta.manifest.files[part.as[0]].parts[part.as[1]]);
    } else if (part.pool) {
      const [block, from] = part.pool;
      const base = (this.#pools.get(block) ?? []).flatMap((member) => this.#baseOf(member, 0, member.bytes) ?? []);
      yield { block, job: this.#job(block, base, part.dtype), from, bytes: part.bytes };
    } else if (part.rows) {
      const [first, count] = part.rows.blocks;
      const table = this.#tableOf(part.rows);
      for (let block = first; block < first + count; block++) {
        const { at, bytes, crc, cols } = blockEntry(this.#delta.manifest.blocks[block]);
        const place = { path: this.#delta.path, at, bytes };
        yield { block, job: { block: place, crc, bytes: cols, table }, from: undefined, bytes: cols };
      }
    } else if (part.blocks) {
      const [first, count] = part.blocks;
      let from = 0;
      for (let block = first; block < first + count; block++) {
        const { rows, cols } = blockEntry(this.#delta.manifest.blocks[block]);
        const bytes = rows * cols * numberFormat(part.dtype).width;
        const job = this.#job(block, this.#baseOf(part, from, bytes), part.dtype);
        if (part.factors !== undefined && cols > 0)
          job.prediction = this.#prediction(part.factors, from / (bytes / rows));
        yield { block, job, from: undefined, bytes };
        from += bytes;
      }
    }
  }

  /** @throws {CairnError} `corrupt` when the block is damaged, or the base is another one */
  async decode({ block, job, from, bytes }: Piece): Promise<Uint8Array<ArrayBuffer>> {
    if ("table" in job) return this.#workers.run("decodeRows", job);
    if (from === undefined) return this.#workers.decode(job);
    let pool = this.#decodedPools.get(block);
    if (!pool) {
      pool = this.#workers.decode(job);
      this.#decodedPools.set(block, pool);
      const [oldest] = this.#decodedPools.keys();
      if (this.#decodedPools.size > KEPT_POOLS) this.#decodedPools.delete(oldest);
    }
    return (await pool).subarray(from, from + bytes);
  }

  /** Says that the bytes of a piece are no longer needed. */
  done({ from }: Piece, bytes: Uint8Array<ArrayBuffer>): void {
    if (from === undefined) this.#workers.giveBack(bytes);
  }

  #job(block: number, base: Span[] | undefined, dtype: string): DecodeJob {
    const { at, bytes, crc, rows, cols, hasBase } = blockEntry(this.#delta.manifest.blocks[block]);
    return { block: { path: this.#delta.path, at, bytes }, crc, base: hasBase ? base : undefined, dtype, rows, cols };
  }

  #tableOf({ kind, base, packed }: NonNullable<Part["rows"]>): RowTable {
    const key = `${kind} ${base} ${packed}`;
    const known = this.#tables.get(key);
    if (known) return known;
    const lengths = base.map((file) => this.#delta.manifest.base[file].bytes);
    const places = packed === undefined ? [] : decodePlaces(this.#record(packed), lengths, MOST_UNPACKED_BYTES);
    const files = base.map((file, i) => ({ path: this.#basePaths[file], bytes: lengths[i], packed: places[i] }));
    const table = readRows(files, kind);
    this.#tables.set(key, table);
    return table;
  }

  #prediction(factors: number, fromRow: number): Prediction {
    if (this.#lastRecord?.block !== factors) this.#lastRecord = { block: factors, record: this.#record(factors) };
    return { record: this.#lastRecord.record, key: `${this.#delta.path} ${factors}`, fromRow };
  }

  /** What a block that is no values holds, when it is as it was written. */
  #record(block: number): Uint8Array {
    const { at, bytes, crc } = blockEntry(this.#delta.manifest.blocks[block]);
    const record = new Uint8Array(bytes);
    const reader = new FileReader();
    try {
      reader.read(this.#delta.path, at, record);
    } finally {
      reader.close();
    }
    if (crc32(record) === crc) return record;
    throw new CairnError(
      "corrupt",
      phrase("{0} is damaged at byte {1}.", this.#delta.path, at),
      phrase("Copy or download it again."),
    );
  }

  #baseOf({ base }: Part, from: number, bytes: number): Span[] | undefined {
    return base && [{ path: this.#basePaths[base[0]], at: base[1] + from, bytes }];
  }
}
