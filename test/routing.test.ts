import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { type AnswerEvent, answer, type Question } from "../server/answer/answer.ts";
import { chooseProviders } from "../server/answer/choose-providers.ts";
import { callsByChance, callsNeeded, callsSaved } from "../server/bench/routing-curve.ts";
import { nodeHost } from "../server/node-host.ts";
import { createRouter } from "../server/route/create-router.ts";
import { GainModel } from "../server/route/gain-model.ts";
import { type LabelledQuestion, labelledQuestions } from "../server/route/labelled-questions.ts";
import { loadGainModel, questionEncoder } from "../server/route/load-gain-model.ts";
import { RouteRecord } from "../server/route/route-record.ts";
import { routeReport } from "../server/route/route-report.ts";
import { Router, type RoutingSettings } from "../server/route/router.ts";
import { prepared, trainGain } from "../server/route/train-gain.ts";
import type { AnswerRecord } from "../shared/answer-types.ts";
import { readSettings } from "../shared/read-settings.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { refuses, says, startChatServer } from "./servers/chat-server.ts";

const HOST = nodeHost({ level: "silent", env: { OPENAI_API_KEY: "key-two", CEREBRAS_API_KEY: "key-one" } });
const ENCODER = questionEncoder(HOST);
const NOUNS = "request response socket cache colour file folder index worker thread timer queue token parser".split(
  " ",
);

const EASY = "where is the request defined?";
const HARD = "why does the request deadlock when 12 threads retry, and which lock order would prevent it?";
const ALIEN = "retryRequest: Wie koche ich Risotto mit Steinpilzen und Parmesan?";

/** Both models know where something is; only the strong one knows why threads stand still. */
const LABELLED: readonly LabelledQuestion[] = NOUNS.flatMap((noun) => [
  ...["defined", "created", "closed", "tested"].map((done) => {
    return { text: `where is the ${noun} ${done}?`, subject: "places", weak: 1, strong: 1 };
  }),
  ...["retry", "wait", "stop", "start"].map((act, i) => {
    const text = `why does the ${noun} deadlock when ${8 + i} threads ${act}, and which lock order would prevent it?`;
    return { text, subject: "deadlocks", weak: 0, strong: 1 };
  }),
]);
const PARAMETERS = trainGain(
  LABELLED.map((one) => prepared(one, ENCODER)),
  ENCODER,
);

/** A project, a strong model at one stand-in and a weak one at another, and what is asked of them. */
async function scene(test: TestContext, raw: Record<string, unknown> = {}) {
  const folder = temporaryFolder(test);
  const [root, cache] = [join(folder, "project"), join(folder, "cache")];
  writeFiles(root, PROJECT);
  writeFileSync(join(folder, "parameters.json"), JSON.stringify(PARAMETERS));
  const { workspace } = await openCore(test, root, cache);
  await workspace.idle();
  const [strong, weak] = [await startChatServer(test), await startChatServer(test)];
  strong.behave(says("The function `retryRequest` tries again [1]."));
  weak.behave(says("`retryRequest` [1]."));
  const { settings, problems } = readSettings({
    "answer.provider": "cerebras",
    "answer.cerebras.baseUrl": strong.url,
    "answer.openai.baseUrl": `${weak.url}/v1`,
    "answer.routing.strong": "cerebras/large-model",
    "answer.routing.weak": "openai/small-model",
    "answer.routing.parameters": join(folder, "parameters.json"),
    "answer.prices": ["large-model=2/8", "small-model=0.1/0.4"],
    ...raw,
  });
  assert.deepEqual(problems, []);
  const parts = {
    workspace,
    providers: chooseProviders(HOST, settings),
    router: await createRouter(HOST, settings, cache),
    fallback: settings["answer.fallback.enabled"],
    maxOutputTokens: 100,
    neverSend: settings.neverSend,
  };
  const ask = async (question: Question): Promise<AnswerRecord> => {
    const events: AnswerEvent[] = [];
    for await (const event of answer(question, parts, new AbortController().signal)) events.push(event);
    const last = events.at(-1);
    return last?.type === "done" ? last.record : assert.fail();
  };
  const askedModels = () => [...strong.calls, ...weak.calls].map(({ body }) => body.model);
  return { ask, strong, weak, cache, root, folder, settings, askedModels };
}

