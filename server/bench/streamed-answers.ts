import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AnswerPart } from "../../shared/answer-types.ts";
import { ToClient, ToServer } from "../../shared/protocol.ts";
import { type Figure, spread } from "./benchmark.ts";
import { LanguageServer } from "./language-server.ts";
import { cairn, residentMB } from "./measured-process.ts";
import { QUERIES } from "./query-set.ts";
import { type StandInCall, StandInProvider } from "./stand-in-provider.ts";

const AT_ONCE = 100;
const TOKENS = 200;
/** The server's memory is looked at after so many answers. */
const LOOKS = [100, 500, 1_000];
/** What the last of them may leave behind, in MB: before, the heap grows to the size that it works with. */
const MOST_GROWTH = 20;

/** What came of streaming through the server. */
export interface Streamed {
  readonly figures: readonly Figure[];
  /** From each token's leaving the provider to its being in a message at the editor, in milliseconds. */
  readonly tokenMs: readonly number[];
}

/**
 * Answers as an editor gets them: through the built language server in a process of its own, from a provider on this
 * machine that sends what it is told to send.
 * @param folder is indexed into a cache of its own
 */
export async function measureStreamed(folder: string, quick: boolean, note: (what: string) => void): Promise<Streamed> {
  const cache = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  const provider = await StandInProvider.start();
  try {
    note("indexing for the server");
    await cairn(cache, ["index", folder]);
    const settings = { ...provider.settings, "answer.fallback.enabled": false };
    const server = await LanguageServer.start(cache, folder, settings);
    try {
      await server.ready();
      const asker = new Asker(server, provider);
      note("asking one after the other");
      const memory = await answersInARow(asker, server.pid, quick ? [LOOKS[0]] : LOOKS);
      note("a token at a time");
      const tokenMs = await tokenByToken(asker, quick ? 1 : 5);
      note(`${AT_ONCE} answers at once`);
      return { figures: [...memory, ...(await manyAtOnce(asker))], tokenMs };
    } finally {
      await server.stop();
    }
  } finally {
    provider.stop();
    rmSync(cache, { recursive: true, force: true });
  }
}

/** Asks the server, tells the answers apart, and has the provider answer each question as that asks for. */
class Asker {
  readonly #server: LanguageServer;
  readonly #calls = new Map<string, (call: StandInCall) => void>();
  readonly #shown = new Map<number, (text: string) => void>();
  #tasks = 0;

  constructor(server: LanguageServer, provider: StandInProvider) {
    this.#server = server;
    server.on(ToClient.answerParts, ({ task, parts }) => this.#shown.get(task)?.(parts.map(textOf).join("")));
    provider.answer = (call) => {
      const question = /Question: (.*)$/.exec(call.prompt)?.[1] ?? "";
      this.#calls.get(question)?.(call);
    };
  }

  /**
   * Asks a question that nobody has asked before.
   * @param answer called with the provider's side of it
   * @param show called with each piece of the answer that the editor is sent
   */
  async ask(answer: (call: StandInCall) => void, show: (text: string) => void): Promise<void> {
    const task = ++this.#tasks;
    const text = `${QUERIES[task % QUERIES.length]}, case ${task}`;
    this.#calls.set(text, answer);
    this.#shown.set(task, show);
    await this.#server.ask(ToServer.ask, { task, text });
    this.#calls.delete(text);
    this.#shown.delete(task);
  }
}

function textOf(part: AnswerPart): string {
  return part.type === "text" ? part.text : "";
}

/** Each is asked when the one before is over. */
async function answersInARow(asker: Asker, pid: number, looks: readonly number[]): Promise<Figure[]> {
  const overheads: number[] = [];
  const residents: number[] = [];
  for (let answered = 0; answered < (looks.at(-1) ?? 0); ) {
    const asked = performance.now();
    await asker.ask(
      (call) => {
        overheads.push(call.at - asked);
        for (let i = 0; i < TOKENS; i++) call.say(word(answered, i));
        call.end();
      },
      () => {},
    );
    answered++;
    const resident = looks.includes(answered) ? residentMB(pid) : undefined;
    if (resident !== undefined) residents.push(resident);
  }
  const grown = (residents.at(-1) ?? 0) - (residents.at(-2) ?? 0);
  return [
    ...spread("question sent by the editor to request at the provider", overheads, 50),
    ...residents.map((value, i) => ({
      name: `the server's memory after ${count(looks[i])} answers`,
      value,
      unit: "MB",
    })),
    ...(residents.length > 1
      ? [
          {
            name: `its growth over the last ${looks[looks.length - 1] - looks[looks.length - 2]}`,
            value: grown,
            unit: "MB",
            target: { atMost: MOST_GROWTH },
          },
        ]
      : []),
  ];
}

/** The next token is sent when the one before has reached the editor. */
async function tokenByToken(asker: Asker, answers: number): Promise<number[]> {
  const times: number[] = [];
  for (let answer = 0; answer < answers; answer++) {
    let sent = 0;
    let next: () => void = () => {};
    await asker.ask(
      (call) => {
        let said = 0;
        next = () => {
          if (said === TOKENS) return call.end();
          sent = performance.now();
          call.say(word(answer, said++));
        };
        next();
      },
      (text) => {
        if (text.trim() === "") return;
        times.push(performance.now() - sent);
        setImmediate(next);
      },
    );
  }
  return times;
}

/** All answers come side by side, a token of each in turn. */
async function manyAtOnce(asker: Asker): Promise<Figure[]> {
  const calls: StandInCall[] = [];
  const all = Promise.withResolvers<void>();
  const shown = Array.from({ length: AT_ONCE }, () => "");
  const started = performance.now();
  const asked = shown.map((_, answer) =>
    asker.ask(
      (call) => {
        calls[answer] = call;
        if (Object.keys(calls).length === AT_ONCE) all.resolve();
      },
      (text) => {
        shown[answer] += text;
      },
    ),
  );
  await Promise.race([all.promise, ...asked]);
  const streaming = performance.now();
  for (let i = 0; i < TOKENS; i++) {
    for (const [answer, call] of calls.entries()) call.say(word(answer, i));
    await nextTurn();
  }
  for (const call of calls) call.end();
  await Promise.all(asked);
  const ended = performance.now();
  const wrong = shown.map((text, answer) => misplaced(text, answer)).reduce((sum, one) => sum + one, 0);
  return [
    {
      name: `${AT_ONCE} answers at once: tokens lost or out of place`,
      value: wrong,
      unit: "tokens",
      target: { atMost: 0 },
    },
    { name: "  all asked and searched for", value: streaming - started, unit: "ms" },
    { name: "  streamed", value: ended - streaming, unit: "ms" },
    { name: "  n", value: AT_ONCE * TOKENS, unit: "tokens" },
  ];
}

/** Tokens of an answer that are not where they were sent. */
function misplaced(text: string, answer: number): number {
  const words = text.split(/(?= )/);
  const wrong = Array.from({ length: TOKENS }, (_, i) => words[i] !== word(answer, i)).filter(Boolean).length;
  return wrong + Math.max(0, words.length - TOKENS);
}

/** Tokens of words begin with a blank. */
function word(answer: number, i: number): string {
  return ` word${answer}x${i}`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
