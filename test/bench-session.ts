import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import type { BenchAnswer, BenchEvent, BenchMethod, BenchRequest, BenchRequests } from "../shared/bench-messages.ts";
import { fromWireError } from "../shared/errors.ts";

const PROGRAM = join(dirname(import.meta.dirname), "bin", "cairn.mjs");

/** The real program, spoken to as the editor's panel speaks to it. */
export interface BenchSession {
  readonly program: ChildProcessWithoutNullStreams;
  /** All that it has said of runs. */
  readonly events: readonly BenchEvent[];
  /** What it wrote beside the protocol. */
  errors(): string;
  request<Method extends BenchMethod>(
    method: Method,
    params: BenchRequests[Method]["params"],
    more?: Pick<BenchRequest, "settings" | "keys">,
  ): Promise<BenchRequests[Method]["result"]>;
  /** Resolves with the next such event. */
  event(wanted: (event: BenchEvent) => boolean): Promise<BenchEvent>;
}

/** @param folder gets the cache */
export function startBenchSession(test: TestContext, folder: string, env: Record<string, string> = {}): BenchSession {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:INFERENCE|CEREBRAS|OPENAI|AZURE|CAIRN)/.test(name));
  const program = spawn(process.execPath, [PROGRAM, "bench", "--stdio"], {
    cwd: folder,
    env: { ...Object.fromEntries(own), ...env, CAIRN_CACHE_DIR: join(folder, "cache") },
  });
  test.after(() => program.kill("SIGKILL"));
  let errors = "";
  program.stderr.on("data", (piece) => {
    errors += piece;
  });
  const waiting = new Map<number, PromiseWithResolvers<never>>();
  const events: BenchEvent[] = [];
  const watchers: ({ wanted: (event: BenchEvent) => boolean } & PromiseWithResolvers<BenchEvent>)[] = [];
  createInterface({ input: program.stdout }).on("line", (line) => {
    const message: BenchAnswer | BenchEvent = JSON.parse(line);
    if (message.type === "result") waiting.get(message.id)?.resolve(message.result as never);
    else if (message.type === "error") waiting.get(message.id)?.reject(fromWireError(message.error));
    else {
      events.push(message);
      for (const { wanted, resolve } of watchers) if (wanted(message)) resolve(message);
    }
  });
  program.on("close", () => {
    for (const { reject } of [...waiting.values(), ...watchers]) reject(new Error(`The program has ended: ${errors}`));
  });
  return {
    program,
    events,
    errors: () => errors,
    request(method, params, more) {
      const id = waiting.size + 1;
      const answer = Promise.withResolvers<never>();
      waiting.set(id, answer);
      program.stdin.write(`${JSON.stringify({ id, method, params, ...more })}\n`);
      return answer.promise;
    },
    event(wanted) {
      const next = Promise.withResolvers<BenchEvent>();
      watchers.push({ wanted, ...next });
      return next.promise;
    },
  };
}
