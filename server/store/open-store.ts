import { existsSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { CairnError } from "../../shared/errors.ts";
import { joined, phrase } from "../../shared/phrase.ts";
import { answer, Moved } from "../thread-rpc.ts";
import { Lease } from "./lease.ts";
import { RootDatabase } from "./root-database.ts";
import { snapshotPathOf } from "./snapshot-file.ts";
import { isSound, setAside, sqliteError } from "./sqlite.ts";
import type { StoreControl, StoredFiles, StoreMethods } from "./store.ts";
import { VectorDatabase } from "./vector-database.ts";

/** Where the store of one root lies. */
export interface StorePlace {
  /** Folder of the user's whole cache. */
  cacheDirectory: string;
  /** Folder of this root inside it. */
  rootDirectory: string;
  /** The indexed folder, written down for people who look into the cache. */
  root: string;
}

type Handlers<Methods extends object> = {
  [K in keyof Methods]: (argument: Methods[K] extends (argument: infer A) => unknown ? A : never) => unknown;
};

/** The store of one root as the thread sees that owns it. */
export interface OpenStore {
  /** What answers the calls of other threads. */
  readonly handlers: Handlers<StoreControl>;
  /** Every file that was looked at; the answer that another thread was just given, when nothing has changed since. */
  files(): StoredFiles;
}

/** Makes the store of a root ready to be acquired. SQLite is synchronous, so this belongs into a thread for which nobody waits. */
export function openStore(place: StorePlace): OpenStore {
  const indexPath = join(place.rootDirectory, "index.db");
  const vectorPath = join(place.cacheDirectory, "vectors.db");
  /** For people who look into the cache, and for its list: its time is when the index was last used. */
  const rootFile = join(place.rootDirectory, "root.json");
  let lease: Lease | undefined;
  let opened: { index: RootDatabase; vectors: VectorDatabase } | undefined;
  /** What was listed last: a start asks for it twice, and a hundred thousand rows take a while. */
  let listed: StoredFiles | undefined;

  const databases = (): { index: RootDatabase; vectors: VectorDatabase } => {
    if (opened === undefined) {
      throw new CairnError(
        "unavailable",
        phrase("The index of {0} is not open.", place.root),
        phrase("Open the folder again."),
      );
    }
    return opened;
  };

  const takeListed = (): StoredFiles => {
    const files = listed ?? databases().index.files();
    listed = undefined;
    return files;
  };

  const methods: Handlers<StoreMethods> = {
    files() {
      listed = databases().index.files();
      return listed;
    },
    records: (contents) => databases().index.records(contents),
    vectors(query) {
      const known = databases().vectors.find(query);
      return new Moved(known, [known.found.buffer, known.codes.buffer, known.scales.buffer] as ArrayBuffer[]);
    },
    vectorNames: () => databases().vectors.names(),
    put(batch) {
      listed = undefined;
      databases().vectors.add(batch);
      databases().index.put(batch);
      return null;
    },
    remove(paths) {
      listed = undefined;
      databases().index.remove(paths);
      return null;
    },
    clear() {
      listed = undefined;
      databases().index.clear();
      return null;
    },
    tidy() {
      databases().index.tidy();
      databases().vectors.tidy();
      return null;
    },
    sizes: () => ({
      indexBytes: bytesOf(indexPath) + bytesOf(`${indexPath}-wal`) + bytesOf(snapshotPathOf(place.rootDirectory)),
      vectorBytes: bytesOf(vectorPath) + bytesOf(`${vectorPath}-wal`),
      embedded: databases().vectors.embedded(),
    }),
  };

  const control: Handlers<StoreControl> = {
    ...methods,
    acquire() {
      if (lease === undefined) {
        mkdirSync(place.rootDirectory, { recursive: true, mode: 0o700 });
        lease = Lease.acquire(place.rootDirectory);
      }
      if (lease === undefined) return { held: false };
      if (opened === undefined) {
        writeFileSync(rootFile, `${JSON.stringify({ root: place.root, pid: process.pid })}\n`);
        const index = new RootDatabase(indexPath);
        opened = { index, vectors: new VectorDatabase(vectorPath) };
      }
      return { held: true, repaired: joined([opened.index.repaired, opened.vectors.repaired], " ") };
    },
    replace() {
      listed = undefined;
      databases().index.close();
      databases().vectors.close();
      opened = undefined;
      for (const path of [indexPath, vectorPath]) if (!isSound(path)) setAside(path);
      rmSync(snapshotPathOf(place.rootDirectory), { force: true });
      opened = { index: new RootDatabase(indexPath), vectors: new VectorDatabase(vectorPath) };
      return null;
    },
    attach(port: MessagePort) {
      answer(port, methods as never);
      return null;
    },
    close() {
      opened?.index.close();
      opened?.vectors.close();
      opened = undefined;
      if (lease && existsSync(rootFile)) utimesSync(rootFile, new Date(), new Date());
      lease?.release();
      lease = undefined;
      return null;
    },
  };
  return { handlers: guarded(control, place), files: takeListed };
}

/** File system errors of the methods get the same words as SQLite's. */
function guarded<T extends object>(all: T, place: StorePlace): T {
  const entries = Object.entries(all).map(([name, method]) => [
    name,
    (argument: never) => {
      try {
        return method(argument);
      } catch (error) {
        throw sqliteError(error, place.rootDirectory);
      }
    },
  ]);
  return Object.fromEntries(entries);
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
