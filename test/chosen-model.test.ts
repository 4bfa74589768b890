import assert from "node:assert/strict";
import { readdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type ChosenQuery, chosenQuery } from "../server/chosen/chosen-codes.ts";
import { ChosenVectors } from "../server/chosen/chosen-vectors.ts";
import type { Host } from "../server/host.ts";
import { VectorArena } from "../server/vectors/arena.ts";
import type { EmbeddingStatus, IndexStatus } from "../shared/search-types.ts";
import { embedded, MODEL, machineWithModels, OTHER_MODEL } from "./chosen-fixture.ts";
import { type OpenedCore, openCore, temporaryFolder, writeFiles } from "./open-core.ts";
import { OtherProcess } from "./other-process.ts";
import { commit } from "./servers/hub-server.ts";

const WORDS = "read write file cache error retry loop find open close parse token line word index search".split(" ");
const QUESTION = "how is a file opened and closed";

function functionOf(i: number, first = WORDS[i % WORDS.length]): string {
  const [second, third] = [WORDS[(i * 7 + 3) % WORDS.length], WORDS[(i * 5 + 1) % WORDS.length]];
  return `/** ${first} the ${second} of a ${third} ${i} */\nexport function handle${i}() {\n  return ${i};\n}\n`;
}

/** Files of one function each, in words that the tiny models know. */
function manyFiles(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`src/part${i % 5}/file${i}.ts`, functionOf(i)]));
}

class Machine {
  readonly root: string;
  readonly cache: string;
  readonly #test: TestContext;
  readonly #host: Host;

  private constructor(test: TestContext, host: Host, cache: string) {
    this.root = temporaryFolder(test);
    this.cache = cache;
    this.#test = test;
    this.#host = host;
  }

  /** A machine with two models on it, and a folder of so many files. */
  static async with(test: TestContext, files: number): Promise<Machine> {
    const { host, cache } = await machineWithModels(test);
    const machine = new Machine(test, host, cache);
    writeFiles(machine.root, manyFiles(files));
    return machine;
  }

