import { readSettings } from "../../shared/read-settings.ts";
import { answer } from "../answer/answer.ts";
import type { Provider } from "../answer/llm.ts";
import { createCore } from "../core.ts";
import { median, percentile } from "../measure/statistics.ts";
import { nodeHost } from "../node-host.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bringCorpus } from "./corpus.ts";
import { QUERIES } from "./query-set.ts";
import { INDEXES } from "./warm-start.ts";

/** Rounds over all questions that count, after one that does not. */
const ROUNDS = 3;

/** What Cairn itself adds to an answer: everything but the time that a model takes. */
export const answers: Benchmark = {
  name: "answers",
  about: `${QUERIES.length} questions to 10,000 chunks: quoted, and to a model that answers at once`,
  async run({ quick }, note) {
    note("bringing the small corpus up to date");
    const { root } = bringCorpus("small");
    const { settings } = readSettings({ cacheDirectory: INDEXES });
    const core = createCore(nodeHost(), settings, { role: "terminal" });
    try {
      const workspace = await core.open(root);
      await workspace.idle();
      const ask = async (text: string, providers: readonly Provider[]) => {
        const parts = { workspace, providers, fallback: true, maxOutputTokens: 1024, neverSend: settings.neverSend };
        const never = new AbortController().signal;
        for await (const event of answer({ text }, parts, never)) if (event.type === "done") return event.record;
        throw new Error("The answer ended without its record.");
      };
      const rounds = quick ? 1 : ROUNDS;
      note("quoting");
      const quoted = await timesOf(rounds, async (text) => (await ask(text, [])).totalMs);
      note("asking a model that answers at once");
      const before = await timesOf(rounds, async (text) => (await ask(text, [AT_ONCE])).ownMs);
      const after = await timesOf(rounds, async (text) => {
        const { totalMs, ownMs } = await ask(text, [AT_ONCE]);
        return totalMs - ownMs;
      });
      return [
        ...figures("quoted passages", quoted, { atMost: 100 }),
        ...figures("question received to request sent", before, { atMost: 50 }),
        ...figures("citations of a long answer checked", after, undefined),
      ];
    } finally {
      await core.close();
    }
  },
};

/** Says a hundred cited sentences without a pause. */
const AT_ONCE: Provider = {
  name: "at-once",
  destination: "",
  remote: true,
  identity: "stand-in",
  hasKey: true,
  open: async () => ({
    name: "at-once",
    contextTokens: 8_192,
    async *stream() {
      for (let i = 0; i < 100; i++) {
        yield { type: "text", text: `The function \`update\` of part ${i} does ` };
        yield { type: "text", text: `some of the work [${1 + (i % 9)}]. ` };
      }
      yield { type: "end", finish: "stop" };
    },
  }),
};

async function timesOf(rounds: number, ask: (question: string) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    for (const question of QUERIES) {
      const ms = await ask(question);
      if (round >= 0) times.push(ms);
    }
  }
  return times;
}

function figures(name: string, times: readonly number[], target: Figure["target"]): Figure[] {
  return [
    { name: `${name}: p50`, value: median(times), unit: "ms" },
    { name: "  p95", value: percentile(times, 0.95), unit: "ms", ...(target && { target }) },
  ];
}
