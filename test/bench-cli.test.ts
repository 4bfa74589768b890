import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { inEnglish } from "../server/measure/shown.ts";
import type { BenchRun } from "../shared/bench-types.ts";
import { MODEL, machineWithModels } from "./chosen-fixture.ts";
import { DOCUMENTED } from "./documented-files.ts";
import { MANY_FUNCTIONS } from "./many-functions.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { refuses, says, startChatServer } from "./servers/chat-server.ts";
import { writeTinyLlama } from "./tiny-llama.ts";

const PROGRAM = join(dirname(import.meta.dirname), "bin", "cairn.mjs");

class Terminal {
  readonly folder: string;
  readonly #env: Record<string, string>;

  constructor(test: TestContext, env: Record<string, string> = {}) {
    this.folder = temporaryFolder(test);
    this.#env = { CAIRN_CACHE_DIR: join(this.folder, "cache"), ...env };
    writeFiles(join(this.folder, "project"), PROJECT);
  }

  start(...args: string[]) {
    const cwd = join(this.folder, "project");
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(?:INFERENCE|CEREBRAS|OPENAI|AZURE|CAIRN)/.test(name),
    );
    const env = { ...Object.fromEntries(own), ...this.#env };
    return spawn(process.execPath, [PROGRAM, "bench", ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  }

  async run(...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
    const child = this.start(...args);
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, out, errors };
  }

  async record(...args: string[]): Promise<BenchRun> {
    const { code, out, errors } = await this.run(...args, "--json");
    assert.equal(code, 0, errors);
    return JSON.parse(out);
  }

  kept(): string[] {
    const folder = join(this.folder, "cache", "benchmarks");
    return existsSync(folder) ? readdirSync(folder) : [];
  }
}

describe("cairn bench", () => {
  it("measures all that is there, says what is not, and keeps the run", async (test) => {
    const terminal = new Terminal(test);
    const run = await terminal.record("--quick");
    assert.deepEqual([...new Set(run.measures.map(({ area }) => area))], ["search", "embed", "answer", "delta"]);
    assert.equal(run.quality, undefined);
    assert.ok(run.measures.every(({ values }) => values.length > 0 && values.every((value) => value > 0)));
    assert.deepEqual(
      run.skipped.map(({ area, name }) => `${area}: ${inEnglish(name)}`),
      [
        "search: vectors in fewer bytes",
        "search: indexing from nothing",
        "embed: a chosen model",
        "answer: providers",
        "quality: all",
      ],
    );
    assert.deepEqual([run.subject?.files, run.quick, run.cancelled], [2, true, false]);
    assert.deepEqual(terminal.kept(), [`${run.id}.json`]);
  });

  it("says in one sentence what it found, and writes it in other forms", async (test) => {
    const terminal = new Terminal(test);
    const { out } = await terminal.run("search", "--quick", "--out", "../run.csv");
    assert.match(
      out,
      /^A name is found in [\d.]+ ms, (?:[\d.]+ times as fast as ripgrep|slower than ripgrep)? ?.*\.\n/,
    );
    const csv = readFileSync(join(terminal.folder, "run.csv"), "utf8").split("\r\n");
    assert.equal(csv[0], "run,measure,name,unit,better,round,value");
    assert.match(csv[1], /^[\w-]+,search\/name,A name,ms,less,1,[\d.]+$/);

    const { code, errors } = await terminal.run("search", "--quick", "--out", "run.xlsx");
    assert.equal(code, 2);
    assert.match(errors, /must end in \.json, \.csv or \.md/);
  });

  it("sets how well each way to search finds beside how long it takes", async (test) => {
    const terminal = new Terminal(test);
    writeFiles(join(terminal.folder, "project"), DOCUMENTED);
    const { quality, measures } = await terminal.record("quality", "--quick", "--out", "../run.md");
    // Two functions of the project have comments too.
    assert.equal(quality?.queries, Object.keys(DOCUMENTED).length + 2);
    const ids = quality?.points.map(({ id }) => id) ?? [];
    assert.deepEqual(ids, ["whole", "no-meaning", "fused", "words", "meaning"]);
    assert.deepEqual(
      measures.map(({ id }) => id),
      ids.map((id) => `quality/${id}`),
    );
    const [whole, , , words] = quality?.points ?? [];
    assert.ok(whole.low <= whole.ndcg10 && whole.ndcg10 <= whole.high);
    assert.ok(whole.ndcg10 > words.ndcg10, "the comments are hidden, so that their words alone find little");
    const table = readFileSync(join(terminal.folder, "run.md"), "utf8");
    assert.match(table, /\| 14 queries, made of doc comments \| NDCG@10 .*\n.*\n\| The whole ranking \| 0\.\d{3} \| /);
  });

  it("sets what vectors in fewer bytes find beside their bytes and the time of a scan", async (test) => {
    const terminal = new Terminal(test);
    writeFiles(join(terminal.folder, "project"), MANY_FUNCTIONS);
    const { vectors, measures } = await terminal.record("search", "--quick", "--out", "../run.md");
    assert.ok(vectors && vectors.vectors >= 600 && vectors.dims === 256);
    for (const { id, recall10, low, high } of vectors.points) {
      assert.ok(low <= recall10 && recall10 <= high, id);
      assert.ok(
        measures.some((measure) => measure.id === `search/vectors-${id}`),
        id,
      );
    }
    assert.equal(vectors.points[0].recall10, 1);
    const table = readFileSync(join(terminal.folder, "run.md"), "utf8");
    assert.match(table, /recall@10 .*\n.*\n\| float, all 256 dimensions \| 1024 \| 1\.000 \| /);
    const { out } = await terminal.run("show");
    assert.match(out, /; vectors of 260 bytes keep [\d.]+ % of the ten closest\.\n/);
  });

  it("reads the runs of an earlier version, whose names are in English", async (test) => {
    const terminal = new Terminal(test);
    const run = await terminal.record("search", "--quick");
    const english = { ...run, record: 1, measures: run.measures.map((one) => ({ ...one, name: inEnglish(one.name) })) };
    const skipped = run.skipped.map((one) => ({ ...one, name: "indexing", reason: "Not in a quick run." }));
    const project = join(terminal.folder, "project");
    writeFileSync(join(project, "old.json"), JSON.stringify({ ...english, id: "20200101-old", skipped, warnings: [] }));
    assert.equal((await terminal.run("import", "old.json")).code, 0);
    const { out } = await terminal.run("show", "20200101-old");
    assert.match(out, /^A name is found in /);
    assert.match(out, /not measured: search, indexing\. Not in a quick run\./);
    assert.match((await terminal.run("compare", "20200101-old", run.id)).out, /No difference was found in 6 measures/);
  });

  it("sets a model on this machine beside itself without what makes it faster", async (test) => {
    const terminal = new Terminal(test, { CAIRN_LOCAL_THREADS: "1" });
    const model = join(terminal.folder, "tiny.gguf");
    writeTinyLlama(model);
    const run = await terminal.record("answer", "--quick", "--provider", "llama", "--model", model);
    const value = (id: string) => run.measures.find((measure) => measure.id === `answer/llama-${id}`)?.values[0];
    for (const id of ["started", "kept", "cold", "warm", "penalised", "unpenalised"]) {
      assert.ok((value(id) ?? 0) > 0, `${id}: ${JSON.stringify(run.skipped)}`);
    }
    assert.ok((value("read") ?? 0) > 90, "the prompt is not read again");
    assert.equal(value("errors"), 0);
    assert.equal(run.measures.find(({ id }) => id === "answer/llama-warm")?.against, "answer/llama-cold");
  });

  it("measures the model that was chosen to search, by length and batch", async (test) => {
    const { env } = await machineWithModels(test);
    const own = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
    const terminal = new Terminal(test, {
      ...(own as Record<string, string>),
      EMBEDDING_PROVIDER: "huggingface",
      HF_EMBEDDING_MODEL: MODEL,
    });
    const run = await terminal.record("embed", "--quick");
    const ids = run.measures.map(({ id }) => id);
    for (const id of ["small-1", "medium-8", "large-32", "large-latency", "kept", "load", "first"]) {
      assert.ok(ids.includes(`embed/${MODEL}:int8/${id}`), `${id}: ${JSON.stringify(run.skipped)}`);
    }
    assert.ok(
      ["small-latency", "cached", "again", "fused", "apart", "dims-128"].every((id) => ids.includes(`embed/${id}`)),
    );
  });

  it("says what a month costs, and what it does not know of", async (test) => {
    const terminal = new Terminal(test, { CAIRN_PRICES: "ours=1/3,our-embedder=0.5" });
    const { out } = await terminal.run("cost");
    assert.match(out, /^Answers: 8,750,000 \+ 1,250,000 tokens a month, 7 of 8 read\n/);
    assert.match(out, /\$12\.50 {2}ours, your price\n/);
    assert.match(out, /\$5\.50 {2}openai gpt-4\.1-mini, price of 2026-08-05\n/);
    assert.match(out, /\$5\.00 {2}our-embedder, your price\n/);
    const machine = ["--watts", "100", "--hours", "100", "--kwh", "0.3", "--purchase", "1200", "--months", "24"];
    const report = JSON.parse((await terminal.run("cost", "--tokens", "2M", ...machine, "--json")).out);
    assert.deepEqual([report.embeddingTokens, report.hardware], [2_000_000, { power: 3, purchase: 50 }]);
    for (const [args, message] of [
      [["--tokens", "many"], /--tokens must be a number of tokens a month, not "many"/],
      [["--watts", "60"], /also needs --hours, --kwh, --purchase, --months/],
    ] as const) {
      const { code, errors } = await terminal.run("cost", ...args);
      assert.equal(code, 2);
      assert.match(errors, message);
    }
  });

  it("says what routing has saved, by its record", async (test) => {
    const terminal = new Terminal(test);
    mkdirSync(join(terminal.folder, "cache"), { recursive: true });
    const asked = (day: number, reason: string, tier: string, cost: number) =>
      `${JSON.stringify({ at: `2026-11-${10 + day}T00:00:00Z`, reason, tier, cost, totalMs: 900, citations: 1, removed: 0, failed: 0, finish: "complete" })}\n`;
    const routed = [0, 3, 6, 10].map((day) => asked(day, "good-enough", "weak", 0.01));
    writeFileSync(
      join(terminal.folder, "cache", "routing.jsonl"),
      [...routed, asked(10, "control", "strong", 0.04)].join(""),
    );
    const { routing } = JSON.parse((await terminal.run("cost", "--json")).out);
    assert.deepEqual([routing.routed, routing.control, routing.byWeak, routing.saved], [4, 1, 1, 0.75]);
    // Four questions in ten days, each three cents cheaper.
    assert.equal(routing.monthly.toFixed(6), "0.360000");
    const { out } = await terminal.run("cost");
    assert.match(
      out,
      /4 questions routed, 100\.0% to the weaker model, 1 kept out of it: a routed one costs 25\.0% of/,
    );
  });

  it("measures a provider only when told to, and says what it refuses", async (test) => {
    const server = await startChatServer(test);
    server.behave(says("It sends the request again [1]."));
    const terminal = new Terminal(test, { OPENAI_BASE_URL: `${server.url}/v1` });
    const asked = ["answer", "--quick", "--provider", "ollama", "--model", "tiny"];
    const run = await terminal.record(...asked);
    const measured = run.measures.map(({ id }) => id);
    for (const size of ["small", "medium", "large"]) assert.ok(measured.includes(`answer/ollama-${size}-first`), size);
    // Two rounds of each size: the three figures of a round are of one and the same answer.
    assert.equal(server.calls.length, 6);

    server.behave(refuses(402, { error: { message: "no credit left" } }));
    const refused = await terminal.record(...asked);
    assert.deepEqual(
      refused.skipped.map(({ name }) => inEnglish(name)),
      ["ollama, small prompt", "ollama, medium prompt", "ollama, large prompt"],
    );
    assert.match(inEnglish(refused.skipped[0].reason), /credit/);
  });

  it("measures an Ollama that runs here unasked, but no other server and not in a hurry", async (test) => {
    const server = await startChatServer(test);
    server.behave(says("It sends the request again [1]."));
    const terminal = new Terminal(test, { OPENAI_BASE_URL: `${server.url}/v1` });
    const measured = async (...args: string[]) =>
      (await terminal.record("answer", ...args)).measures.map(({ id }) => id);
    assert.deepEqual(await measured(), ["answer/quoted"]);
    server.ollama = "0.12.3";
    assert.deepEqual(await measured("--quick"), ["answer/quoted"]);
    assert.equal(server.calls.length, 0);
    const all = await measured();
    for (const size of ["small", "medium", "large"]) assert.ok(all.includes(`answer/ollama-${size}-first`), size);
  });

  it("compares runs, but only those that are alike, and reads back what it wrote", async (test) => {
    const terminal = new Terminal(test);
    const first = await terminal.record("search", "--quick", "--out", "../first.json");
    await terminal.record("search", "--quick");
    const { out } = await terminal.run("compare");
    assert.match(out, /^(?:No difference was found in 6 measures|Of 6 measures \d+ are better, \d+ worse)/);

    assert.equal((await terminal.run("remove", first.id)).code, 0);
    assert.equal(terminal.kept().length, 1);
    const file = join(terminal.folder, "first.json");
    const elsewhere = { ...first, machine: { ...first.machine, processor: "Abacus", cores: 1 } };
    writeFileSync(file, JSON.stringify(elsewhere));
    assert.equal((await terminal.run("import", "../first.json")).code, 0);
    const unlike = await terminal.run("compare");
    assert.match(unlike.out, /^The two cannot be compared: the processor: Abacus then, .+ now; its cores: 1 then/);
  });

  it("refuses what is no run, and a run of a later version, and goes on without a damaged one", async (test) => {
    const terminal = new Terminal(test);
    const run = await terminal.record("search", "--quick");
    const project = join(terminal.folder, "project");
    const bad: [content: string, message: RegExp][] = [
      ["not json", /is no run of the benchmark: it is not JSON/],
      [JSON.stringify({ ...run, record: 99 }), /comes from a later Cairn/],
      [JSON.stringify({ ...run, id: "../../elsewhere" }), /is no run of the benchmark: id/],
      [JSON.stringify({ ...run, measures: [{ ...run.measures[0], values: [] }] }), /measures\.0\.values/],
    ];
    for (const [content, message] of bad) {
      writeFileSync(join(project, "bad.json"), content);
      const { code, errors } = await terminal.run("import", "bad.json");
      assert.equal(code, 2);
      assert.match(errors, message);
    }
    writeFileSync(join(terminal.folder, "cache", "benchmarks", "2020-cut.json"), '{"record":1');
    const { out, errors } = await terminal.run("list");
    assert.match(out, new RegExp(`^${run.id}  search \\(quick\\)`));
    assert.match(errors, /2020-cut\.json is no run of the benchmark/);
  });

  it("that the user ends keeps what was complete", async (test) => {
    const terminal = new Terminal(test);
    await terminal.record("search", "--quick");
    const child = terminal.start("search", "embed", "--json");
    const output = text(child.stdout);
    for await (const piece of child.stderr) if (String(piece).includes("Measuring: embedding")) child.kill("SIGINT");
    await once(child, "close");
    const run: BenchRun = JSON.parse(await output);
    assert.equal(run.cancelled, true);
    assert.ok(run.measures.some(({ area }) => area === "search"));
    assert.equal(terminal.kept().length, 2);
  });

  it("does not take a word for a folder", async (test) => {
    const { code, errors } = await new Terminal(test).run("serach");
    assert.equal(code, 2);
    assert.match(errors, /nothing to measure called "serach"\.\s+Did you mean search\?/);
  });
});
