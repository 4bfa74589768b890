import type { Phrase } from "../../shared/phrase.ts";
import { type Database, foldLog, openDatabase, type Statement, sqliteError, transaction } from "./sqlite.ts";
import type { Batch, KnownVectors } from "./store.ts";

const SCHEMA = {
  version: 1,
  sql: `
    CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE vectors (id INTEGER PRIMARY KEY, model INTEGER NOT NULL, hash BLOB NOT NULL, scale REAL NOT NULL, codes BLOB NOT NULL);
    CREATE UNIQUE INDEX vectors_by_hash ON vectors (hash, model);
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO counters VALUES ('embedded', 0);`,
};

/** How long a write waits for another process of this user that writes its own vectors. */
const BUSY_MS = 15_000;

/**
 * The vectors of every chunk this user ever embedded, whatever branch, worktree or folder it appeared in, by content and
 * model. Several processes share it. The rows are appended, so writes touch few pages; only the index is in hash order.
 */
export class VectorDatabase {
  readonly path: string;
  readonly repaired: Phrase;
  readonly #database: Database;
  readonly #models = new Map<string, number>();
  readonly #find: Statement;
  readonly #insert: Statement;
  readonly #count: Statement;

  constructor(path: string) {
    this.path = path;
    const opened = openDatabase(path, SCHEMA, BUSY_MS);
    this.#database = opened.database;
    this.repaired = opened.repaired;
    this.#find = this.#database.prepare("SELECT scale, codes FROM vectors WHERE hash = ? AND model = ?");
    this.#insert = this.#database.prepare(
      "INSERT OR IGNORE INTO vectors (model, hash, scale, codes) VALUES (?, ?, ?, ?)",
    );
    this.#count = this.#database.prepare("UPDATE counters SET value = value + ? WHERE name = 'embedded'");
  }

  find(query: { model: string; dims: number; hashes: Uint8Array }): KnownVectors {
    return this.#guard(() => {
      const count = query.hashes.length / 16;
      const known = {
        found: new Uint8Array(count),
        codes: new Int8Array(count * query.dims),
        scales: new Float32Array(count),
      };
      const model = this.#model(query.model);
      if (model === undefined) return known;
      for (let i = 0; i < count; i++) {
        const row = this.#find.get(query.hashes.subarray(i * 16, i * 16 + 16), model) as
          | { scale: number; codes: Uint8Array }
          | undefined;
        if (row === undefined || row.codes.length !== query.dims) continue;
        known.found[i] = 1;
        known.scales[i] = row.scale;
        known.codes.set(new Int8Array(row.codes.buffer, row.codes.byteOffset, query.dims), i * query.dims);
      }
      return known;
    });
  }

  /** Under which vectors were ever kept. */
  names(): string[] {
    return this.#guard(() =>
      this.#database
        .prepare("SELECT name FROM models")
        .all()
        .map((row) => String((row as { name: string }).name)),
    );
  }

  /** How many vectors lie under a name. It looks at every row: seconds where there are millions. */
  count(name: string): number {
    return this.#guard(() => {
      const sql = "SELECT count(*) AS count FROM vectors WHERE model = (SELECT id FROM models WHERE name = ?)";
      return Number((this.#database.prepare(sql).get(name) as { count: number }).count);
    });
  }

  /**
   * Adds the batch's vectors; those that another process added meanwhile are left, and neither they nor derived ones are
   * counted as embedded.
   */
  add(batch: Pick<Batch, "model" | "hashes" | "codes" | "scales" | "derived">): void {
    const count = batch.hashes.length / 16;
    if (count === 0) return;
    const dims = batch.codes.length / count;
    this.#guard(() =>
      transaction(this.#database, () => {
        const model = this.#model(batch.model) ?? this.#addModel(batch.model);
        let added = 0;
        for (let i = 0; i < count; i++) {
          const codes = batch.codes.subarray(i * dims, (i + 1) * dims);
          const bytes = new Uint8Array(codes.buffer, codes.byteOffset, codes.length);
          const hash = batch.hashes.subarray(i * 16, i * 16 + 16);
          added += Number(this.#insert.run(model, hash, batch.scales[i], bytes).changes);
        }
        if (!batch.derived) this.#count.run(added);
      }),
    );
  }

  /** Vectors ever added. */
  embedded(): number {
    return this.#guard(() => {
      const row = this.#database.prepare("SELECT value FROM counters WHERE name = 'embedded'").get() as
        | { value: number }
        | undefined;
      return row?.value ?? 0;
    });
  }

  tidy(): void {
    this.#guard(() => foldLog(this.#database));
  }

  /** Drops the oldest vectors until the file has at most so many bytes; seconds for a large one, which is written anew. */
  shrink(maxBytes: number): void {
    this.#guard(() => {
      const value = (sql: string) => Number(Object.values(this.#database.prepare(sql).get() ?? {})[0]);
      const bytes = value("PRAGMA page_count") * value("PRAGMA page_size");
      if (bytes <= maxBytes) return;
      const keep = Math.floor((value("SELECT count(*) FROM vectors") * maxBytes) / bytes);
      const drop = "DELETE FROM vectors WHERE id <= (SELECT id FROM vectors ORDER BY id DESC LIMIT 1 OFFSET ?)";
      this.#database.prepare(drop).run(keep);
      this.#database.exec("VACUUM");
      foldLog(this.#database);
    });
  }

  close(): void {
    this.#database.close();
  }

  #model(name: string): number | undefined {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    const row = this.#database.prepare("SELECT id FROM models WHERE name = ?").get(name) as { id: number } | undefined;
    if (row) this.#models.set(name, row.id);
    return row?.id;
  }

  #addModel(name: string): number {
    return Number(this.#database.prepare("INSERT INTO models (name) VALUES (?)").run(name).lastInsertRowid);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, this.path);
    }
  }
}