describe("a question", () => {
  it("goes to the weak model where that knows as much, and to the strong one where it does not", async (test) => {
    const { ask, strong, weak } = await scene(test);
    const easy = await ask({ text: EASY });
    assert.deepEqual([easy.provider, easy.model, easy.routing?.reason], ["openai", "small-model", "good-enough"]);
    assert.deepEqual([strong.calls.length, weak.calls.length], [0, 1]);
    const hard = await ask({ text: HARD });
    assert.deepEqual([hard.provider, hard.model, hard.routing?.reason], ["cerebras", "large-model", "better"]);
    assert.deepEqual([strong.calls.length, weak.calls.length], [1, 1]);
    assert.ok((easy.routing?.quality ?? 0) > 0.85 && (hard.routing?.quality ?? 1) < 0.5);
  });

  it("goes to the strong model when nothing like it was learned from", async (test) => {
    const { ask } = await scene(test);
    const { provider, routing } = await ask({ text: ALIEN });
    assert.deepEqual([provider, routing?.reason], ["cerebras", "unfamiliar"]);
  });

  it("goes to the other of the two when the first fails", async (test) => {
    const { ask, weak } = await scene(test);
    weak.behave(refuses(401, { error: { message: "no" } }));
    const { provider, attempts, routing } = await ask({ text: EASY });
    assert.deepEqual([provider, routing?.tier], ["cerebras", "weak"]);
    assert.deepEqual(
      attempts.map(({ provider, failure }) => [provider, failure]),
      [["openai", "bad-key"]],
    );
  });

  it("is not routed unless two models are named, or when one was chosen for it", async (test) => {
    const { ask, askedModels } = await scene(test, { "answer.routing.strong": "", "answer.routing.weak": "" });
    assert.equal((await ask({ text: EASY })).routing, undefined);
    assert.deepEqual(askedModels(), ["llama-3.3-70b"]);
    const { settings } = await scene(test);
    const tiers = (wish: object, raw = settings) =>
      chooseProviders(HOST, raw, wish).map(({ name, tier }) => [name, tier]);
    assert.deepEqual(tiers({}), [
      ["cerebras", "strong"],
      ["openai", "weak"],
    ]);
    assert.deepEqual(tiers({ provider: "openai" }), [["openai", undefined]]);
    assert.deepEqual(tiers({ provider: "none" }), []);
    assert.deepEqual(tiers({}, { ...settings, "answer.provider": "none" }), []);
    assert.throws(() => tiers({}, { ...settings, "answer.routing.weak": "" }), /only one is named/);
    assert.throws(() => tiers({}, { ...settings, "answer.routing.weak": "skynet/1" }), /no provider "skynet"/);
  });

  it("may go to two models of one provider, both at the address that is set", async (test) => {
    const same = { "answer.routing.strong": "openai/large-model", "answer.fallback.enabled": false };
    const { ask, weak } = await scene(test, { "answer.provider": "openai", ...same });
    await ask({ text: EASY });
    await ask({ text: HARD });
    assert.deepEqual(
      weak.calls.map(({ body }) => body.model),
      ["small-model", "large-model"],
    );
  });
});

