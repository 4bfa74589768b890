import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { clearCache } from "../server/cache-folder.ts";
import { PriceTable } from "../server/usage/price-table.ts";
import { readUsage } from "../server/usage/usage-record.ts";
import { recordUsage, usageRecorder } from "../server/usage/usage-recorder.ts";
import { summariseUsage } from "../server/usage/usage-summary.ts";
import { readSettings } from "../shared/read-settings.ts";
import type { UsageEntry, UsageRow } from "../shared/usage-types.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";
import { refuses, saysLikeCerebras, startChatServer } from "./servers/chat-server.ts";

const root = dirname(import.meta.dirname);
const PROGRAM = join(root, "bin", "cairn.mjs");

const ENTRY: UsageEntry = {
  at: "2026-11-05T10:00:00.000Z",
  kind: "answer",
  provider: "openai",
  model: "gpt-4o",
  remote: true,
  inputTokens: 1000,
  outputTokens: 100,
  cachedTokens: 0,
  firstSeconds: 0.5,
  seconds: 2,
  outcome: "complete",
};

describe("prices", () => {
  it("that come with Cairn say since when and by whom they are known", () => {
    const { prices } = JSON.parse(readFileSync(join(root, "models", "prices.json"), "utf8"));
    for (const { provider, model, kind, input, output, asOf, source } of prices) {
      assert.match(asOf, /^20\d\d-\d\d-\d\d$/, model);
      assert.ok(source.length > 20 && input > 0 && provider !== "", model);
      assert.equal(output > 0, kind === "answer", model);
    }
    const names = prices.map(({ provider, model }: UsageEntry) => `${provider} ${model}`);
    assert.equal(new Set(names).size, names.length, "each model once");
  });

  it("of the user stand above them; of a provider's dated version that of its model holds; others are unknown", () => {
    const table = new PriceTable(["gpt-4o=1/4", "our-embedder=0.01"]);
    assert.deepEqual([table.find("openai", "gpt-4o")?.output, table.find("azure", "gpt-4o")?.input], [4, 1]);
    assert.equal(table.find("openai", "gpt-4o-mini-2024-07-18")?.input, 0.15);
    assert.equal(table.find("ollama", "gpt-4o-mini"), undefined);
    assert.equal(table.find("openai", "no-such-model"), undefined);
    assert.ok(table.all("embedding").some(({ model, asOf }) => model === "our-embedder" && asOf === ""));
    assert.equal(table.all("answer").filter(({ model }) => model === "gpt-4o").length, 1);
    assert.throws(() => new PriceTable(["cheap"]), /"cheap" is no price/);
  });
});

