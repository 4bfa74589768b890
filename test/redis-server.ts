import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

export interface RedisServer {
  readonly url: string;
  /** Ends it at once, with all that it holds. */
  kill(): Promise<void>;
  /** Starts it at the same address, empty. */
  restart(): Promise<void>;
  /** Neither answers nor hangs up, until it is let go on. */
  freeze(): void;
  thaw(): void;
}

/**
 * A real Redis on a loopback port, which keeps nothing on disk; it ends with the test.
 * @throws when the machine has none: Debian's package is `redis-server`
 */
export async function startRedis(test: Pick<TestContext, "after">, password = ""): Promise<RedisServer> {
  const port = await freePort();
  let server = await start(port, password);
  test.after(() => void server.kill("SIGKILL"));
  return {
    url: `redis://${password && `:${password}@`}127.0.0.1:${port}`,
    async kill() {
      const exit = once(server, "exit");
      server.kill("SIGKILL");
      await exit;
    },
    async restart() {
      server = await start(port, password);
    },
    freeze: () => void server.kill("SIGSTOP"),
    thaw: () => void server.kill("SIGCONT"),
  };
}

async function start(port: number, password: string): Promise<ChildProcess> {
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", [...args, ...(password ? ["--requirepass", password] : [])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  server.on("error", () => {});
  await once(server, "spawn").catch(() => {
    assert.fail("redis-server is not installed: apt-get install redis-server, or see .ci/run.");
  });
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
    if (/Ready to accept connections/.test(line)) {
      server.stdout?.resume();
      return server;
    }
  }
  throw new Error(`redis-server did not start on port ${port}.`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
