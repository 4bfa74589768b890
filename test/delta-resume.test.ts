import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { reconstruct } from "../server/delta/reconstruct.ts";
import { bf16, deltaOptions, makeDelta, put, randomNumbers, safetensors, tuned, weights } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const KILLED = fileURLToPath(new URL("servers/delta-killed.ts", import.meta.url));

/** A pair of files with six tensors of 256 kB. */
function pair(test: TestContext): { folder: string; base: string; fine: string } {
  const folder = temporaryFolder(test);
  const random = randomNumbers(40);
  const layers = Array.from({ length: 6 }, () => weights(random, 128, 1000));
  const file = (change: number) =>
    safetensors(
      layers.map((layer, i) => ({
        name: `${i}`,
        dtype: "BF16",
        shape: [128, 1000],
        bytes: bf16(change ? tuned(random, layer, change) : layer),
      })),
    );
  const base = put(folder, { "base.safetensors": file(0) });
  return { folder, base, fine: put(folder, { "fine.safetensors": file(0.01) }) };
}

/** Runs a job in a process of its own that is killed once so many bytes are done. */
function killed(what: "compress" | "reconstruct", base: string, source: string, out: string, bytes: number): void {
  const { signal, stderr } = spawnSync(process.execPath, [KILLED, what, base, source, out, `${bytes}`], {
    encoding: "utf8",
  });
  assert.equal(signal, "SIGKILL", stderr);
  assert.equal(existsSync(out), false);
}

it("a compression that was killed goes on where it stopped and gives the same delta", async (test) => {
  const { folder, base, fine } = pair(test);
  const options = deltaOptions(test);
  const whole = await makeDelta(options, base, fine, join(folder, "whole"));
  const out = join(folder, "delta");
  killed("compress", base, fine, out, 800_000);
  const resumed = await makeDelta(options, base, fine, out);
  assert.ok(resumed.resumedBlocks >= 3, `${resumed.resumedBlocks}`);
  assert.equal(Buffer.compare(readFileSync(out), readFileSync(whole.path)), 0);
  assert.deepEqual(readdirSync(folder).sort(), ["base.safetensors", "delta", "fine.safetensors", "whole"]);
});

it("what a killed compression left is not trusted when it is damaged or the files have changed", async (test) => {
  const { folder, base, fine } = pair(test);
  const options = deltaOptions(test);
  const whole = readFileSync((await makeDelta(options, base, fine, join(folder, "whole"))).path);
  const out = join(folder, "delta");
  killed("compress", base, fine, out, 800_000);
  // The last block lost its end, as a power failure would have it.
  truncateSync(`${out}.incomplete`, readFileSync(`${out}.incomplete`).length - 10);
  const resumed = await makeDelta(options, base, fine, out);
  assert.ok(resumed.resumedBlocks >= 2);
  assert.equal(Buffer.compare(readFileSync(out), whole), 0);
  killed("compress", base, fine, join(folder, "other"), 800_000);
  writeFileSync(fine, readFileSync(fine));
  assert.equal((await makeDelta(options, base, fine, join(folder, "other"))).resumedBlocks, 0);
});

it("a reconstruction that was killed keeps the tensors that are right and rebuilds the rest", async (test) => {
  const { folder, base, fine } = pair(test);
  const options = deltaOptions(test);
  const made = await makeDelta(options, base, fine, join(folder, "delta"));
  const out = join(folder, "out");
  killed("reconstruct", base, made.path, out, 800_000);
  const { resumedBytes } = await reconstruct(made.delta, made.base, out, { ...options, force: false });
  assert.ok(resumedBytes >= 3 * 256_000, `${resumedBytes}`);
  assert.equal(Buffer.compare(readFileSync(out), readFileSync(fine)), 0);
  killed("reconstruct", base, made.path, join(folder, "again"), 800_000);
  const left = readFileSync(join(folder, "again.incomplete"));
  left[300_000] ^= 1;
  writeFileSync(join(folder, "again.incomplete"), left);
  const again = await reconstruct(made.delta, made.base, join(folder, "again"), { ...options, force: false });
  assert.ok(again.resumedBytes < 300_000, `${again.resumedBytes}`);
  assert.equal(Buffer.compare(readFileSync(join(folder, "again")), readFileSync(fine)), 0);
});
