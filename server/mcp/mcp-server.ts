import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  RootsListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { ASSISTANT_TOOLS } from "../../shared/assistant-tools.ts";
import { asCairnError, CairnError } from "../../shared/errors.ts";
import { readSettings } from "../../shared/read-settings.ts";
import { createAnswerCache } from "../answer/answer-cache.ts";
import { chooseProviders } from "../answer/choose-providers.ts";
import { runTool } from "../assistant/tools.ts";
import { createCore } from "../core.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { packageFile } from "../package-files.ts";
import { createRouter } from "../route/create-router.ts";
import { RequestQueue } from "./request-queue.ts";
import { ServedFolders } from "./served-folders.ts";

/** So many requests are answered at once, and so many more may wait. */
const AT_ONCE = 4;
const MOST_WAITING = 256;
/** A client that is asked for its roots and does not answer gets the current folder. */
const ROOTS_MS = 5_000;
/** After so many lines that are no messages, whoever sends them is no client. */
const MOST_GARBAGE = 100;

const INSTRUCTIONS =
  "Cairn finds code in the user's workspace by meaning. Use search first when you do not know where something is, " +
  "ask for a whole answer with citations, find_similar to find duplicates and other uses of a pattern, and read_context to see a whole function around a line.";

/** The providers are kept for what they know of each other's failures. */
function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

export interface McpOptions {
  /** Absolute paths to serve; empty means the client's roots, or the current folder where it has none. */
  folders: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Serves one client over the standard input and output, to which nothing but the protocol is written, until it hangs
 * up or the process is asked to end. Ends the process: 0 when the client hung up, 1 when it did not speak the protocol.
 */
export function serveMcp({ folders, cwd, env }: McpOptions): void {
  const host = nodeHost({ env });
  const { settings, problems } = readSettings({}, env);
  for (const problem of problems) note(problem);
  const core = createCore(host, settings, { role: "terminal" });
  const served = new ServedFolders(core, host.log);
  const asking = {
    settings,
    cacheDirectory: cacheDirectoryOf(settings, env),
    providers: once(() => chooseProviders(host, settings)),
    router: once(() => createRouter(host, settings, cacheDirectoryOf(settings, env))),
    cache: once(() => createAnswerCache(settings, cacheDirectoryOf(settings, env), host.log)),
  };
  const queue = new RequestQueue(AT_ONCE, MOST_WAITING);
  const ending = new AbortController();
  let garbage = 0;
  let chosen: Promise<void> | undefined;

  const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8"));
  const server = new Server(
    { name: "cairn", title: "Cairn", version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );

  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.entries(ASSISTANT_TOOLS).map(([name, { title, description, inputSchema }]) => ({
      name,
      title,
      description,
      inputSchema,
      // Only an answer may be written elsewhere.
      annotations: { title, readOnlyHint: true, openWorldHint: name === "ask" },
    })),
  }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const signal = AbortSignal.any([extra.signal, ending.signal]);
    if (queue.isFull) {
      return failed(
        new CairnError("unavailable", `${MOST_WAITING} requests wait already.`, "Ask again when some are answered."),
      );
    }
    try {
      const text = await queue.run(async () => {
        chosen ??= choose();
        await chosen;
        return runTool(params.name, params.arguments, await served.fresh(signal), asking, signal);
      }, signal);
      return { content: [{ type: "text", text }] };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CairnError)) note(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return failed(error);
    }
  });

  server.oninitialized = () => {
    chosen ??= choose();
  };
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
    if (folders.length === 0) chosen = choose();
  });

  /** Decides which folders to serve and begins to open them. */
  async function choose(): Promise<void> {
    served.use(folders.length > 0 ? folders : await clientRoots());
  }

  async function clientRoots(): Promise<readonly string[]> {
    if (!server.getClientCapabilities()?.roots) return [cwd];
    try {
      const { roots } = await server.listRoots(undefined, { timeout: ROOTS_MS });
      const paths = roots.flatMap(({ uri }) => (uri.startsWith("file:") ? [fileURLToPath(uri)] : []));
      if (paths.length > 0) return paths;
    } catch (error) {
      note(`The client did not tell its roots (${error instanceof Error ? error.message : error}).`);
    }
    return [cwd];
  }

  server.onerror = (error) => {
    const code = garbageCode(error);
    if (code === undefined) return note(error.message);
    const message = code === NOT_JSON ? "This line is not JSON." : "This line is not a message of the protocol.";
    process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } })}\n`);
    if (++garbage < MOST_GARBAGE) return;
    note(`${MOST_GARBAGE} lines were no messages of the protocol; ending. \`cairn mcp\` is to be run by an assistant.`);
    void end(1);
  };
  // The library closes the connection itself when a message is longer than it takes (10 MB).
  server.onclose = () => void end(1);

  let over = false;
  async function end(code: number): Promise<void> {
    if (over) process.exit(code);
    over = true;
    ending.abort();
    await core.close().catch((error: unknown) => note(String(error)));
    process.exit(code);
  }

  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => void end(0));
  // Whoever should read the answers has gone.
  process.stdout.on("error", () => process.exit(0));
  process.stdin.once("end", () => {
    // What was asked before is still answered: the asker may have sent all it had.
    void queue
      .drained()
      .then(() => nextTurn())
      .then(() => process.stdout.write("", () => void end(0)));
  });
  server.connect(new StdioServerTransport()).catch((error: unknown) => {
    note(String(error));
    void end(1);
  });
}

function failed(error: unknown): CallToolResult {
  const { message, hint } = asCairnError(error);
  return { isError: true, content: [{ type: "text", text: [message, hint].filter(Boolean).join(" ") }] };
}

const NOT_JSON = -32_700;
const NOT_A_MESSAGE = -32_600;

/** The protocol's code for a line that could not be read; undefined for trouble of another kind. */
function garbageCode(error: Error): number | undefined {
  if (error instanceof SyntaxError) return NOT_JSON;
  return error.name === "ZodError" || error.name === "$ZodError" ? NOT_A_MESSAGE : undefined;
}

/** The standard error is the client's log. */
function note(message: string): void {
  process.stderr.write(`cairn: ${message}\n`);
}
