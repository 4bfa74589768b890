import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { healthOf } from "../server/health.ts";
import type { ModelHealth } from "../shared/health-types.ts";
import type { UsageEntry } from "../shared/usage-types.ts";
import { embedded, MODEL, machineWithModels } from "./chosen-fixture.ts";
import { openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { PROJECT } from "./sample-project.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

/** An answer that ended so many days ago, its first word after so many seconds. */
function answered(daysAgo: number, changes: Partial<UsageEntry> = {}): UsageEntry {
  const at = new Date(NOW - daysAgo * 24 * 60 * 60 * 1000).toISOString();
  const used = { kind: "answer", provider: "cerebras", model: "small", remote: true } as const;
  return { at, ...used, firstSeconds: 0.3, seconds: 1, outcome: "complete", ...changes };
}

async function providers(used: readonly UsageEntry[]): Promise<readonly ModelHealth[]> {
  const { models } = await healthOf([], used, NOW);
  return models.slice(1);
}

describe("health", () => {
  it("of an index is how fast it answers", async (test) => {
    const root = temporaryFolder(test);
    writeFiles(root, PROJECT);
    const { workspace } = await openCore(test, root, temporaryFolder(test));
    await workspace.idle();
    const { at, models } = await healthOf([workspace], [], NOW);
    assert.equal(at, "2026-11-20T12:00:00.000Z");
    const [{ role, name, state, medianMs = 0, p95Ms = 0, errorRate, calls }, ...others] = models;
    assert.deepEqual(
      { role, name, state, errorRate, calls },
      {
        role: "search",
        name: "index",
        state: "ready",
        errorRate: 0,
        calls: 4,
      },
    );
    assert.ok(medianMs > 0 && p95Ms >= medianMs, `${medianMs} and ${p95Ms} ms`);
    assert.deepEqual(others, []);
  });

  it("of a chosen model is that of its engine's process", async (test) => {
    const { host, cache } = await machineWithModels(test);
    const root = temporaryFolder(test);
    writeFiles(root, PROJECT);
    const { workspace } = await openCore(test, root, cache, { host, settings: { "embedding.model": MODEL } });
    const { embedding } = await embedded(workspace);
    const [, engine] = (await healthOf([workspace], [])).models;
    assert.equal(engine.name, embedding?.model);
    assert.equal(engine.state, "ready");
    assert.ok((engine.medianMs ?? 0) > 0, "its questions were timed");
    assert.ok((engine.memoryBytes ?? 0) > 10e6, `${engine.memoryBytes} bytes`);
    assert.deepEqual([engine.errorRate, engine.restarts], [0, 0]);
    assert.ok(engine.calls >= 4, `${engine.calls} calls`);
  });

  it("of a provider is what is recorded of the last seven days", async () => {
    const used = [
      answered(30, { outcome: "network" }),
      answered(6, { firstSeconds: 0.5 }),
      answered(5, { outcome: "rate-limit" }),
      answered(4, { outcome: "stopped" }),
      answered(4),
      answered(3, { firstSeconds: 0.1 }),
      answered(2, { kept: true }),
      answered(1, { provider: "extractive", model: "" }),
    ];
    assert.deepEqual(await providers(used), [
      {
        role: "answer",
        name: "cerebras small",
        state: "ready",
        medianMs: 300,
        p95Ms: 500,
        errorRate: 0.2,
        calls: 5,
      },
    ]);
  });

  it("of a provider whose last answer failed is failing, and a missing key is not its fault", async () => {
    const states = async (...outcomes: UsageEntry["outcome"][]) =>
      (await providers(outcomes.map((outcome, i) => answered(3 - i, { outcome })))).map(({ state }) => state);
    assert.deepEqual(await states("complete", "server"), ["failing"]);
    assert.deepEqual(await states("server", "complete"), ["ready"]);
    assert.deepEqual(await states("complete", "no-key"), ["ready"]);
  });
});
