import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects this thread's garbage when it has nothing to do, some 20 ms of work. V8 does so only when the heap grows,
 * and an index that is done with its files makes it grow no more: what hangs on a few small objects, above all the
 * shared memory of segments that were merged, would stay for hours.
 */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: { type: "major"; execution: "async" }) => Promise<void>;
  setFlagsFromString("--no-expose-gc");
  await collect({ type: "major", execution: "async" });
}