describe("what came of routed questions", () => {
  it("is kept without the questions, and summed up", async (test) => {
    const { ask, cache } = await scene(test);
    for (const text of [EASY, HARD, "where is the request closed?"]) await ask({ text });
    const file = join(cache, "routing.jsonl");
    const kept = readFileSync(file, "utf8");
    for (const word of ["request", "closed", "deadlock"]) assert.ok(!kept.includes(word), word);
    appendFileSync(file, '{"tier":"weak","reason"');
    const { routed, control, strong, weak } = routeReport(new RouteRecord(cache, HOST.log).read());
    assert.deepEqual([routed.questions, strong.questions, weak.questions, control.questions], [3, 1, 2, 0]);
    assert.equal(weak.cost, (1200 * 0.1 + 34 * 0.4) / 1e6);
    assert.equal(strong.cost, (1200 * 2 + 34 * 8) / 1e6);
  });

  it("is set beside the conversations that are kept out", async (test) => {
    const { ask, cache, strong } = await scene(test, { "answer.routing.rolloutPercent": 0 });
    assert.equal((await ask({ text: EASY })).routing?.reason, "control");
    assert.equal(strong.calls.length, 1);
    const dear = new RouteRecord(cache, HOST.log).read()[0];
    const cheap = { ...dear, reason: "good-enough", tier: "weak", cost: (dear.cost ?? 0) / 4 } as const;
    assert.equal(routeReport([dear, cheap]).saved, 0.75);
  });

  it("is told in a terminal, where a decision is explained too", async (test) => {
    const { ask, cache, folder } = await scene(test);
    const cairn = async (args: readonly string[], env: Record<string, string> = {}) => {
      const named = { CAIRN_ROUTING_STRONG: "openai/large-model", CAIRN_ROUTING_WEAK: "ollama/small-model" };
      const prices = { CAIRN_PRICES: "large-model=2/8,small-model=0/0", INFERENCE_PROVIDER: "openai" };
      const parameters = { CAIRN_ROUTING_PARAMETERS: join(folder, "parameters.json"), CAIRN_CACHE_DIR: cache };
      const program = join(dirname(import.meta.dirname), "bin", "cairn.mjs");
      const child = spawn(process.execPath, [program, "route", ...args], {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...named, ...prices, ...parameters, ...env },
      });
      const exit = once(child, "exit");
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { code: (await exit)[0], stdout, stderr };
    };
    assert.equal((await cairn(["report"])).stdout, "No question was routed yet.\n");
    const hard = await cairn(["explain", HARD]);
    assert.match(hard.stdout, /^The strong model: openai large-model\n {2}why +strong model: the weak one would reach/);
    assert.match(
      hard.stdout,
      /hardware +that of https:\/\/api\.openai\.com\n {2}price +\$2 per million tokens of input, \$8/,
    );
    const { active, tier, model, tookMs } = JSON.parse((await cairn(["explain", EASY, "--json"])).stdout);
    assert.deepEqual(
      [active, tier, model.name, model.price],
      [true, "weak", "ollama small-model", { input: 0, output: 0 }],
    );
    assert.match(model.hardware, /^this machine \(/);
    assert.equal(typeof tookMs, "number");
    const unnamed = await cairn(["explain", EASY], { CAIRN_ROUTING_STRONG: "", CAIRN_ROUTING_WEAK: "" });
    assert.deepEqual([unnamed.code, unnamed.stderr.includes("Nothing is routed yet")], [0, true]);
    for (const args of [[], ["explain"], ["guess"], ["report", "x"]]) assert.equal((await cairn(args)).code, 2);

    await ask({ text: EASY });
    assert.match((await cairn(["report"])).stdout, /\n {2}by the weak model +1 /);
  });
});

describe("a router", () => {
  const usual: RoutingSettings = {
    "answer.routing.quality": 0.85,
    "answer.routing.costPriority": 0.5,
    "answer.routing.latency": "any",
    "answer.routing.rolloutPercent": 100,
  };
  const router = (test: TestContext, settings: Partial<RoutingSettings>, quality: number) => {
    const record = new RouteRecord(temporaryFolder(test), HOST.log);
    return {
      record,
      router: new Router({ ...usual, ...settings }, () => ({ gain: 1 - quality, quality, novelty: 0 }), record),
    };
  };

  it("asks of the weak model what quality, cost and time are worth", (test) => {
    const tierOf = (settings: Partial<RoutingSettings>, quality: number) =>
      router(test, settings, quality).router.decide({ text: "?" }).tier;
    assert.deepEqual([tierOf({}, 0.86), tierOf({}, 0.84)], ["weak", "strong"]);
    assert.deepEqual(
      [tierOf({ "answer.routing.quality": 0.9 }, 0.86), tierOf({ "answer.routing.quality": 0 }, 0)],
      ["strong", "weak"],
    );
    assert.deepEqual(
      [tierOf({ "answer.routing.costPriority": 1 }, 0.71), tierOf({ "answer.routing.costPriority": 1 }, 0.69)],
      ["weak", "strong"],
    );
    assert.deepEqual(
      [tierOf({ "answer.routing.costPriority": 0 }, 0.99), tierOf({ "answer.routing.costPriority": 0 }, 1)],
      ["strong", "weak"],
    );
  });

  it("lets the weak model lose more where it was faster", (test) => {
    const { record, router: fast } = router(test, { "answer.routing.latency": "fast" }, 0.8);
    assert.equal(fast.decide({ text: "?" }).tier, "strong", "nothing is known of either yet");
    for (const [tier, firstTokenMs] of [
      ["strong", 900],
      ["weak", 90],
    ] as const) {
      const times = {
        at: "",
        question: "",
        conversation: "",
        reason: "better",
        quality: 1,
        novelty: 0,
        failed: 0,
      } as const;
      const said = { provider: "", model: "", finish: "complete", citations: 0, removed: 0, unsupported: 0 } as const;
      for (let i = 0; i < 3; i++) record.add({ ...times, ...said, tier, firstTokenMs, totalMs: 1000 });
    }
    assert.equal(fast.decide({ text: "?" }).tier, "weak");
  });

  it("keeps a conversation on its side, and about so many on each", (test) => {
    const half = router(test, { "answer.routing.rolloutPercent": 50 }, 1).router;
    const reasons = Array.from({ length: 400 }, (_, i) => {
      const first = half.decide({ text: `question ${i}` });
      const later = half.decide({ text: "and then?", history: [{ question: `question ${i}`, answer: "" }] });
      assert.equal(later.reason, first.reason);
      return first.reason;
    });
    const kept = reasons.filter((reason) => reason === "control").length;
    assert.ok(kept > 150 && kept < 250, `${kept} of 400`);
  });
});

