import { type Phrase, SILENCE } from "../../shared/phrase.ts";
import { type Database, foldLog, openDatabase, type Statement, sqliteError, transaction } from "./sqlite.ts";
import type { Batch, StoredFiles } from "./store.ts";

/** Raise the version whenever chunking, tokens or records change: the index of every root is then built again. */
const SCHEMA = {
  version: 6,
  sql: `
    CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, content BLOB, skip_code TEXT, skip_reason TEXT) WITHOUT ROWID;
    CREATE INDEX files_by_content ON files (content) WHERE content IS NOT NULL;
    CREATE TABLE records (id INTEGER PRIMARY KEY, content BLOB NOT NULL, data BLOB NOT NULL);
    CREATE UNIQUE INDEX records_by_content ON records (content);`,
};

const BUSY_MS = 15_000;

/**
 * What is durable of one root: its files and, by content, what parsing them gave. Records stay for a while after the
 * last file with their content is gone, so that switching back to a branch parses nothing.
 */
export class RootDatabase {
  readonly path: string;
  readonly repaired: Phrase;
  readonly #database: Database;
  readonly #record: Statement;
  readonly #addRecord: Statement;
  readonly #putFile: Statement;
  readonly #removeFile: Statement;

  constructor(path: string) {
    this.path = path;
    const opened = openDatabase(path, SCHEMA, BUSY_MS);
    this.#database = opened.database;
    this.repaired = opened.repaired;
    this.#record = this.#database.prepare("SELECT data FROM records WHERE content = ?");
    this.#addRecord = this.#database.prepare("INSERT OR REPLACE INTO records (content, data) VALUES (?, ?)");
    this.#putFile = this.#database.prepare(
      "INSERT OR REPLACE INTO files (path, size, mtime, content, skip_code, skip_reason) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#removeFile = this.#database.prepare("DELETE FROM files WHERE path = ?");
  }

  files(): StoredFiles {
    return this.#guard(() => {
      // SQLite makes the columns: a row object for each of 100,000 files would cost ten times as much.
      const columns = this.#database
        .prepare(
          `SELECT json_group_array(path) AS paths, json_group_array(size) AS sizes, json_group_array(mtime) AS mtimes,
             group_concat(hex(coalesce(content, zeroblob(16))), '') AS contents,
             json_group_array(skip_code) AS codes, json_group_array(skip_reason) AS reasons
           FROM files`,
        )
        .get() as {
        paths: string;
        sizes: string;
        mtimes: string;
        contents: string | null;
        codes: string;
        reasons: string;
      };
      const codes = JSON.parse(columns.codes) as (string | null)[];
      const reasons = JSON.parse(columns.reasons) as (string | null)[];
      return {
        paths: (JSON.parse(columns.paths) as string[]).join("\0"),
        sizes: Float64Array.from(JSON.parse(columns.sizes) as number[]),
        mtimes: Float64Array.from(JSON.parse(columns.mtimes) as number[], (time) => (time < 0 ? -1 : time / 1000)),
        contents: new Uint8Array(Buffer.from(columns.contents ?? "", "hex")),
        skips: codes.flatMap((code, at) =>
          code === null ? [] : [{ at, code, reason: JSON.parse(reasons[at] ?? "null") ?? SILENCE }],
        ),
      };
    });
  }

  records(contents: readonly string[]): { content: string; data: Uint8Array }[] {
    return this.#guard(() => {
      const found: { content: string; data: Uint8Array }[] = [];
      for (const content of contents) {
        const row = this.#record.get(Buffer.from(content, "hex")) as { data: Uint8Array } | undefined;
        if (row) found.push({ content, data: row.data });
      }
      return found;
    });
  }

  put(batch: Pick<Batch, "files" | "records">): void {
    this.#guard(() =>
      transaction(this.#database, () => {
        const { contents, ends, data } = batch.records;
        for (let i = 0; i < contents.length; i++) {
          const packed = data.subarray(i === 0 ? 0 : ends[i - 1], ends[i]);
          this.#addRecord.run(Buffer.from(contents[i], "hex"), packed);
        }
        for (const file of batch.files) {
          const content = file.content === "" ? null : Buffer.from(file.content, "hex");
          const { code = null, reason } = file.skip ?? {};
          const mtime = file.mtimeMs < 0 ? -1 : Math.round(file.mtimeMs * 1000);
          this.#putFile.run(file.path, file.size, mtime, content, code, reason ? JSON.stringify(reason) : null);
        }
      }),
    );
  }

  remove(paths: readonly string[]): void {
    this.#guard(() =>
      transaction(this.#database, () => {
        for (const path of paths) this.#removeFile.run(path);
      }),
    );
  }

  clear(): void {
    this.#guard(() => this.#database.exec("DELETE FROM files; DELETE FROM records;"));
  }

  /** Drops the oldest records that no file uses beyond as many as there are files (at least 1,000). */
  tidy(): void {
    this.#guard(() => {
      this.#database.exec(`
        DELETE FROM records WHERE id IN (
          SELECT id FROM records WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.content = records.content)
          ORDER BY id DESC LIMIT -1 OFFSET (SELECT max(1000, count(*)) FROM files))`);
      foldLog(this.#database);
    });
  }

  close(): void {
    this.#database.close();
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, this.path);
    }
  }
}
