import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { HubServer } from "./servers/hub-server.ts";

const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));

/** A terminal on a machine without models, and the Hub that it asks. */
export class HubTerminal {
  readonly cacheFolder: string;
  readonly server: HubServer;
  readonly #env: NodeJS.ProcessEnv;

  constructor(server: HubServer, folder: string) {
    this.server = server;
    this.cacheFolder = join(folder, "hub");
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(?:HF_|HUGGING|EMBEDDING|INFERENCE|CAIRN|NO_COLOR|FORCE_COLOR)/.test(name),
    );
    this.#env = {
      ...Object.fromEntries(inherited),
      HF_ENDPOINT: server.url,
      HF_HOME: folder,
      CAIRN_CACHE_DIR: join(folder, "cairn"),
    };
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): ChildProcess {
    return spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...this.#env, ...env },
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  models(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string) {
    return this.cairn(["models", ...args], env, cwd);
  }

  /** Any command of the program. */
  async cairn(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string) {
    const child = this.start(args, env, cwd);
    const exit = once(child, "exit");
    const [stdout, stderr] = await Promise.all([child.stdout, child.stderr].map((out) => (out ? text(out) : "")));
    const [code] = await exit;
    return { code, stdout, stderr };
  }
}
