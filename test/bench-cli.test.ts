import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import type { BenchRun } from "../shared/bench-types.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { refuses, says, startChatServer } from "./servers/chat-server.ts";

const PROGRAM = join(dirname(import.meta.dirname), "bin", "cairn.mjs");

class Terminal {
  readonly folder: string;
  readonly #env: Record<string, string>;

  constructor(test: TestContext, env: Record<string, string> = {}) {
    this.folder = temporaryFolder(test);
    this.#env = { ...env, CAIRN_CACHE_DIR: join(this.folder, "cache") };
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
    assert.ok(run.measures.every(({ values }) => values.length > 0 && values.every((value) => value > 0)));
    assert.deepEqual(
      run.skipped.map(({ area, name }) => `${area}: ${name}`),
      ["search: indexing from nothing", "answer: providers"],
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
      refused.skipped.map(({ name }) => name),
      ["ollama, small prompt", "ollama, medium prompt", "ollama, large prompt"],
    );
    assert.match(refused.skipped[0].reason, /credit/);
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
