import type { Host } from "../host.ts";
import type { LiveIndex } from "../store/live-index.ts";
import type { VectorArena } from "../vectors/arena.ts";
import type { SharedMemory } from "../vectors/web-assembly.ts";
import type { IndexWorkers } from "./index-workers.ts";
import type { RootThread } from "./root-thread.ts";
import type { TreeScan } from "./tree-scan.ts";

/** What the indexer of one root works with. */
export interface IndexerParts {
  host: Host;
  /** Absolute path of the folder. */
  root: string;
  live: LiveIndex;
  store: RootThread;
  workers: IndexWorkers;
  snapshotPath: string;
  /** Starts to walk the tree. */
  scan: () => TreeScan;
  /** Opens the arena over the memory of a merged base. */
  adopt: (memory: SharedMemory) => VectorArena;
  /** An arena for an index without a base. */
  emptyArena: () => VectorArena;
  /** How to ask for the power source; undefined when index work need not pause on battery. */
  onBattery: (() => Promise<boolean>) | undefined;
  /** Called when files were indexed, before the round ends; keeps the user's cache below its cap. */
  limitCache: () => Promise<void>;
  /** Called after every change of what `progress` and the snapshot say. */
  onChange: () => void;
}
