import { createInterface } from "node:readline";
import { z } from "zod";
import type {
  BenchAnswer,
  BenchEvent,
  BenchMethod,
  BenchProvider,
  BenchRequests,
  RunParams,
} from "../../shared/bench-messages.ts";
import {
  BENCH_AREAS,
  type BenchReport,
  EXPORT_FORMATS,
  type Measure,
  type MeasureSummary,
} from "../../shared/bench-types.ts";
import { MOST_TOKENS } from "../../shared/cost-types.ts";
import { CairnError, toWireError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { readSettings } from "../../shared/read-settings.ts";
import type { IndexStatus } from "../../shared/search-types.ts";
import type { Settings } from "../../shared/settings.ts";
import { agree, notAgreed } from "../answer/agreed-providers.ts";
import { chooseProviders } from "../answer/choose-providers.ts";
import { withKeys } from "../answer/given-keys.ts";
import type { Provider } from "../answer/llm.ts";
import { EXPORTS } from "../measure/export.ts";
import { BenchHistory, readRun } from "../measure/history.ts";
import { comparisonOf, reportOf, summaryOf, summedUp } from "../measure/report.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { RouteRecord } from "../route/route-record.ts";
import { routingSaves } from "../route/routing-saves.ts";
import { costReport } from "../usage/cost.ts";
import { PriceTable } from "../usage/price-table.ts";
import { readUsage } from "../usage/usage-record.ts";
import { summariseUsage } from "../usage/usage-summary.ts";
import { measureAndKeep, withoutPenalty } from "./bench-run.ts";
import { type CommandContext, ExitCode } from "./command.ts";
import { folderToUse } from "./session.ts";

/**
 * Answers an editor's requests, one JSON object a line on the standard input, until that ends: the editor closed it, or
 * has gone. What is running then is ended early, and kept.
 * @throws {CairnError} `input` for a line that is no request
 */
export async function serveBench(context: CommandContext): Promise<number> {
  const session = new BenchSession(context);
  const lines = createInterface({ input: process.stdin, signal: context.signal });
  try {
    for await (const line of lines) session.receive(requestIn(line));
  } finally {
    await session.end();
  }
  return ExitCode.ok;
}

/** What a request brings along. */
interface Given {
  readonly settings: Settings;
  /** With the keys that the editor keeps. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Result = BenchRequests[BenchMethod]["result"];

class BenchSession {
  readonly #context: CommandContext;
  #running: { readonly ended: Promise<unknown>; readonly abort: AbortController } | undefined;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  receive({ id, method, params, settings, keys = [] }: z.infer<typeof envelope>): void {
    const { env } = this.#context;
    this.#answer(method, params, { ...readSettings(settings, env), env: withKeys(env, keys) }).then(
      (result) => this.#send({ type: "result", id, result }),
      (error: unknown) => this.#send({ type: "error", id, error: toWireError(error) }),
    );
  }

  async end(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.ended;
  }

  readonly #methods: {
    [Method in BenchMethod]: (
      params: BenchRequests[Method]["params"],
      given: Given,
    ) => BenchRequests[Method]["result"] | Promise<BenchRequests[Method]["result"]>;
  } = {
    list: (_, given) => {
      const { runs, unreadable } = this.#history(given).read();
      return { runs: runs.map(summaryOf), unreadable };
    },
    report: ({ run }, given) => reportOf(this.#history(given).run(run)),
    compare: ({ one, other }, given) => {
      const history = this.#history(given);
      return comparisonOf(history.run(one), history.run(other));
    },
    export: ({ run, format }, given) => EXPORTS[format](this.#history(given).run(run)),
    import: ({ file }, given) => {
      const run = readRun(file);
      this.#history(given).add(run);
      return summaryOf(run);
    },
    remove: ({ run }, given) => {
      this.#history(given).remove(run);
      return null;
    },
    costs: (order, { settings, env }) => {
      const prices = new PriceTable(settings["answer.prices"]);
      const cacheDirectory = cacheDirectoryOf(settings, env);
      const routing = routingSaves(new RouteRecord(cacheDirectory, nodeHost({ env }).log).read());
      const costs = costReport(summariseUsage(readUsage(cacheDirectory), prices), prices, order);
      return { ...costs, ...(routing && { routing }) };
    },
    providers: (_, given) => this.#providers(given).map((provider) => this.#described(provider, given)),
    run: (params, given) => this.#run(params, given),
    cancel: () => {
      this.#running?.abort.abort();
      return null;
    },
  };

  async #answer(method: BenchMethod, sent: unknown, given: Given): Promise<Result> {
    const { data: params, error } = PARAMS[method].safeParse(sent);
    if (error) throw new CairnError("input", `${method}: ${complaint(error)}.`);
    // The schema has seen that these are the parameters of this method.
    return (this.#methods[method] as (params: object, given: Given) => Result | Promise<Result>)(params, given);
  }

  async #run(params: RunParams, given: Given): Promise<BenchReport> {
    if (this.#running) throw new CairnError("unavailable", phrase("A run of the benchmark is on its way already."));
    const abort = new AbortController();
    const measured = this.#measure(params, given, AbortSignal.any([abort.signal, this.#context.signal]));
    this.#running = { ended: measured.catch(() => {}), abort };
    try {
      return await measured;
    } finally {
      this.#running = undefined;
    }
  }

  async #measure(params: RunParams, given: Given, signal: AbortSignal): Promise<BenchReport> {
    const { areas, quick, folder, agreed } = params;
    const { settings, env } = given;
    // Settings of providers that cannot be used keep nobody from measuring without.
    const chosen = params.providers.length > 0 ? this.#providers(given) : [];
    const providers = chosen.filter(({ name }) => params.providers.includes(name));
    const cacheDirectory = cacheDirectoryOf(settings, env);
    const fresh = notAgreed(cacheDirectory, providers);
    if (fresh.length > 0 && !agreed) {
      const names = fresh.map(({ name }) => name).join(", ");
      throw new CairnError("input", phrase("Nothing was sent: you have not agreed to what is sent to {0}.", names));
    }
    if (fresh.length > 0) agree(cacheDirectory, fresh);
    const unpenalised = withoutPenalty(settings, (changes) =>
      chosen.length > 0 ? this.#providers({ ...given, settings: { ...settings, ...changes } }) : [],
    ).filter(({ name }) => params.providers.includes(name));
    const context = { ...this.#context, signal };
    const order = { areas, quick, folder: folderToUse(context, folder), providers, unpenalised, settings };
    const progress = new Progress((event) => this.#send(event));
    try {
      return reportOf(await measureAndKeep(context, order, progress, this.#history(given)));
    } catch (error) {
      // While it waits for the index it is ended in its own way.
      if (!signal.aborted) throw error;
      throw new CairnError("unavailable", phrase("Ended before anything was measured."));
    }
  }

  /** With those that are asked when the first fails: each is measured for itself. */
  #providers({ settings, env }: Given): Provider[] {
    return chooseProviders(nodeHost({ env }), { ...settings, "answer.fallback.enabled": true });
  }

  #described(provider: Provider, { settings, env }: Given): BenchProvider {
    const { name, destination, remote, hasKey } = provider;
    const agreed = notAgreed(cacheDirectoryOf(settings, env), [provider]).length === 0;
    return { name, destination, remote, hasKey, agreed };
  }

  #history({ settings, env }: Given): BenchHistory {
    return new BenchHistory(cacheDirectoryOf(settings, env));
  }

  #send(message: BenchAnswer | BenchEvent): void {
    this.#context.terminal.print(`${JSON.stringify(message)}\n`);
  }
}

