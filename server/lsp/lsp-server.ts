import { writeSync } from "node:fs";
import { createConnection } from "vscode-languageserver/node";
import { nodeHost } from "../node-host.ts";
import { serve } from "./serve.ts";

/**
 * The language server's process. The transport is chosen by the arguments (`--stdio`, `--node-ipc`, `--pipe=NAME`,
 * `--socket=PORT`). Nothing but the protocol is written to standard output.
 *
 * Exit codes: 0 after `shutdown` and `exit`, 1 when the client goes away without them, 70 after a crash.
 */

// A process in an unknown state must not go on serving; the client starts a new one, and the index survives.
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error: unknown) => {
    writeSync(2, `Cairn's server crashed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(70);
  });
}

// The editor's own transport does not end the process when the editor dies; standard input does.
process.once("disconnect", () => process.exit(1));

serve(createConnection(), nodeHost());
