import { readFileSync } from "node:fs";
import { readSettings } from "../../shared/read-settings.ts";
import { answer } from "../answer/answer.ts";
import type { Provider } from "../answer/llm.ts";
import { createCore } from "../core.ts";
import { percentile } from "../measure/statistics.ts";
import { nodeHost } from "../node-host.ts";
import { packageFile } from "../package-files.ts";
import { type Benchmark, type Figure, spread } from "./benchmark.ts";
import { measurePage, type PaintTimes, pageObstacle } from "./chat-page.ts";
import { bringCorpus } from "./corpus.ts";
import { QUERIES } from "./query-set.ts";
import { measureStreamed } from "./streamed-answers.ts";
import { INDEXES } from "./warm-start.ts";

/** Rounds over all questions that count, after one that does not. */
const ROUNDS = 3;

/** A screen shows sixty frames a second. */
const FRAME_MS = 16;

/** What Cairn itself adds to an answer: everything but the time that a model takes. */
export const answers: Benchmark = {
  name: "answers",
  about: `${QUERIES.length} questions to 10,000 chunks: quoted, to a model that answers at once, and streamed to the editor`,
  async run({ quick }, note, skip) {
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
        ...spread("quoted passages", quoted, 100),
        ...spread("question received to request sent", before, 50),
        ...spread("citations of a long answer checked", after),
        ...(await onTheWay(root, quick, note, skip)),
      ];
    } finally {
      await core.close();
    }
  },
};

/** From the provider through the server to the page. */
async function onTheWay(root: string, quick: boolean, ...[note, skip]: Notes): Promise<Figure[]> {
  const { figures, tokenMs } = await measureStreamed(root, quick, note);
  const server = spread("a token at the provider to a message at the editor", tokenMs);
  const obstacle = pageObstacle();
  if (obstacle) {
    skip("a token's way through the chat's page", obstacle);
    return [...figures, ...server];
  }
  note("showing answers in a browser");
  const length = quick ? 100 : 600;
  const [prose, code] = await measurePage([PROSE.slice(0, length), codeTokens().slice(0, length)]);
  return [...figures, ...server, ...seen("prose", prose, tokenMs), ...seen("a long block of code", code, tokenMs)];
}

type Notes = [note: (what: string) => void, skip: (what: string, reason: string) => void];

function seen(what: string, { painted, worked }: PaintTimes, tokenMs: readonly number[]): Figure[] {
  const ours = percentile(tokenMs, 0.95) + percentile(worked, 0.95);
  return [
    ...spread(`${what}: a message at the page to its being drawn and painted, without the wait for the frame`, worked),
    ...spread(`${what}: the same, with the wait for the screen's next frame`, painted),
    {
      name: `${what}: a token at the provider to its being painted, both p95 together, without that wait`,
      value: ours,
      unit: "ms",
      target: { atMost: FRAME_MS },
    },
  ];
}

/** Paragraphs and lists. */
const PROSE: readonly string[] = Array.from({ length: 600 }, (_, i) => {
  if (i % 60 === 0) return "\n\nA paragraph";
  return i % 60 === 30 ? "\n- An item" : ` word${i}`;
});

/** A file of this program, in pieces as a model would write it. */
function codeTokens(): string[] {
  const code = readFileSync(packageFile("server", "answer", "answer.ts"), "utf8");
  return ["```ts\n", ...(code.match(/[^\n]{1,24}\n?|\n/g) ?? [])];
}

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
