import { Console } from "node:console";
import { writeSync } from "node:fs";
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  StreamMessageWriter,
} from "vscode-languageserver/node";
import { nodeHost } from "../node-host.ts";
import { withCapabilities } from "./initialize.ts";
import { serve } from "./serve.ts";
import { StandardInput } from "./standard-input.ts";

/**
 * The language server's process. The transport is chosen by the arguments (`--stdio`, `--node-ipc`, `--pipe=NAME`,
 * `--socket=PORT`). Nothing but the protocol is written to standard output.
 *
 * Exit codes: 0 after `shutdown` and `exit`, 1 when the client goes away without them or does not speak the protocol, 70
 * after a crash.
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

const OPTIONS: ConnectionOptions = { messageStrategy: withCapabilities };

serve(process.argv.includes("--stdio") ? overStandardStreams() : createConnection(OPTIONS), nodeHost());

function overStandardStreams(): Connection {
  // A library that prints would break the protocol.
  globalThis.console = new Console(process.stderr);
  const writer = new StreamMessageWriter(process.stdout);
  return createConnection(new StandardInput(process.stdin, writer, leave), writer, OPTIONS);
}

/** Ends the process of who started it by hand, or for something else than an editor. */
function leave(why: string): never {
  writeSync(
    2,
    `cairn: What comes in is not the language server protocol (${why}): \`cairn lsp --stdio\` is to be started by an ` +
      'editor; to search in a terminal, run `cairn search "question"`.\n',
  );
  process.exit(1);
}
