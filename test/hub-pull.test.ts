import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { PullPlan, PullProgress } from "../server/hub/bring-files.ts";
import { filesOf } from "../server/hub/catalog.ts";
import { modelOnDisk, removeModel, verifyModel } from "../server/hub/installed.ts";
import { FILES, isAsOnHub, MAIN, machine, REPOSITORY, tinyModel } from "./hub-fixture.ts";
import { seeded } from "./seeded.ts";
import {
  behaves,
  commit,
  cutsOffAfter,
  gitSha1,
  ignoresRanges,
  sendsOtherBytes,
  sendsTooMuch,
  sha256,
  stallsAfter,
} from "./servers/hub-server.ts";

const WEIGHTS = FILES["onnx/model_quantized.onnx"];
const BLOB = `blobs/${sha256(WEIGHTS)}`;

/** A model whose weights alone are to be downloaded: no other file comes between the misbehaviours of a server. */
const weightsOnly = tinyModel({ files: [] });

/** The same with the SHA-256 of the weights, as the catalogue has it. */
const pinned = tinyModel({
  files: [],
  revision: MAIN,
  weights: { int8: { path: "onnx/model_quantized.onnx", bytes: 100_000, sha256: sha256(WEIGHTS) } },
});

describe("a model from the Hub", () => {
  it("lies in the cache as Python's tools lay it out", async (test) => {
    const tiny = await machine(test);
    const pulled = await tiny.pull();
    assert.deepEqual(
      tiny.stored(),
      [
        `blobs/${gitSha1(FILES["config.json"])}`,
        `blobs/${sha256(FILES["tokenizer.json"])}`,
        BLOB,
        "refs/main",
        `snapshots/${MAIN}/config.json`,
        `snapshots/${MAIN}/onnx/model_quantized.onnx`,
        `snapshots/${MAIN}/tokenizer.json`,
      ].sort(),
    );
    assert.equal(readFileSync(join(tiny.cacheFolder, "models--acme--tiny/refs/main"), "utf8"), MAIN);
    assert.equal(readlinkSync(join(pulled.folder, "onnx/model_quantized.onnx")), `../../../${BLOB}`);
    assert.ok(isAsOnHub(pulled));
    assert.equal(pulled.commit, MAIN);
  });

  it("is downloaded once: the second time nobody is asked, also offline", async (test) => {
    const tiny = await machine(test);
    const first = await tiny.pull();
    tiny.server.calls.length = 0;
    const second = await tiny.with({ offline: true }).pull();
    assert.deepEqual(tiny.server.calls, []);
    assert.equal(second.downloadedBytes, 0);
    assert.deepEqual(
      second.files.map(({ path, sha256: hash }) => [path, hash]),
      first.files.map(({ path, sha256: hash }) => [path, hash]),
    );
  });

  it("that is not there is not asked for offline", async (test) => {
    const tiny = await machine(test, { offline: true });
    await assert.rejects(tiny.pull(), { kind: "unavailable", message: /HF_HUB_OFFLINE/ });
    assert.deepEqual(tiny.server.calls, []);
  });

  it("that another program has downloaded is taken as it is", async (test) => {
    const tiny = await machine(test);
    const repository = join(tiny.cacheFolder, "models--acme--tiny");
    mkdirSync(join(repository, "blobs"), { recursive: true });
    writeFileSync(join(repository, BLOB), WEIGHTS);
    const plans: PullPlan[] = [];
    await tiny.pull(weightsOnly, "int8", { onPlan: (plan) => plans.push(plan) });
    // Nothing is downloaded, but the Hub's word is taken, and that is said.
    assert.deepEqual(
      plans.map(({ files, bytes, trusted }) => [files, bytes, trusted]),
      [[0, 0, ["onnx/model_quantized.onnx"]]],
    );
    const pulled = await tiny.pull();
    assert.ok(isAsOnHub(pulled));
    assert.deepEqual(
      pulled.files.filter(({ downloaded }) => !downloaded).map(({ path }) => path),
      ["onnx/model_quantized.onnx"],
    );
  });

  it("in a second precision shares what it has, at the same commit though the branch moved on", async (test) => {
    const tiny = await machine(test);
    await tiny.pull(tinyModel(), "int8");
    const later = commit("b");
    const repository = tiny.server.repositories[REPOSITORY];
    tiny.server.repositories[REPOSITORY] = { main: later, content: { ...repository.content, [later]: {} } };
    tiny.downloads();
    const pulled = await tiny.pull(tinyModel(), "fp32");
    assert.equal(pulled.commit, MAIN);
    assert.deepEqual(
      tiny.downloads().map(({ path }) => path),
      ["hub: model.onnx", "storage: model.onnx"],
    );
    assert.deepEqual(modelOnDisk(tiny.parts, tinyModel()).precisions, ["fp32", "int8"]);
  });

  it("tells what it is about to do, and how far it is", async (test) => {
    const tiny = await machine(test);
    const plans: PullPlan[] = [];
    const told: PullProgress[] = [];
    await tiny.pull(tinyModel(), "int8", { onPlan: (plan) => plans.push(plan), onProgress: (now) => told.push(now) });
    const total = filesOf(tinyModel(), "int8").reduce((sum, { bytes }) => sum + bytes, 0);
    const trusted = ["config.json", "tokenizer.json", "onnx/model_quantized.onnx"];
    assert.deepEqual(plans, [{ endpoint: tiny.server.url, commit: MAIN, files: 3, bytes: total, trusted }]);
    assert.ok(told.every(({ done, total: all }) => done <= all && all === total));
    assert.equal(told.at(-1)?.done, total);
  });

  it("under a name that it no longer has is found under the new one", async (test) => {
    const tiny = await machine(test);
    tiny.server.renamed["old/name"] = REPOSITORY;
    assert.ok(isAsOnHub(await tiny.pull(tinyModel({ repository: "old/name" }))));
  });

  it("in a precision that it does not come in is refused", async (test) => {
    const tiny = await machine(test);
    await assert.rejects(tiny.pull(tinyModel(), "fp16"), { kind: "input", message: /not offered in fp16/ });
  });
});

