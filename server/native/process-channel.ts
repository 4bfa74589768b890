import type { ChildProcess } from "node:child_process";
import type { ProcessChannel } from "../thread-rpc.ts";

/** A child process as a channel; it was forked with `serialization: "advanced"`, which copies typed arrays as they are. */
export function childChannel(child: ChildProcess): ProcessChannel {
  return {
    on: (event, listener) => child.on(event, listener as (message: unknown) => void),
    // A child that has just died is told of by its exit.
    postMessage: (message) => child.connected && child.send(message as never, () => {}),
  };
}

/** The same for the parent of this process. */
export function parentChannel(): ProcessChannel {
  return {
    on: (event, listener) => process.on(event, listener as (message: unknown) => void),
    // The parent may go while this is written: whoever listens for `disconnect` sees to that.
    postMessage: (message) => process.connected && process.send?.(message, undefined, undefined, () => {}),
  };
}