/** Time between two messages about progress. */
const PAUSE_MS = 250;

/** Tells how far a run is, and not more often than one can see. */
class Progress {
  readonly #send: (event: BenchEvent) => void;
  readonly #told = new Map<string, number>();
  readonly #changed = new Map<string, Measure>();
  #last = 0;

  constructor(send: (event: BenchEvent) => void) {
    this.#send = send;
  }

  readonly note = (said: ReturnType<typeof phrase>): void => {
    this.#flush();
    this.#send({ type: "note", said });
  };

  readonly onIndexing = ({ phase, done, total }: IndexStatus): void => {
    if (!this.#isDue()) return;
    const said = phrase("waiting for the index: {0} of {1} files", done, total);
    this.#send({ type: "note", said: phase === "indexing" && total > 0 ? said : phrase("looking at the folder") });
  };

  readonly onProgress = (measures: readonly Measure[]): void => {
    for (const measure of measures) {
      if (this.#told.get(measure.id) !== measure.values.length) this.#changed.set(measure.id, measure);
    }
    if (this.#isDue()) this.#flush();
  };

  #isDue(): boolean {
    const now = performance.now();
    if (now - this.#last < PAUSE_MS) return false;
    this.#last = now;
    return true;
  }

  #flush(): void {
    if (this.#changed.size === 0) return;
    const measures: MeasureSummary[] = [...this.#changed.values()].map(summedUp);
    for (const { id, rounds } of measures) this.#told.set(id, rounds);
    this.#changed.clear();
    this.#send({ type: "progress", measures });
  }
}

/** @throws {CairnError} `input` */
function requestIn(line: string): z.infer<typeof envelope> {
  const { data, error } = envelope.safeParse(parsed(line));
  if (data) return data;
  const hint = "shared/bench-messages.ts says what a request is.";
  throw new CairnError("input", `A line of the standard input is no request: ${complaint(error)}.`, hint);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function complaint({ issues: [{ path, message }] }: z.ZodError): string {
  return `${path.join(".") || "it"}: ${message}`;
}

const run = z.string();
const none = z.object({});
const amount = z.number().nonnegative();

const PARAMS = {
  list: none,
  report: z.object({ run }),
  compare: z.object({ one: run, other: run }),
  export: z.object({ run, format: z.enum(EXPORT_FORMATS) }),
  import: z.object({ file: z.string() }),
  remove: z.object({ run }),
  costs: z.object({
    tokens: z.number().min(1).max(MOST_TOKENS).optional(),
    hardware: z
      .object({ watts: amount, hours: amount, pricePerKwh: amount, purchase: amount, months: z.number().positive() })
      .optional(),
  }),
  providers: none,
  run: z.object({
    areas: z.array(z.enum(BENCH_AREAS)).min(1),
    quick: z.boolean(),
    folder: z.string().optional(),
    providers: z.array(z.string()),
    agreed: z.boolean(),
  }),
  cancel: none,
} as const satisfies Record<BenchMethod, z.ZodType>;

const keys = z.array(z.object({ provider: z.string(), apiKey: z.string() })).optional();
const METHODS = Object.keys(PARAMS) as BenchMethod[];
const envelope = z.object({
  id: z.number(),
  method: z.enum(METHODS),
  params: z.unknown(),
  settings: z.unknown().optional(),
  keys,
});
