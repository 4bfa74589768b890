import { parentPort, workerData } from "node:worker_threads";
import { limitCache } from "../cache-folder.ts";
import { nodeHost } from "../node-host.ts";
import { openStore, type StorePlace } from "../store/open-store.ts";
import { answer } from "../thread-rpc.ts";
import type { RootControl } from "./root-thread.ts";
import { scanTree } from "./tree-scan.ts";

/**
 * The thread of one root: it owns SQLite and walks the tree. Both are synchronous and both wait for the disk, and
 * together they know at once which of the files that they come by are as they were.
 */
const place = workerData as StorePlace;
const store = openStore(place);

const handlers: { [K in keyof RootControl]: (argument: never) => unknown } = {
  ...store.handlers,
  scan({ options, port }: Parameters<RootControl["scan"]>[0]) {
    void scanTree(nodeHost(), place.root, options, store.files, port);
    return null;
  },
  limitCache: (maxBytes: number) => limitCache(place.cacheDirectory, maxBytes).removed.map(({ root }) => root),
};

if (parentPort) answer(parentPort, handlers);
