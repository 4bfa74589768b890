import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** Another process that opens a root; it answers what it is asked over its channel. */
export class OtherProcess {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** @param model what it searches by; the model in the package without it */
  constructor(
    test: TestContext,
    root: string,
    cache: string,
    role: "editor" | "terminal",
    { model = "", env = process.env }: { model?: string; env?: NodeJS.ProcessEnv } = {},
  ) {
    this.child = fork(fileURLToPath(new URL("servers/opens-root.ts", import.meta.url)), [root, cache, role, model], {
      env,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#ended = once(this.child, "exit");
    test.after(() => this.child.kill("SIGKILL"));
  }

  async ask<T>(question: "opened" | "idle" | "status" | "begun" | { find: string }): Promise<T> {
    this.child.send(question);
    const [answer] = await Promise.race([
      once(this.child, "message"),
      this.#ended.then(() => {
        throw new Error("the other process ended");
      }),
    ]);
    return answer as T;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#ended;
  }
}
