import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bringCorpus } from "./corpus.ts";
import { LanguageServer } from "./language-server.ts";
import { cairn, peakMB, residentMB } from "./measured-process.ts";
import { INDEXES } from "./warm-start.ts";

/** Resident memory of the server process, everything in it: Node itself, the model, the index. */
export const memory: Benchmark = {
  name: "memory",
  about: "the server's resident memory, a minute after it indexed everything and after an ordinary start",
  async run({ quick }, note) {
    const { root } = bringCorpus(quick ? "small" : "standard");
    const cache = mkdtempSync(join(tmpdir(), "cairn-bench-"));
    const wait = quick ? 5 : 60;
    try {
      note("indexing in the server");
      const cold = await measured(cache, root, wait, `${wait} s after a cold index`);
      note("starting on that index");
      await cairn(INDEXES, ["index", root]);
      return [...cold, ...(await measured(INDEXES, root, wait, `${wait} s after a warm start`))];
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  },
};

async function measured(cache: string, root: string, wait: number, when: string): Promise<Figure[]> {
  const server = await LanguageServer.start(cache, root);
  try {
    const { chunks } = await server.ready();
    await delay(wait * 1000);
    const figures: Figure[] = [];
    const now = residentMB(server.pid);
    const peak = peakMB(server.pid);
    const name = `resident, ${chunks.toLocaleString("en-US")} chunks, ${when}`;
    if (now !== undefined) figures.push({ name, value: now, unit: "MB", target: { atMost: 250 } });
    if (peak !== undefined) figures.push({ name: "  its peak until then", value: peak, unit: "MB" });
    return figures;
  } finally {
    await server.stop();
  }
}