describe("the record of usage", () => {
  it("comes back as it was written, by month, from any time on", (test) => {
    const cache = temporaryFolder(test);
    const october = { ...ENTRY, at: "2026-10-31T23:59:59.000Z" };
    recordUsage(cache, ENTRY);
    recordUsage(cache, october);
    assert.deepEqual(readUsage(cache), { entries: [october, ENTRY], unreadable: 0 });
    assert.deepEqual(readUsage(cache, new Date("2026-11-01")).entries, [ENTRY]);
    assert.deepEqual(readUsage(join(cache, "nothing-here")), { entries: [], unreadable: 0 });
  });

  it("loses what is older than a year when a month begins", (test) => {
    const cache = temporaryFolder(test);
    for (const at of ["2025-10-31T00:00:00.000Z", "2025-11-01T00:00:00.000Z"]) recordUsage(cache, { ...ENTRY, at });
    recordUsage(cache, ENTRY);
    assert.deepEqual(
      readUsage(cache).entries.map(({ at }) => at.slice(0, 7)),
      ["2025-11", "2026-11"],
    );
  });

  it("survives a line that was cut: what came before and what comes after is there", (test) => {
    const cache = temporaryFolder(test);
    recordUsage(cache, ENTRY);
    appendFileSync(join(cache, "usage-2026-11.jsonl"), '\n{"at":"2026-11-05T10:00:01.000Z","kind":"ans');
    recordUsage(cache, ENTRY);
    assert.deepEqual(readUsage(cache), { entries: [ENTRY, ENTRY], unreadable: 1 });
  });

  it("takes from several processes at once, and loses nothing whole when they are killed", async (test) => {
    const cache = temporaryFolder(test);
    const module = JSON.stringify(join(root, "server", "usage", "usage-recorder.ts"));
    const endless = `
      const { recordUsage } = await import(${module});
      for (let written = 0; ; written++) {
        recordUsage(process.argv[1], { ...${JSON.stringify(ENTRY)}, seconds: written, model: process.argv[2] });
        if (written === 300) process.stdout.write("300\\n");
      }`;
    const writers = ["one", "two"].map((name) =>
      spawn(process.execPath, ["--input-type=module", "-e", endless, cache, name], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    await Promise.all(writers.map(({ stdout }) => once(stdout, "data")));
    for (const writer of writers) writer.kill("SIGKILL");
    await Promise.all(
      writers.map((writer) => ((writer.exitCode ?? writer.signalCode) ? undefined : once(writer, "exit"))),
    );
    recordUsage(cache, { ...ENTRY, model: "after" });
    const { entries, unreadable } = readUsage(cache);
    assert.ok(unreadable <= writers.length, `${unreadable} lines`);
    assert.equal(entries.filter(({ model }) => model === "after").length, 1);
    for (const name of ["one", "two"]) {
      const own = entries.filter(({ model }) => model === name).map(({ seconds }) => seconds);
      assert.ok(own.length >= 300);
      assert.deepEqual(
        own.toSorted((a, b) => a - b),
        [...own.keys()],
        "none is missing, none is there twice",
      );
    }
  });

  it("is not kept when the user wants none, and names no folder of a model", (test) => {
    const cache = temporaryFolder(test);
    const { at: _, ...used } = ENTRY;
    const wanted = usageRecorder(readSettings({}).settings, cache);
    wanted?.({ ...used, model: "/home/me/models/tiny.gguf" });
    wanted?.({ ...used, model: "C:\\models\\tiny.gguf" });
    wanted?.({ ...used, model: "org/model" });
    assert.deepEqual(
      readUsage(cache).entries.map(({ model }) => model),
      ["tiny.gguf", "tiny.gguf", "org/model"],
    );
    assert.equal(usageRecorder(readSettings({ usage: { record: false } }).settings, cache), undefined);
    const file = join(cache, "no-folder");
    writeFileSync(file, "");
    assert.doesNotThrow(() => usageRecorder(readSettings({}).settings, file)?.(used));
  });

  it("goes with all other data", (test) => {
    const cache = temporaryFolder(test);
    recordUsage(cache, ENTRY);
    assert.ok(clearCache(cache, "all").freedBytes > 100);
    assert.deepEqual(readUsage(cache).entries, []);
  });
});

describe("usage, summed up", () => {
  const prices = new PriceTable(
    [],
    [
      { ...priceOf("gpt-4o"), input: 2, output: 10, cachedInput: 1 },
      { ...priceOf("plain"), input: 2, output: 10 },
    ],
  );

  it("counts tokens, money, errors and times by provider and model", () => {
    const entries = [
      { ...ENTRY, cachedTokens: 400, firstSeconds: 0.2 },
      { ...ENTRY, firstSeconds: 0.4 },
      { ...ENTRY, firstSeconds: 0.9, outcome: "length" as const },
      { ...bare(ENTRY), outcome: "timeout" as const },
      { ...bare(ENTRY), outcome: "stopped" as const },
      { ...ENTRY, model: "plain", cachedTokens: 1000 },
    ];
    const { rows, cost, unpriced } = summariseUsage({ entries, unreadable: 0 }, prices);
    const [row, plain] = rows;
    assert.deepEqual([row.answers, row.failed, row.stopped, row.errorRate], [3, 1, 1, 0.25]);
    assert.deepEqual([row.inputTokens, row.outputTokens, row.cachedTokens], [3000, 300, 400]);
    assert.deepEqual([row.firstMedian, row.firstP95, row.secondsMedian], [0.4, 0.9, 2]);
    assert.equal(row.cost, (2600 * 2 + 400 * 1 + 300 * 10) / 1e6);
    assert.equal(plain.cost, (1000 * 2 + 100 * 10) / 1e6, "without a price for them, cached tokens cost as others do");
    assert.equal(cost, (row.cost ?? 0) + (plain.cost ?? 0));
    assert.deepEqual(unpriced, []);
  });

  it("counts what kept answers saved, and counts them in nothing else", () => {
    const kept = { ...bare(ENTRY), kept: true, savedInputTokens: 500, savedOutputTokens: 50, seconds: 0.01 };
    const entries = [{ ...ENTRY, kept: false }, kept, kept, { ...kept, model: "secret" }];
    const { rows, cost, saved, lookedUp, found } = summariseUsage({ entries, unreadable: 0 }, prices);
    const [row] = rows;
    assert.deepEqual([row.answers, row.kept, row.secondsMedian, row.inputTokens], [1, 2, ENTRY.seconds, 1000]);
    assert.deepEqual(
      [row.savedInputTokens, row.savedOutputTokens, row.saved],
      [1000, 100, (1000 * 2 + 100 * 10) / 1e6],
    );
    assert.deepEqual([cost, saved, lookedUp, found], [row.cost, row.saved, 4, 3]);
  });

  it("says what it does not know instead of counting it as nothing", () => {
    const entries = [
      { ...ENTRY, model: "secret" },
      { ...bare(ENTRY), model: "plain" },
      { ...ENTRY, provider: "ollama", model: "tiny", remote: false },
    ];
    const { rows, cost, unpriced } = summariseUsage({ entries, unreadable: 0 }, prices);
    assert.deepEqual([cost, unpriced], [0, ["openai secret"]]);
    assert.deepEqual(
      rows.map((row) => [row.model, row.cost, row.uncounted]),
      [
        ["secret", undefined, 0],
        ["tiny", undefined, 0],
        ["plain", undefined, 1],
      ],
    );
  });
});

describe("cairn usage", () => {
  it("tells of each answer that `cairn ask` gave, and of none of its questions and files", async (test) => {
    const folder = temporaryFolder(test);
    writeFiles(join(folder, "project"), PROJECT);
    const server = await startChatServer(test);
    const cache = join(folder, "cache");
    const env = {
      ...process.env,
      CAIRN_CACHE_DIR: cache,
      INFERENCE_PROVIDER: "cerebras",
      CEREBRAS_BASE_URL: server.url,
      CEREBRAS_API_KEY: "key",
      CAIRN_PRICES: "llama-3.3-70b=0.5/2",
    };
    const cairn = async (...args: string[]) => {
      const child = spawn(process.execPath, [PROGRAM, ...args], {
        cwd: join(folder, "project"),
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const pieces: Buffer[] = [];
      child.stdout.on("data", (piece) => pieces.push(piece));
      await once(child, "close");
      return Buffer.concat(pieces).toString();
    };
    server.behave(saysLikeCerebras(["It is `retryRequest` [1]."]));
    await cairn("ask", "how is a request sent again?", "--yes");
    server.behave(refuses(402, { error: { message: "no credit left" } }));
    await cairn("ask", "how is a request sent again?");
    await cairn("ask", "how is a request sent again?", "--no-cache");
    const summary = JSON.parse(await cairn("usage", "--json", "--since", "2d"));
    assert.deepEqual(
      summary.rows.map(({ provider, answers, kept, failed }: UsageRow) => [provider, answers, kept, failed]),
      [
        ["cerebras", 1, 1, 1],
        ["extractive", 1, 0, 0],
      ],
    );
    assert.deepEqual([summary.lookedUp, summary.found, summary.saved], [2, 1, summary.cost]);
    assert.equal(summary.cost, (700 * 0.5 + 50 * 2) / 1e6);
    const text = await cairn("usage");
    assert.match(
      text,
      /cerebras llama-3\.3-70b .*\n {2}1 answer, 1 more from before, which saved 700 \+ 50 tokens, \$0\.0004, 1 failed \(50\.0%\)\n/,
    );
    assert.match(
      await cairn("cache"),
      / B {2}1 kept answer: 1 of 2 questions \(50\.0%\) found theirs, which saved \$0\.0004\n/,
    );
    assert.match(text, /700 \+ 50 tokens, 128 of them from the provider's cache, \$0\.0004 by your prices/);

    const written = readFileSync(join(cache, `usage-${new Date().toISOString().slice(0, 7)}.jsonl`), "utf8");
    assert.doesNotMatch(written, /request|retry|src\/|project/);
    await cairn("cache", "clear", "--all");
    assert.match(await cairn("usage"), /^Nothing is recorded/);
  });

  it("explains what it cannot read", (test) => {
    const cache = temporaryFolder(test);
    const env = { ...process.env, CAIRN_CACHE_DIR: cache };
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, "usage", "--since", "once"], { env });
    assert.equal(status, 2);
    assert.match(String(stderr), /--since must be a day or a number of days, not "once"/);
  });
});

function priceOf(model: string) {
  return { provider: "openai", model, kind: "answer", asOf: "2026-01-01", source: "a test" } as const;
}

/** Without what a provider counts. */
function bare({
  inputTokens: _,
  outputTokens: _o,
  cachedTokens: _c,
  firstSeconds: _f,
  ...entry
}: UsageEntry): UsageEntry {
  return entry;
}