describe("a connection that breaks", () => {
  it("is taken up where it broke, again and again", async (test) => {
    const tiny = await machine(test);
    const cuts = [1, 30_000, 0, 17, 40_001];
    tiny.server.misbehave(...cuts.map(cutsOffAfter));
    assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
    const starts = tiny.downloads().filter(({ path }) => path.startsWith("storage"));
    assert.deepEqual(
      starts.map(({ from }) => from),
      [0, 1, 30_001, 30_001, 30_018, 70_019],
    );
  });

  it("is given up when it says nothing more, and taken up where it stopped", async (test) => {
    const tiny = await machine(test, { silenceMs: 500 });
    tiny.server.misbehave(stallsAfter(50_000));
    assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
    assert.deepEqual(
      tiny.downloads().flatMap(({ path, from }) => (path.startsWith("storage") ? [from] : [])),
      [0, 50_000],
    );
  });

  it("at any byte does no harm", async (test) => {
    const tiny = await machine(test);
    const random = seeded(7);
    tiny.server.misbehave(...Array.from({ length: 40 }, () => cutsOffAfter(random(5_000))));
    assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
  });

  it("for good ends with a message, and the next run goes on where it stopped", async (test) => {
    const tiny = await machine(test);
    tiny.server.misbehave(cutsOffAfter(60_000), ...Array.from({ length: 5 }, () => cutsOffAfter(0)));
    await assert.rejects(tiny.pull(weightsOnly), { kind: "unavailable", message: /could not be reached/ });
    assert.deepEqual(tiny.stored(), [`${BLOB}.cairn.incomplete`]);
    const pulled = await tiny.pull(weightsOnly);
    assert.ok(isAsOnHub(pulled));
    assert.deepEqual([pulled.resumedBytes, pulled.downloadedBytes], [60_000, 40_000]);
  });

  it("because the user cancels leaves what is there for the next run", async (test) => {
    const tiny = await machine(test);
    tiny.server.misbehave(stallsAfter(50_000));
    const user = new AbortController();
    const pulling = tiny.pull(weightsOnly, "int8", {
      signal: user.signal,
      onProgress: ({ done }) => done === 50_000 && user.abort(),
    });
    await assert.rejects(pulling, { name: "AbortError" });
    assert.deepEqual((await tiny.pull(weightsOnly)).resumedBytes, 50_000);
  });

  it("at a server without ranges begins anew", async (test) => {
    const tiny = await machine(test);
    tiny.server.misbehave(cutsOffAfter(60_000), ignoresRanges);
    assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
  });

  it("of one file stops the others, which are resumed too", async (test) => {
    const tiny = await machine(test);
    tiny.server.misbehave(...Array.from({ length: 20 }, () => cutsOffAfter(0)));
    await assert.rejects(tiny.pull(), { kind: "unavailable" });
    tiny.server.misbehave();
    assert.ok(isAsOnHub(await tiny.pull()));
  });
});

