import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { bf16, put, randomNumbers, safetensors, tuned, weights } from "./delta-fixture.ts";
import { temporaryFolder } from "./open-core.ts";

const PROGRAM = fileURLToPath(new URL("../bin/cairn.mjs", import.meta.url));

const random = randomNumbers(50);
const layer = weights(random, 200, 320);
const model = (values: Float32Array) =>
  safetensors([{ name: "w", dtype: "BF16", shape: [200, 320], bytes: bf16(values) }]);

/** A base and a fine-tune in a folder, in which the program runs. */
function pair(test: TestContext) {
  const folder = temporaryFolder(test);
  put(folder, { "base.safetensors": model(layer), "fine.safetensors": model(tuned(random, layer, 0.01)) });
  return {
    folder,
    cairn: (...args: string[]) => {
      const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, HF_HUB_CACHE: join(folder, "hub") };
      const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "delta", ...args], {
        env,
        cwd: folder,
        encoding: "utf8",
      });
      return { code: status, stdout, stderr };
    },
  };
}

describe("cairn delta", () => {
  it("estimates, compresses, tells, verifies and rebuilds", (test) => {
    const { folder, cairn } = pair(test);
    assert.match(cairn("estimate", "fine.safetensors", "--base", "base.safetensors").stdout, /^7\d\.\d% saved/);
    const made = cairn("compress", "fine.safetensors", "--base", "base.safetensors", "--out", "d", "--check");
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /128\.1 kB -> .* kB, 7\d\.\d% saved[\s\S]*checked/);
    assert.match(cairn("info", "d").stdout, /base {2}base\.safetensors[\s\S]*contexts[\s\S]* w\n/);
    assert.match(cairn("verify", "d", "--base", "base.safetensors").stdout, /^ok {2}1 file, 1 tensor/);
    const back = cairn("reconstruct", "d", "--base", "base.safetensors", "--out", "again", "--threads", "1");
    assert.equal(back.code, 0, back.stderr);
    assert.equal(
      Buffer.compare(readFileSync(join(folder, "again")), readFileSync(join(folder, "fine.safetensors"))),
      0,
    );
    assert.equal(
      cairn("reconstruct", "d", "--base", "base.safetensors", "--tensor", "w", "--out", "w.safetensors").code,
      0,
    );
    assert.match(cairn("estimate", "w.safetensors", "--base", "fine.safetensors").stdout, /^9\d\.\d% saved/);
  });

  it("answers with JSON", (test) => {
    const { cairn } = pair(test);
    const json = (...args: string[]) => JSON.parse(cairn(...args, "--json").stdout);
    assert.ok(json("estimate", "fine.safetensors", "--base", "base.safetensors").saved > 0.7);
    const made = json("compress", "fine.safetensors", "--base", "base.safetensors", "--out", "d");
    assert.deepEqual([made.files, made.saved > 0.7], [1, true]);
    assert.equal(json("info", "d").tensors[0].name, "w");
    assert.deepEqual(json("verify", "d", "--base", "base.safetensors"), {
      ok: true,
      files: 1,
      tensors: 1,
      bytes: made.originalBytes,
    });
  });

  it("tells what became of a dataset's rows", (test) => {
    const { folder, cairn } = pair(test);
    const row = (id: number) => `{"id": ${id}, "text": "${"word ".repeat(id % 9)}${id * 7919}"}\n`;
    const rows = Array.from({ length: 200 }, (_, id) => row(id));
    put(folder, { "all.jsonl": rows.join(""), "some.jsonl": `${rows.slice(20).join("")}${"?".repeat(90)}\n` });
    const { rows: guessed } = JSON.parse(cairn("estimate", "some.jsonl", "--base", "all.jsonl", "--json").stdout);
    assert.deepEqual(guessed, { kept: 180, changed: 0, added: 1 });
    cairn("compress", "some.jsonl", "--base", "all.jsonl", "--out", "d");
    const { rows: stored, datasets } = JSON.parse(cairn("info", "d", "--json").stdout);
    assert.deepEqual([stored, datasets.length, datasets[0].rows], [guessed, 1, guessed]);
    assert.match(cairn("info", "d").stdout, /rows {2}180 \(99\.4%\) kept, 0 \(0\.0%\) changed, 1 \(0\.5%\) new/);
  });

  it("finds models in the Hub's cache by name and revision", (test) => {
    const { folder, cairn } = pair(test);
    put(join(folder, "hub", "models--org--base"), {
      "blobs/abc": model(layer),
      "refs/main": "c0ffee",
      "snapshots/c0ffee/README.md": "base",
    });
    symlinkSync(
      "../../blobs/abc",
      join(folder, "hub", "models--org--base", "snapshots", "c0ffee", "model.safetensors"),
    );
    for (const base of ["org/base", "org/base@main", "org/base@c0ffee"]) {
      assert.equal(cairn("compress", "fine.safetensors", "--base", base, "--out", "d", "--force").code, 0, base);
    }
    const missing = cairn("estimate", "fine.safetensors", "--base", "org/none");
    assert.deepEqual([missing.code, /no org\/none in the Hub's cache/.test(missing.stderr)], [2, true]);
  });

  it("says what is wrong and writes nothing", (test) => {
    const { folder, cairn } = pair(test);
    const wrong = (pattern: RegExp, ...args: string[]) => {
      const { code, stderr } = cairn(...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, pattern);
    };
    wrong(/What is to be done/);
    wrong(/Did you mean `cairn delta compress`/, "compres", "x");
    wrong(/Which base/, "compress", "fine.safetensors", "--out", "d");
    wrong(/Where should the result go/, "compress", "fine.safetensors", "--base", "base.safetensors");
    wrong(/There is no .*none/, "compress", "none.safetensors", "--base", "base.safetensors", "--out", "d");
    wrong(/are the same/, "estimate", "fine.safetensors", "--base", "./fine.safetensors");
    wrong(/There is no .*none\.delta/, "info", "none.delta");
    wrong(/is a folder/, "info", ".");
    wrong(/is not a delta/, "info", "fine.safetensors");
    wrong(/There is no folder/, "compress", "fine.safetensors", "--base", "base.safetensors", "--out", "no/d");
    wrong(/--threads must be/, "info", "d", "--threads", "0");
    assert.equal(cairn("compress", "fine.safetensors", "--base", "base.safetensors", "--out", "d").code, 0);
    wrong(/already there/, "compress", "fine.safetensors", "--base", "base.safetensors", "--out", "d");
    wrong(/is not the base of this delta/, "reconstruct", "d", "--base", "fine.safetensors", "--out", "o");
    assert.equal(existsSync(join(folder, "o")), false);
  });

  it("keeps deltas in a store under names", (test) => {
    const { folder, cairn } = pair(test);
    const ok = (...args: string[]) => {
      const { code, stdout, stderr } = cairn(...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    ok("compress", "fine.safetensors", "--base", "base.safetensors", "--out", "mine.delta");
    assert.match(ok("push", "mine.delta", "--store", "shelf"), /^mine {2}.* kB sent, for 128\.1 kB; SHA-256 /);
    assert.match(ok("push", "mine.delta", "--store", "shelf", "--name", "org/mine"), /^org\/mine {2}was there already/);
    assert.match(ok("list", "--store", "shelf"), / mine\n.* org\/mine\n2 names, /);
    const { sha256 } = JSON.parse(ok("pull", "org/mine", "--store", "shelf", "--out", "back.delta", "--json"));
    assert.equal(Buffer.compare(readFileSync(join(folder, "back.delta")), readFileSync(join(folder, "mine.delta"))), 0);
    assert.equal(JSON.parse(ok("list", "--store", "shelf", "--json")).names[0].sha256, sha256);
    ok("remove", "mine", "--store", "shelf");
    assert.match(ok("gc", "--store", "shelf"), /^0 deltas/);
    ok("remove", "org/mine", "--store", "shelf");
    assert.match(ok("gc", "--store", "shelf"), /^1 delta without a name removed/);
    for (const [args, why] of [
      [["push", "mine.delta"], /Which store/],
      [["pull", "mine", "--store", "shelf"], /Where should the delta go/],
      [["pull", "mine", "--store", "shelf", "--out", "o"], /has no delta mine/],
      [["remove", "mine", "--store", "shelf"], /has no delta "mine"/],
      [["list", "--store", "none"], /no store of deltas in .*none/],
      [["list", "--store", "s3://x"], /is not the address of a bucket/],
      [["push", "fine.safetensors", "--store", "shelf"], /is not a delta/],
    ] as const) {
      const { code, stderr } = cairn(...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, why);
    }
  });

  it("scans a folder for models that were made from others, replaces them, and undoes all of it", (test) => {
    const { folder, cairn } = pair(test);
    const card = "---\nlicense: mit\nbase_model: org/base\n---\n# A fine-tune\n";
    const fine = model(tuned(random, layer, 0.01));
    put(join(folder, "models"), {
      "base/model.safetensors": model(layer),
      "base/config.json": "{}",
      "mine/model.safetensors": fine,
      "mine/config.json": "{}",
      "mine/README.md": card,
      "stranger/model.safetensors": model(weights(random, 200, 320)),
      "stranger/config.json": "{}",
      "broken/model.safetensors": "nonsense",
    });
    const found = JSON.parse(cairn("scan", "models", "--json").stdout);
    assert.equal(found.models, 3);
    assert.deepEqual(
      found.proposals.map((one: { fine: string; base: string; declared: boolean }) => [
        basename(one.fine),
        basename(one.base),
        one.declared,
      ]),
      [["mine", "base", true]],
    );
    assert.match(cairn("scan", "models", "--threshold", "99").stdout, /below the threshold/);
    const made = cairn("scan", "models", "--out", "deltas", "--replace");
    assert.match(made.stdout, /original removed/, made.stderr);
    assert.equal(existsSync(join(folder, "models", "mine")), false);
    const undone = cairn("undo", "deltas");
    assert.match(undone.stdout, /1 delta undone/, undone.stderr);
    assert.equal(Buffer.compare(readFileSync(join(folder, "models", "mine", "model.safetensors")), fine), 0);
    assert.equal(readFileSync(join(folder, "models", "mine", "README.md"), "utf8"), card);
    assert.deepEqual(readdirSync(join(folder, "deltas")), []);
    // What a delta does not hold would be lost.
    put(join(folder, "models"), { "mine/.git/HEAD": "ref: refs/heads/main" });
    const kept = cairn("scan", "models", "--out", "deltas", "--replace");
    assert.doesNotMatch(kept.stdout, /original removed/, kept.stderr);
    assert.ok(existsSync(join(folder, "models", "mine", "model.safetensors")));
    assert.equal(cairn("undo", "deltas").code, 0);
    assert.equal(cairn("undo", "deltas").code, 2);
    assert.equal(cairn("scan", "--replace").code, 2);
  });

  it("scans datasets too, and one that cannot be stored does not keep the others from it", (test) => {
    const { folder, cairn } = pair(test);
    const rows = Array.from(
      { length: 900 },
      (_, id) => `{"id": ${id}, "text": "row ${(id * 7919).toString(36)}-${id}"}\n`,
    );
    put(join(folder, "data"), { "all.jsonl": rows.join(""), "some.jsonl": rows.slice(200).join("") });
    // Something else has the name that its delta would get.
    put(join(folder, "deltas", "some.jsonl.delta"), { "mine.txt": "not a delta" });
    put(join(folder, "data", "pair"), {
      "base.safetensors": model(layer),
      "fine.safetensors": model(tuned(random, layer, 0.01)),
    });
    utimesSync(join(folder, "data", "pair", "base.safetensors"), 1e9, 1e9);
    const found = JSON.parse(cairn("scan", "data", "--json").stdout);
    assert.deepEqual([found.models, found.datasets], [2, 2]);
    const { code, stdout, stderr } = cairn("scan", "data", "--out", "deltas");
    assert.equal(code, 3, stderr);
    assert.match(stdout, /some\.jsonl\n {2}from .*all\.jsonl {2}\(100(\.0)?% of its rows or cells are there\)/);
    assert.match(stdout, /some\.jsonl\.delta/);
    assert.match(stdout, /fine\.safetensors\n.*\n.* saved {2}-> /);
    assert.match(stderr, /1 delta could not be made/);
    assert.deepEqual(readdirSync(join(folder, "deltas", "some.jsonl.delta")), ["mine.txt"]);
  });

  it("goes on with each download into the Hub's cache once it is complete", async (test) => {
    const folder = temporaryFolder(test);
    const hub = join(folder, "hub");
    const base = "models--org--base/snapshots/1";
    const fine = "models--org--mine/snapshots/1";
    put(hub, { [`${base}/model.safetensors`]: model(layer), [`${base}/config.json`]: "{}" });
    const env = { ...process.env, NO_COLOR: "1", HF_HUB_CACHE: hub };
    const args = [PROGRAM, "delta", "scan", "--watch", "--out", join(folder, "deltas"), "--json"];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    test.after(() => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? "null");
    assert.deepEqual((await next()).proposals, []);
    put(hub, { "models--org--mine/blobs/ab.incomplete": "half" });
    put(hub, { [`${fine}/config.json`]: "{}", [`${fine}/README.md`]: "---\nbase_model: org/base\n---\n" });
    put(hub, { [`${fine}/model.safetensors`]: model(tuned(random, layer, 0.01)) });
    rmSync(join(hub, "models--org--mine/blobs/ab.incomplete"));
    const { models, proposals } = await next();
    assert.deepEqual([models, proposals.length, proposals[0].declared], [2, 1, true]);
    assert.ok(existsSync(join(folder, "deltas", proposals[0].done.delta)));
    child.kill("SIGINT");
    await once(child, "exit");
  });
});
