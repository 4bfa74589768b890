import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Database, isBusy, openDatabase, sqliteError } from "./sqlite.ts";

/**
 * The right to index one root: an exclusive transaction held open on a small database. The operating system frees it
 * when the process dies, however it dies, so no clock and no sleep can make two writers.
 */
export class Lease {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /**
   * @returns the lease, or undefined when another process holds it.
   * @throws CairnError("unavailable") when the folder cannot be written.
   */
  static acquire(directory: string): Lease | undefined {
    const path = join(directory, "lease.db");
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw sqliteError(error, directory);
    }
    let database: Database | undefined;
    try {
      for (;;) {
        const before = inodeOf(path);
        database = openDatabase(path, { version: 1, sql: "CREATE TABLE lease (held INTEGER)" }, 0, "DELETE").database;
        database.exec("BEGIN EXCLUSIVE");
        // Whoever clears the cache may have removed the file after it was opened: a lock on it would exclude nobody.
        if (before !== undefined && before === inodeOf(path)) return new Lease(database);
        database.close();
      }
    } catch (error) {
      if (database?.isOpen) database.close();
      if (isBusy(error) || isBusy((error as Error).cause)) return undefined;
      // Whoever clears the cache had the lease until a moment ago.
      if (!existsSync(directory)) return undefined;
      throw sqliteError(error, path);
    }
  }

  release(): void {
    this.#database.close();
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