describe("what is not as it should be never gets its name", () => {
  for (const [what, ...misbehaviours] of [
    ["other bytes", sendsOtherBytes],
    ["more bytes", sendsTooMuch],
    ["other bytes after a break, and again in one piece", cutsOffAfter(60_000), sendsOtherBytes, sendsOtherBytes],
  ] as const) {
    it(`${what} are thrown away`, async (test) => {
      const tiny = await machine(test);
      tiny.server.misbehave(...misbehaviours);
      await assert.rejects(tiny.pull(weightsOnly), { kind: "output", message: /not what the Hub says it is/ });
      assert.equal(existsSync(join(tiny.cacheFolder, "models--acme--tiny", BLOB)), false);
      assert.deepEqual(modelOnDisk(tiny.parts, weightsOnly).precisions, []);
      assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
    });
  }

  it("one wrong piece of several: the file is downloaded anew", async (test) => {
    const tiny = await machine(test);
    tiny.server.misbehave(cutsOffAfter(60_000), sendsOtherBytes, behaves);
    assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
  });

  it("what an earlier run left damaged: the file is downloaded anew", async (test) => {
    const tiny = await machine(test);
    mkdirSync(join(tiny.cacheFolder, "models--acme--tiny/blobs"), { recursive: true });
    writeFileSync(join(tiny.cacheFolder, "models--acme--tiny", `${BLOB}.cairn.incomplete`), new Uint8Array(70_000));
    assert.ok(isAsOnHub(await tiny.pull(weightsOnly)));
  });

  it("another file than the catalogue knows: refused before a byte of it is asked for", async (test) => {
    const tiny = await machine(test);
    const other = { ...FILES, "onnx/model_quantized.onnx": WEIGHTS.map((byte) => byte ^ 1) };
    tiny.server.repositories[REPOSITORY] = { main: MAIN, content: { [MAIN]: other } };
    await assert.rejects(tiny.pull(pinned), { kind: "output", message: /another onnx\/model_quantized\.onnx/ });
    assert.deepEqual(tiny.downloads(), []);
  });

  it("another file than at the first download: refused, until the model is removed", async (test) => {
    const tiny = await machine(test);
    await tiny.pull(weightsOnly);
    rmSync(join(tiny.cacheFolder, "models--acme--tiny"), { recursive: true });
    const other = { ...FILES, "onnx/model_quantized.onnx": WEIGHTS.map((byte) => byte ^ 1) };
    tiny.server.repositories[REPOSITORY] = { main: MAIN, content: { [MAIN]: other } };
    await assert.rejects(tiny.pull(weightsOnly), { kind: "output", message: /another/ });
    await removeModel(tiny.parts, weightsOnly);
    assert.equal((await tiny.pull(weightsOnly)).files[0].sha256, sha256(other["onnx/model_quantized.onnx"]));
  });

  for (const [what, damage] of [
    ["cut off", (path: string) => truncateSync(path, 99_000)],
    [
      "altered",
      (path: string) =>
        writeFileSync(
          path,
          WEIGHTS.map((byte, i) => (i === 500 ? byte ^ 1 : byte)),
        ),
    ],
    ["replaced", (path: string) => writeFileSync(path, FILES["onnx/model.onnx"])],
    ["deleted", (path: string) => rmSync(path)],
  ] as const) {
    it(`a file that was ${what} on disk is found, and mended by the next pull`, async (test) => {
      const tiny = await machine(test);
      await tiny.pull(pinned);
      damage(join(tiny.cacheFolder, "models--acme--tiny", BLOB));
      const [{ state }] = await verifyModel(tiny.parts, pinned, "int8");
      assert.equal(state, what === "deleted" ? "missing" : "altered");
      assert.ok(isAsOnHub(await tiny.pull(pinned)));
      assert.equal((await verifyModel(tiny.parts, pinned, "int8"))[0].state, "whole");
    });
  }
});
