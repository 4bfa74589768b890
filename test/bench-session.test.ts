import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { asPhrase, inWords } from "../shared/phrase.ts";
import { startBenchSession } from "./bench-session.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { says, startChatServer } from "./servers/chat-server.ts";

const WHOLE_SEARCH = { areas: ["search"], quick: false, providers: [], agreed: false } as const;
const QUICK_SEARCH = { ...WHOLE_SEARCH, quick: true } as const;

function begin(test: TestContext, env: Record<string, string> = {}) {
  const folder = temporaryFolder(test);
  writeFiles(join(folder, "project"), PROJECT);
  return { folder, session: startBenchSession(test, folder, env) };
}

describe("cairn bench --stdio", () => {
  it("says how far a run is, by what has changed, and answers with the whole", async (test) => {
    const { folder, session } = begin(test);
    const report = await session.request("run", { ...QUICK_SEARCH, folder: join(folder, "project") });
    const events = session.events.flatMap((event) => (event.type === "progress" ? [event.measures] : []));
    const live = new Map(events.flat().map((measure) => [measure.id, measure]));
    assert.deepEqual([...live.keys()].sort(), report.measures.map(({ id }) => id).sort());
    for (const { id, rounds, low, median, high } of report.measures) {
      assert.ok(low <= median && median <= high && rounds >= (live.get(id)?.rounds ?? 0), id);
    }
    assert.ok(session.events.some((event) => event.type === "note" && event.said.text === "searching"));
    assert.match(inWords(report.verdict), /^a name is found in /);
    // Names are put into words by whoever shows them.
    const [{ name }] = report.measures;
    assert.equal(inWords(asPhrase(name), { "A name": "Ein Name" }), "Ein Name");
    assert.deepEqual(report.run.areas, ["search"]);
    const { runs } = await session.request("list", {});
    assert.deepEqual(runs, [report.run]);
    assert.deepEqual(await session.request("report", { run: report.run.id }), report);
  });

  it("ends a run early, and keeps what was complete", async (test) => {
    const { folder, session } = begin(test);
    const whole = session.request("run", {
      ...WHOLE_SEARCH,
      areas: ["search", "embed"],
      folder: join(folder, "project"),
    });
    await session.event((event) => event.type === "progress");
    await assert.rejects(session.request("run", { ...QUICK_SEARCH }), /on its way already/);
    await session.request("cancel", {});
    const report = await whole;
    assert.equal(report.run.cancelled, true);
    assert.deepEqual(report.run.areas, ["search"]);
    assert.deepEqual((await session.request("list", {})).runs, [report.run]);
  });

  it("keeps nothing of a run that is ended before it measured", async (test) => {
    const { folder, session } = begin(test);
    const run = session.request("run", { ...WHOLE_SEARCH, folder: join(folder, "project") });
    const ended = run.then(
      (report) => inWords(report.verdict),
      (error: Error) => error.message,
    );
    await session.request("cancel", {});
    assert.match(await ended, /ended before anything was measured/i);
    assert.deepEqual((await session.request("list", {})).runs, []);
  });

  it("ends when its input does, and keeps the run that was on its way", async (test) => {
    const { folder, session } = begin(test);
    const request = session.request("run", { ...WHOLE_SEARCH, folder: join(folder, "project") });
    request.catch(() => {});
    await session.event((event) => event.type === "progress");
    session.program.stdin.end();
    await once(session.program, "close");
    assert.equal(session.program.exitCode, 0);
    const [name] = readdirSync(join(folder, "cache", "benchmarks"));
    assert.equal(JSON.parse(readFileSync(join(folder, "cache", "benchmarks", name), "utf8")).cancelled, true);
  });

  it("compares, exports, imports and removes; a damaged record is named and spoils nothing", async (test) => {
    const { folder, session } = begin(test);
    const order = { ...QUICK_SEARCH, folder: join(folder, "project") };
    const first = (await session.request("run", order)).run.id;
    const second = (await session.request("run", order)).run.id;
    const compared = await session.request("compare", { one: second, other: first });
    assert.deepEqual([compared.earlier.id, compared.later.id], [first, second]);
    assert.equal(compared.compared.length, 6);

    const json = await session.request("export", { run: first, format: "json" });
    assert.match(await session.request("export", { run: first, format: "csv" }), /^run,measure,name/);
    await session.request("remove", { run: first });
    await assert.rejects(session.request("report", { run: first }), /There is no run/);
    const file = join(folder, "first.json");
    writeFileSync(file, json.replace(/"processor": "[^"]*"/, '"processor": "Abacus"'));
    assert.equal((await session.request("import", { file })).id, first);
    const unlike = await session.request("compare", { one: first, other: second });
    assert.match(inWords(unlike.verdict), /^the two cannot be compared: the processor: Abacus then/);
    assert.deepEqual(unlike.compared, []);

    const damaged = join(folder, "cache", "benchmarks", "2020-cut.json");
    writeFileSync(damaged, '{"record":1');
    const list = await session.request("list", {});
    assert.equal(list.runs.length, 2);
    assert.deepEqual(
      list.unreadable.map(({ file }) => file),
      [damaged],
    );
    await assert.rejects(session.request("import", { file: damaged }), /is no run of the benchmark: it is not JSON/);
  });

  it("measures a provider that the settings name, and none on another machine without consent", async (test) => {
    const server = await startChatServer(test);
    server.behave(says("It sends the request again [1]."));
    const { folder, session } = begin(test);
    const order = { ...QUICK_SEARCH, areas: ["answer"], folder: join(folder, "project") } as const;
    assert.deepEqual(await session.request("providers", {}), []);

    const local = {
      settings: { answer: { provider: "ollama", openai: { baseUrl: `${server.url}/v1`, model: "tiny" } } },
    };
    const [ollama] = await session.request("providers", {}, local);
    assert.deepEqual([ollama.name, ollama.remote, ollama.agreed], ["ollama", false, true]);
    const report = await session.request("run", { ...order, providers: ["ollama"] }, local);
    assert.ok(report.measures.some(({ id }) => id === "answer/ollama-medium-first"));
    assert.equal(server.calls.length, 6);

    const settings = {
      answer: { provider: "openai", openai: { baseUrl: "https://models.invalid/v1", model: "tiny" } },
    };
    const [keyless] = await session.request("providers", {}, { settings });
    assert.deepEqual([keyless.hasKey, keyless.agreed], [false, true]);
    const remote = { settings, keys: [{ provider: "openai", apiKey: "sk-test" }] };
    const [openai] = await session.request("providers", {}, remote);
    assert.deepEqual([openai.remote, openai.hasKey, openai.agreed], [true, true, false]);
    await assert.rejects(session.request("run", { ...order, providers: ["openai"] }, remote), /Nothing was sent/);
    assert.ok(!existsSync(join(folder, "cache", "agreed-providers.json")));
  });

  it("counts costs by the prices of the settings, with a volume and a machine that are typed in", async (test) => {
    const { session } = begin(test);
    const settings = { answer: { prices: ["ours=1/3"] } };
    const costs = await session.request("costs", {}, { settings });
    assert.deepEqual([costs.basis, costs.inputTokens, costs.outputTokens], ["stated", 8_750_000, 1_250_000]);
    assert.equal(costs.answers.find(({ model }) => model === "ours")?.monthly, 12.5);
    const hardware = { watts: 100, hours: 100, pricePerKwh: 0.3, purchase: 1200, months: 24 };
    const more = await session.request("costs", { tokens: 1000, hardware }, { settings });
    assert.deepEqual([more.embeddingTokens, more.hardware], [1000, { power: 3, purchase: 50 }]);
    await assert.rejects(session.request("costs", { tokens: -1 }), /costs: tokens/);
  });

  it("refuses what is no request, and says what a request lacks", async (test) => {
    const { session } = begin(test);
    await assert.rejects(session.request("report", {} as { run: string }), /report: run: /);
    session.program.stdin.write("measure it all\n");
    await once(session.program, "close");
    assert.equal(session.program.exitCode, 2);
    assert.match(session.errors(), /is no request/);
  });
});