  otherProcess(model: string): OtherProcess {
    return new OtherProcess(this.#test, this.root, this.cache, "terminal", { model, env: this.#host.env });
  }

  open(model: string, settings: Record<string, unknown> = {}): Promise<OpenedCore> {
    const all = { "embedding.model": model, ...settings };
    return openCore(this.#test, this.root, this.cache, { host: this.#host, settings: all });
  }
}

/** What answers the question, with the scores. */
async function answer({ workspace }: OpenedCore): Promise<[path: string, score: number][]> {
  const { hits } = await workspace.search({ query: QUESTION });
  assert.ok(hits.length > 0);
  return hits.map(({ path, score }) => [path, score]);
}

async function engineOf({ workspace }: OpenedCore) {
  const { embedding } = await workspace.status();
  assert.ok(embedding);
  return embedding.engine;
}

describe("a model that the user chose", () => {
  it("searches once all its vectors are there", async (test) => {
    const machine = await Machine.with(test, 40);
    const bundled = await machine.open("");
    const before = await bundled.workspace.idle();
    assert.equal(before.embedding, undefined);
    const byBundled = await answer(bundled);
    await bundled.core.close();

    const chosen = await machine.open(MODEL);
    const after = await embedded(chosen.workspace);
    assert.deepEqual(
      [after.embedding?.model, after.embedding?.done, after.embedding?.total],
      [`${MODEL}:int8`, 40, 40],
    );
    assert.equal(after.embedded - before.embedded, 40);
    assert.equal(after.message, "");
    assert.notDeepEqual(await answer(chosen), byBundled);
    const { texts, pid, depth, tokensPerSecond } = await engineOf(chosen);
    assert.deepEqual([texts, depth], [41, 0]);
    assert.ok(pid > 0 && tokensPerSecond > 0);
  });

  it("is left in the middle of embedding and taken up again: what was made is never made again", async (test) => {
    const machine = await Machine.with(test, 300);
    const first = await machine.open(MODEL);
    await embedded(first.workspace, ({ done }) => done > 0);
    await first.core.close();

    const back = await machine.open("bundled");
    const made = (await back.workspace.idle()).embedded - 300;
    assert.ok(made > 0 && made < 300, `${made} were made`);
    const byBundled = await answer(back);
    await back.core.close();

    const again = await machine.open(MODEL);
    await embedded(again.workspace);
    assert.equal((await engineOf(again)).texts, 300 - made);
    const byChosen = await answer(again);
    await again.core.close();

    const other = await machine.open(OTHER_MODEL);
    await embedded(other.workspace);
    assert.equal((await engineOf(other)).texts, 300);
    await other.core.close();

    for (const [model, expected] of [
      ["bundled", byBundled],
      [MODEL, byChosen],
    ] as const) {
      const opened = await machine.open(model);
      const { embedding } = model === MODEL ? await embedded(opened.workspace) : await opened.workspace.idle();
      assert.equal(embedding?.engine.texts ?? 0, 0);
      assert.deepEqual(await answer(opened), expected);
      assert.equal((await opened.workspace.status()).embedded, 900);
      await opened.core.close();
    }
  });

  it("says how far it is within one large file too", async (test) => {
    const machine = await Machine.with(test, 0);
    const line = `  if (options.read) return "write the file of the cache and parse a token";\n`;
    const long = (i: number) => `export function handle${i}(options) {\n${line.repeat(10)}  return ${i};\n}\n`;
    writeFiles(machine.root, { "large.js": Array.from({ length: 300 }, (_, i) => long(i)).join("") });
    const { workspace } = await machine.open(MODEL);
    const told = new Set<number>();
    const { embedding } = await embedded(workspace, ({ phase, inUse, done }) => {
      told.add(done);
      return phase === "ready" && inUse;
    });
    const total = embedding?.total ?? 0;
    assert.ok(total >= 300 && embedding?.done === total);
    assert.ok([...told].some((done) => done > 0 && done < total));
    assert.ok(Math.max(...told) <= total);
  });

  it("loses no more than what was under way when the process that embeds is killed", async (test) => {
    const machine = await Machine.with(test, 300);
    const other = machine.otherProcess(MODEL);
    let status = await other.ask<IndexStatus>("idle");
    while (status.embedded < 364) status = await other.ask<IndexStatus>("status");
    const stored = status.embedded - 300;
    await other.kill();

    const chosen = await machine.open(MODEL);
    await embedded(chosen.workspace);
    const { texts } = await engineOf(chosen);
    assert.ok(texts <= 300 - stored, `${texts} were embedded, ${stored} were there`);
    assert.equal((await chosen.workspace.status()).embedded, 600);
  });

  it("is asked of the process that holds the folder", async (test) => {
    const machine = await Machine.with(test, 20);
    const holder = await machine.open(MODEL);
    await embedded(holder.workspace);
    const byChosen = await holder.found(QUESTION);
    const other = machine.otherProcess("");
    const { holder: holds, embedding } = await other.ask<IndexStatus>("idle");
    assert.deepEqual([holds, embedding?.inUse], [false, true]);
    assert.deepEqual(await other.ask({ find: QUESTION }), byChosen);
  });

  it("whose engine is killed in the middle of a question is replaced by the bundled one, with one notice", async (test) => {
    const machine = await Machine.with(test, 30);
    const bundled = await machine.open("");
    await bundled.workspace.idle();
    const byBundled = await answer(bundled);
    await bundled.core.close();
    const chosen = await machine.open(MODEL);
    await embedded(chosen.workspace);
    const byChosen = await answer(chosen);
    const { pid } = await engineOf(chosen);

    process.kill(pid, "SIGSTOP");
    const asked = answer(chosen);
    while ((await engineOf(chosen)).depth === 0);
    process.kill(pid, "SIGKILL");
    assert.deepEqual(await asked, byBundled);
    const { message } = await chosen.workspace.status();
    assert.match(message, /^bge-base-en-v1\.5:int8 cannot be asked: .* The model in the package searches\./);

    const after = await embedded(
      chosen.workspace,
      ({ phase, inUse, engine }) => phase === "ready" && inUse && engine.pid !== pid,
    );
    assert.equal(after.embedding?.engine.restarts, 1);
    assert.deepEqual(await answer(chosen), byChosen);
    assert.equal((await chosen.workspace.status()).message, "");
  });

  it("that is damaged while it is in use, and then ends, is not said to be started again", async (test) => {
    const machine = await Machine.with(test, 30);
    const chosen = await machine.open(MODEL);
    await embedded(chosen.workspace);
    const { pid } = await engineOf(chosen);
    process.kill(pid, "SIGSTOP");
    const asked = answer(chosen);
    while ((await engineOf(chosen)).depth === 0);
    cutWeights(machine);
    process.kill(pid, "SIGKILL");
    await asked;
    const { embedding } = await embedded(chosen.workspace, (_, { message }) =>
      /onnx\/model_quantized\.onnx of bge-base-en-v1\.5 is not what it must be.*mends it/.test(message),
    );
    assert.equal(embedding?.phase, "failed");
  });

  it("goes on serving while a changed file waits for its vector, and embeds that alone", async (test) => {
    const machine = await Machine.with(test, 40);
    const chosen = await machine.open(MODEL);
    await embedded(chosen.workspace);
    const { texts } = await engineOf(chosen);
    writeFiles(machine.root, { "src/part0/file0.ts": functionOf(0, "freshlyWritten") });
    chosen.workspace.changed([join(machine.root, "src/part0/file0.ts")]);
    await chosen.workspace.idle();
    assert.equal((await chosen.found("freshlyWritten"))[0], "src/part0/file0.ts");
    await embedded(chosen.workspace);
    assert.equal((await engineOf(chosen)).texts, texts + 2);
  });

  it("that is not on this machine, or in no catalogue, is said, and the bundled one searches", async (test) => {
    const machine = await Machine.with(test, 5);
    for (const [model, expected] of [
      [
        "CodeRankEmbed",
        /^CodeRankEmbed is not on this machine in int8\. The model in the package .*models pull CodeRank/,
      ],
      [`${MODEL}:fp32`, /^bge-base-en-v1\.5 is not on this machine in fp32\./],
      ["nobody/nothing", /^nobody\/nothing is not on this machine\. The model in the package .*models pull nobody/],
      ["nothing", /^There is no embedding model "nothing" in the catalogue\./],
    ] as const) {
      const opened = await machine.open(model);
      const { message, embedding, phase } = await opened.workspace.idle();
      assert.match(message, expected);
      assert.deepEqual([embedding, phase], [undefined, "ready"]);
      await answer(opened);
      await opened.core.close();
    }
  });

  it("whose weights were cut off is not loaded, and the bundled one searches, unless it must not", async (test) => {
    const machine = await Machine.with(test, 5);
    const indexed = await machine.open("");
    await indexed.workspace.idle();
    const byBundled = await answer(indexed);
    await indexed.core.close();
    const chosen = await machine.open(MODEL);
    await embedded(chosen.workspace);
    await chosen.core.close();
    cutWeights(machine);

    const broken = await machine.open(MODEL);
    const { message } = await embedded(broken.workspace, ({ phase }) => phase === "failed");
    assert.match(message, /onnx\/model_quantized\.onnx of bge-base-en-v1\.5 is not what it must be/);
    assert.deepEqual(await answer(broken), byBundled);
    await broken.core.close();

    const strict = await machine.open(MODEL, { "embedding.fallback.enabled": false });
    await embedded(strict.workspace, ({ phase }) => phase === "failed");
    await assert.rejects(strict.workspace.search({ query: QUESTION }), {
      kind: "unavailable",
      message: /^bge-base-en-v1\.5:int8 cannot be asked: /,
    });
  });
});

describe("the vectors of a model that the user chose", () => {
  it("are made of what is stored when they are to be smaller: nothing is embedded again", async (test) => {
    const machine = await Machine.with(test, 40);
    const whole = await machine.open(MODEL);
    const { embedding } = await embedded(whole.workspace);
    assert.deepEqual(embedding?.vectors, { kind: "int8", dims: 768, allDims: 768, memoryBytes: 772, diskBytes: 772 });
    const byWhole = await answer(whole);
    await whole.core.close();

    for (const [vectors, dimensions, kept] of [
      ["int4", "", { kind: "int4", dims: 768, allDims: 768, memoryBytes: 388, diskBytes: 388 }],
      ["auto", "128!", { kind: "int8", dims: 128, allDims: 768, memoryBytes: 132, diskBytes: 132 }],
      ["int4", "ultra-efficient!", { kind: "int4", dims: 256, allDims: 768, memoryBytes: 132, diskBytes: 132 }],
      ["binary", "all", { kind: "binary", dims: 768, allDims: 768, memoryBytes: 116, diskBytes: 772 }],
    ] as const) {
      const opened = await machine.open(MODEL, { "embedding.vectors": vectors, "embedding.dimensions": dimensions });
      const status = await embedded(opened.workspace);
      assert.deepEqual(status.embedding?.vectors, kept);
      assert.equal(status.embedding?.engine.texts, 0);
      const found = await answer(opened);
      // So few are all compared by their int8 codes, after the signs.
      if (kept.kind === "binary") assert.deepEqual(found, byWhole);
      await opened.core.close();
    }
    const back = await machine.open(MODEL);
    assert.equal((await embedded(back.workspace)).embedding?.engine.texts, 0);
    assert.deepEqual(await answer(back), byWhole);
  });

  it("are embedded again when they are to have more bits or dimensions than are stored", async (test) => {
    const machine = await Machine.with(test, 20);
    for (const [vectors, dimensions, texts] of [
      ["int4", "256!", 20],
      ["int4", "64!", 0],
      ["int4", "all", 20],
      ["int8", "64!", 20],
      ["int4", "all", 0],
    ] as const) {
      const opened = await machine.open(MODEL, { "embedding.vectors": vectors, "embedding.dimensions": dimensions });
      const status = await embedded(opened.workspace);
      assert.equal(status.embedding?.engine.texts, texts, `${vectors} of ${dimensions}`);
      await answer(opened);
      await opened.core.close();
    }
  });

  it("are calibrated once there are enough to learn from, each text embedded once, and never mixed with others", async (test) => {
    const machine = await Machine.with(test, 60);
    const open = (vectors: string) => machine.open(MODEL, { "embedding.vectors": vectors });
    const calibrated = { kind: "int8-calibrated", dims: 768, allDims: 768, memoryBytes: 776, diskBytes: 772 };
    const isCalibrated = ({ phase, inUse, vectors }: EmbeddingStatus) =>
      phase === "ready" && inUse && vectors?.kind === "int8-calibrated";

    const first = await open("int8-calibrated");
    // So few tell nothing of the model: they are kept in int8, as all are until then.
    assert.equal((await embedded(first.workspace)).embedding?.vectors?.kind, "int8");
    await answer(first);
    const files = manyFiles(120);
    writeFiles(machine.root, files);
    first.workspace.changed(Object.keys(files).map((path) => join(machine.root, path)));
    const learned = await embedded(first.workspace, isCalibrated);
    assert.deepEqual(learned.embedding?.vectors, calibrated);
    // The first 60, a question, and all of the 120: those that were learned from are not embedded twice.
    assert.equal(learned.embedding?.engine.texts, 60 + 1 + 120);
    const found = await answer(first);
    await first.core.close();

    const again = await open("int8-calibrated");
    assert.equal((await embedded(again.workspace)).embedding?.engine.texts, 0);
    assert.deepEqual(await answer(again), found);
    await again.core.close();
    const smaller = await open("int4");
    assert.equal((await embedded(smaller.workspace)).embedding?.engine.texts, 0, "they are made of calibrated ones");
    await smaller.core.close();

    const folder = join(machine.cache, "models", "calibrations");
    const [file] = readdirSync(folder);
    truncateSync(join(folder, file), 100);
    // Of the very same vectors the same would be learned again.
    writeFiles(machine.root, { "src/part0/file0.ts": functionOf(0, "another") });
    const damaged = await open("int8-calibrated");
    const status = await embedded(damaged.workspace, isCalibrated);
    assert.equal(status.embedding?.engine.texts, 120, "what was coded by a lost calibration cannot be read");
    await answer(damaged);
  });

  it("are not shortened where the model was not trained for it: that is said, and the bundled one searches", async (test) => {
    const machine = await Machine.with(test, 5);
    const opened = await machine.open(MODEL, { "embedding.dimensions": "256" });
    const { message, embedding } = await opened.workspace.idle();
    assert.match(
      message,
      /^bge-base-en-v1\.5:int8 was not trained so .* with 256 .* The model in the package searches\./,
    );
    assert.equal(embedding, undefined);
    await answer(opened);
  });

  it("are measured on the user's own code where there is enough, and what they keep is told", async (test) => {
    const machine = await Machine.with(test, 560);
    const first = await machine.open(MODEL);
    const made = (await embedded(first.workspace)).embedding?.vectors?.recall;
    await first.core.close();
    assert.deepEqual([made?.against, made?.vectors, made?.queries], ["float", 510, 50]);
    const opened = await machine.open(MODEL, { "embedding.vectors": "int4" });
    const derived = (await embedded(opened.workspace)).embedding?.vectors?.recall;
    assert.deepEqual([derived?.against, derived?.vectors, derived?.queries], ["int8", 510, 50]);
    for (const recall of [made, derived]) assert.ok(recall && recall.recall10 > 0.5 && recall.recall10 <= 1);
  });
});

describe("unsaved text under a model that the user chose", () => {
  const PATH = "src/part0/file0.ts";
  const TYPED = `${functionOf(0)}${functionOf(1_000, "error")}`;

  /** An index of 40 files by the chosen model, and what of it counts here. */
  async function opened(test: TestContext, settings = {}) {
    const machine = await Machine.with(test, 40);
    const chosen = await machine.open(MODEL, settings);
    await embedded(chosen.workspace);
    const path = join(machine.root, PATH);
    const type = async (text: string | undefined) => {
      chosen.workspace.edited(path, text);
      await chosen.workspace.idle();
    };
    return { machine, chosen, path, type };
  }

  for (const [name, settings] of [
    ["in int8", {}],
    ["by signs", { "embedding.vectors": "binary" }],
  ] as const) {
    it(`is found as it will be once it is saved, ${name}: the piece that is new is embedded, and nothing is stored`, async (test) => {
      const { machine, chosen, path, type } = await opened(test, settings);
      const before = await chosen.workspace.status();
      await type(TYPED);
      const typed = await chosen.workspace.status();
      assert.equal(typed.embedding?.engine.texts, (before.embedding?.engine.texts ?? 0) + 1);
      assert.equal(typed.embedded, before.embedded);
      const onScreen = await answer(chosen);
      assert.ok(onScreen.some(([found]) => found === PATH));

      const { texts } = await engineOf(chosen);
      writeFiles(machine.root, { [PATH]: TYPED });
      chosen.workspace.changed([path]);
      await type(undefined);
      await embedded(chosen.workspace);
      assert.deepEqual(await answer(chosen), onScreen);
      // The question, and no piece of code again.
      assert.equal((await engineOf(chosen)).texts, texts + 1);
    });
  }

  it("that is undone is found as it is on disk, and what comes back is not embedded again", async (test) => {
    const { chosen, type } = await opened(test);
    const onDisk = await answer(chosen);
    await type(TYPED);
    const onScreen = await answer(chosen);
    assert.notDeepEqual(onScreen, onDisk);
    await type(undefined);
    assert.deepEqual(await answer(chosen), onDisk);
    const { texts } = await engineOf(chosen);
    await type(TYPED);
    assert.deepEqual(await answer(chosen), onScreen);
    assert.equal((await engineOf(chosen)).texts, texts + 1);
  });

  it("is found by the bundled model while the engine is away, and by the chosen one when it is back", async (test) => {
    const { chosen, type } = await opened(test);
    await type(TYPED);
    const onScreen = await answer(chosen);
    await type(undefined);
    const { pid } = await engineOf(chosen);
    process.kill(pid, "SIGKILL");
    await type(`${functionOf(0)}${functionOf(1_000, "error")}// typed meanwhile\n`);
    assert.ok((await chosen.found("typed meanwhile")).length > 0);
    await embedded(chosen.workspace, ({ phase, inUse, engine }) => phase === "ready" && inUse && engine.pid !== pid);
    await type(TYPED);
    assert.deepEqual(await answer(chosen), onScreen);
  });
});

describe("vectors of two models", () => {
  const dims = 32;
  const vector = Float32Array.from({ length: dims }, (_, d) => (d % 3) - 1);
  const nothing = { views: [], fileCount: 0, chunkCount: 0 };

  it("are never compared: the compiler refuses it, and at run time the name of the model", () => {
    const form = { kind: "int8", dims } as const;
    const vectors = new ChosenVectors("one", form, undefined);
    const query = chosenQuery("one", form, vector);
    assert.equal(vectors.compare(nothing, query).model, "one");
    assert.throws(() => vectors.compare(nothing, chosenQuery("two", form, vector)), {
      message: "A question to two in int8@32 met vectors of one in int8@32.",
    });
    for (const other of [{ kind: "int4", dims } as const, { kind: "int8", dims: 16 } as const]) {
      assert.throws(() => vectors.compare(nothing, chosenQuery("one", other, vector)), TypeError);
    }

    const arena = VectorArena.create(dims, undefined);
    const bundled = new Int8Array(dims);
    const mixtures = {
      // @ts-expect-error: a chosen model's question, and what lies in a segment
      inSegment: () => arena.dots(0, 1, query.codes),
      // @ts-expect-error: a bundled model's question, and a chosen model's vectors
      inChosen: () => vectors.compare(nothing, bundled),
      // @ts-expect-error: the same, dressed up
      dressedUp: (): ChosenQuery => ({ space: "one in int8@32", codes: bundled }),
    };
    assert.equal(Object.keys(mixtures).length, 3);
  });
});

function cutWeights({ cache }: Machine): void {
  const snapshot = join(cache, "../hub/hub", `models--Xenova--${MODEL}`, "snapshots", commit("c"));
  truncateSync(join(snapshot, "onnx/model_quantized.onnx"), 10_000);
}
