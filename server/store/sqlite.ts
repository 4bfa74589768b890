import { existsSync, renameSync, rmSync, statfsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";

export type Database = DatabaseSync;
export type Statement = StatementSync;

/** File systems on which WAL's shared memory does not work: NFS, SMB, CIFS, 9P (WSL), FUSE-based sshfs and the like. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546]);

const FULL = 13;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const BUSY = 5;
/** An operation of a file failed; of some SQLite does not see that the disk is full. */
const IO_ERROR = 10;
/** A disk with less is full: SQLite's shared memory grows by so much at a time, and more. */
const LEAST_FREE = 65_536;

/**
 * Opens a database and brings it to the schema; anything that is not a database of this schema version is replaced.
 * @param busyMs how long a statement waits for another process's lock.
 * @param journal WAL where several connections read and write; DELETE for the lease, whose lock must exclude all others.
 * @returns the database and, when a damaged file had to be set aside, a sentence that says so.
 * @throws CairnError("unavailable") when the folder cannot be written or the disk is full.
 */
export function openDatabase(
  path: string,
  schema: { version: number; sql: string },
  busyMs: number,
  journal: "WAL" | "DELETE" = "WAL",
): { database: Database; repaired: Phrase } {
  try {
    return { database: prepare(path, schema, busyMs, journal), repaired: SILENCE };
  } catch (error) {
    const mapped = sqliteError(error, path);
    if (mapped.kind !== "corrupt") throw mapped;
    setAside(path);
    return {
      database: prepare(path, schema, busyMs, journal),
      repaired: phrase("{0} was damaged; it was set aside as {1} and is built again.", path, `${path}.damaged`),
    };
  }
}

/** Moves a damaged database out of the way, replacing the one set aside before it. */
export function setAside(path: string): void {
  if (existsSync(path)) {
    rmSync(`${path}.damaged`, { force: true });
    renameSync(path, `${path}.damaged`);
  }
  for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
}

/** Reads the whole file and says whether it is a database without damage; seconds for a large one. */
export function isSound(path: string): boolean {
  const { DatabaseSync } = sqlite();
  let database: Database | undefined;
  try {
    database = new DatabaseSync(path);
    const row = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    return row.quick_check === "ok";
  } catch {
    return false;
  } finally {
    database?.close();
  }
}

/** Runs `work` in one transaction: all of it or nothing. */
export function transaction<T>(database: Database, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Moves what the write-ahead log holds into the database and empties it, unless another process is reading. */
export function foldLog(database: Database): void {
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

/** True when the error says that another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === BUSY;
}

/** Turns what SQLite or the file system throws into an error for people. */
export function sqliteError(error: unknown, path: string): CairnError {
  if (error instanceof CairnError) return error;
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  if (code === FULL || systemCode(error) === "ENOSPC" || (code === IO_ERROR && isFull(dirname(path)))) {
    return new CairnError(
      "unavailable",
      phrase("The disk is full: {0} could not be written.", path),
      phrase("Free some space, then resume indexing. Nothing that was indexed is lost."),
      { cause: error },
    );
  }
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return new CairnError(
      "corrupt",
      phrase("{0} is damaged ({1}).", path, detail),
      phrase("It is set aside and built again."),
      {
        cause: error,
      },
    );
  }
  if (code === BUSY) {
    return new CairnError(
      "unavailable",
      phrase("{0} is locked by another process.", path),
      phrase("Try again in a moment."),
      {
        cause: error,
      },
    );
  }
  return new CairnError(
    "unavailable",
    phrase("{0} could not be opened or written ({1}).", path, detail),
    phrase(
      "Check that the cache folder can be written, or choose another with the setting cairn.cacheDirectory or CAIRN_CACHE_DIR.",
    ),
    { cause: error },
  );
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < LEAST_FREE;
  } catch {
    return false;
  }
}

/** Loads SQLite with its experimental warning kept off the user's terminal; newer versions of Node no longer print it. */
function sqlite(): typeof import("node:sqlite") {
  const emit = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return createRequire(import.meta.url)("node:sqlite");
  } finally {
    process.emitWarning = emit;
  }
}

function prepare(path: string, schema: { version: number; sql: string }, busyMs: number, journal: string): Database {
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyMs}`);
    database.exec("PRAGMA page_size = 8192");
    database.exec(`PRAGMA journal_mode = ${onNetwork(path) ? "DELETE" : journal}`);
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec("PRAGMA cache_size = -4000");
    database.exec("PRAGMA wal_autocheckpoint = 4000");
    database.exec("PRAGMA journal_size_limit = 4194304");
    transaction(database, () => {
      const row = database.prepare("PRAGMA user_version").get() as { user_version: number };
      if (row.user_version === schema.version) return;
      const tables = database.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
      );
      for (const { name } of tables.all() as { name: string }[]) {
        database.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`);
      }
      database.exec(schema.sql);
      database.exec(`PRAGMA user_version = ${schema.version}`);
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function onNetwork(path: string): boolean {
  try {
    return NETWORK_FILE_SYSTEMS.has(statfsSync(dirname(path)).type);
  } catch {
    return false;
  }
}

function codeOf(error: unknown): number {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === "number" ? code & 255 : 0;
}

function systemCode(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? "");
}