describe("what routing rests on", () => {
  it("is learned the same way each time, and is worth more than chance on questions it has not seen", () => {
    const odd = LABELLED.filter((_, i) => i % 2 === 1).map((one) => prepared(one, ENCODER));
    const first = trainGain(odd, ENCODER);
    assert.deepEqual(trainGain(odd, ENCODER), first);
    const model = new GainModel(first, ENCODER);
    const unseen = LABELLED.filter((_, i) => i % 2 === 0).map((one) => ({
      ...one,
      score: model.estimate(one.text).gain,
    }));
    // Half of them need the strong model: 90 % of them for 95 % of the quality.
    assert.ok(Math.abs(callsNeeded([unseen], 0.95).value - 0.45) < 1e-9);
    assert.ok(Math.abs(callsByChance([unseen], 0.95).value - 0.9) < 1e-9);
  });

  it("comes with Cairn, and says what it is made of", () => {
    const model = loadGainModel(HOST, "");
    const { gain, quality, novelty } = model.estimate(
      "What is the integral of x^2 from 0 to 1?\nA. 1/3\nB. 1\nAnswer:",
    );
    assert.ok(gain > -1 && gain < 1 && quality >= 0 && quality <= 1 && novelty > 0);
    const { evidence } = model.explain("What is the capital of France?");
    assert.equal(evidence[0].name, "a usual question");
    const ofPoints = evidence.filter(({ name }) => /^(?:points|longest|most alike)|of its points$/.test(name));
    assert.deepEqual(ofPoints, [], "it lists none, unlike those learned from");
    assert.equal(model.estimate("???").novelty > 1, true);
  });

  it("is refused when it is not whole", (test) => {
    const folder = temporaryFolder(test);
    const { features } = PARAMETERS;
    for (const [name, content] of [
      ["cut.json", JSON.stringify(PARAMETERS).slice(0, -9)],
      ["other.json", "{}"],
      ["older.json", JSON.stringify({ ...PARAMETERS, features: { ...features, names: features.names.slice(1) } })],
    ]) {
      writeFileSync(join(folder, name), content);
      assert.throws(() => loadGainModel(HOST, join(folder, name)), /parameters of routing in .* cannot be used/);
    }
    assert.throws(() => loadGainModel(HOST, join(folder, "none.json")), /cannot be used/);
  });

  it("is read from tables of labelled questions", (test) => {
    const folder = temporaryFolder(test);
    writeFiles(folder, {
      "a.csv": 'prompt,small,large\r\n"Is ""1, 2""\nA list?",False,True\r\nplain,0.5,1\n',
      "b.txt": "",
    });
    assert.deepEqual(labelledQuestions(folder), [
      { text: 'Is "1, 2"\nA list?', subject: "a", weak: 0, strong: 1 },
      { text: "plain", subject: "a", weak: 0.5, strong: 1 },
    ]);
    writeFiles(folder, { "c.csv": "prompt,small,large\nfine,1,1\nbroken,maybe,1\n" });
    assert.throws(() => labelledQuestions(folder), /c\.csv: row 3 is no labelled question/);
    assert.throws(() => labelledQuestions(join(folder, "none")), /cannot be read \(ENOENT\)/);
    assert.throws(() => labelledQuestions(temporaryFolder(test)), /no \.csv file/);
  });
});

describe("the calls that are needed", () => {
  const question = (weak: number, strong: number, score: number) => ({ weak, strong, score });
  const set = [question(0, 1, 0.9), question(1, 1, 0.8), question(0, 1, 0.7), question(1, 1, 0.1)];

  it("are those of the highest scores, until the quality is reached", () => {
    assert.equal(callsNeeded([set], 1).value, 0.75);
    assert.equal(callsNeeded([set], 0.75).value, 0.25);
    assert.equal(callsNeeded([set], 0.5).value, 0);
    assert.equal(callsByChance([set], 0.75).value, 0.5);
    assert.equal(callsSaved([set], 0.75).value, 0.25);
  });

  it("are by chance among equal scores, and bounded by drawing again", () => {
    const equal = set.map((one) => ({ ...one, score: 0 }));
    assert.equal(callsNeeded([equal], 0.75).value, callsByChance([equal], 0.75).value);
    const { low, value, high } = callsNeeded([set, equal], 0.9);
    assert.ok(low <= value && value <= high && low < high);
  });
});
