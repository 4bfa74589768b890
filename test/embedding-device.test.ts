import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { keptPlacement, startWhereBest } from "../server/chosen/placed-engine.ts";
import { devicesWorthTrying } from "../server/native/device.ts";
import { Engine } from "../server/native/engine.ts";
import type { OnnxFiles } from "../server/native/engine-model.ts";
import { hardwareHere } from "../server/native/hardware.ts";
import { KeptEngine } from "../server/native/kept-engine.ts";
import { nodeHost } from "../server/node-host.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";

const { log } = nodeHost({ level: "silent" });

function onDisk(test: TestContext): OnnxFiles {
  const folder = temporaryFolder(test);
  writeFiles(folder, new TinyBert({ hidden: 32, layers: 1, heads: 4, inner: 64, positions: 512 }).files());
  const weights = join(folder, "onnx/model_quantized.onnx");
  const prefixes = { queryPrefix: "", passagePrefix: "" };
  return { format: "onnx", name: "tiny", folder, weights, dims: 32, pooling: "mean", maxTokens: 512, ...prefixes };
}

/** The software Vulkan of Debian's Chromium: it computes what a graphics processor would, on the processor. */
function withSoftwareVulkan(test: TestContext): void {
  const before = { ...process.env };
  process.env.VK_ICD_FILENAMES = "/usr/lib/chromium/vk_swiftshader_icd.json";
  // Where its loader is, too.
  process.env.LD_LIBRARY_PATH = "/usr/lib/chromium";
  test.after(() => {
    process.env = before;
  });
}

describe("the device of a model", () => {
  it("WebGPU gives the vectors that the processor gives", async (test) => {
    withSoftwareVulkan(test);
    const model = onDisk(test);
    const texts = ["read the file", "retry", "a cache of the index, and another one"];
    const [expected, found] = await Promise.all(
      (["cpu", "webgpu"] as const).map(async (device) => {
        const engine = await Engine.start(model, { device, threads: 1 });
        test.after(() => engine.close());
        assert.equal(engine.loaded.device, device === "cpu" ? "CPU, 1 thread" : device);
        return (await engine.embed(texts, "passage")).vectors;
      }),
    );
    found.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) < 1e-4, `${value} and ${expected[i]} at ${i}`);
    });
  });

  it("one that was named is taken when it works, and what was found out is kept", async (test) => {
    withSoftwareVulkan(test);
    const cacheDirectory = temporaryFolder(test);
    const place = { identity: "tiny", wanted: "webgpu", cacheDirectory, log } as const;
    assert.equal(keptPlacement(cacheDirectory, "tiny", "webgpu"), undefined);
    const engine = await startWhereBest(onDisk(test), place);
    test.after(() => engine.close());
    const kept = keptPlacement(cacheDirectory, "tiny", "webgpu");
    assert.equal(kept?.device, "webgpu");
    assert.equal(engine.loaded.batchTokens, kept.batchTokens);
    assert.deepEqual(
      kept.trials.map(({ device, failure }) => [device, failure]),
      [
        ["cpu", undefined],
        ["webgpu", undefined],
      ],
    );
    const again = await startWhereBest(onDisk(test), place);
    test.after(() => again.close());
    assert.equal(again.loaded.device, "webgpu");
    assert.equal(again.loaded.batchTokens, kept.batchTokens);
  });

  it("the processor is used when the one that was named does not work", async (test) => {
    const cacheDirectory = temporaryFolder(test);
    const engine = await startWhereBest(onDisk(test), { identity: "tiny", wanted: "directml", cacheDirectory, log });
    test.after(() => engine.close());
    assert.match(engine.loaded.device, /^CPU, /);
    const kept = keptPlacement(cacheDirectory, "tiny", "directml");
    assert.equal(kept?.device, "cpu");
    assert.match(kept.trials[1].failure ?? "", /tiny cannot be used/);
  });

  it("one on which the engine has ended twice at work is left for the processor", async (test) => {
    withSoftwareVulkan(test);
    const place = { identity: "tiny", wanted: "webgpu", cacheDirectory: temporaryFolder(test), log } as const;
    const model = onDisk(test);
    let changed = Promise.withResolvers<void>();
    const engine = new KeptEngine(
      (signal, deaths) => startWhereBest(model, { ...place, deaths }, signal),
      () => {
        changed.resolve();
        changed = Promise.withResolvers<void>();
      },
    );
    test.after(() => engine.close());
    const devices: (string | undefined)[] = [];
    for (let pid: number | undefined; devices.length < 3; ) {
      while (!engine.isRunning || engine.pid === pid) await changed.promise;
      devices.push(engine.device?.replace(/, .*/, ""));
      assert.equal((await engine.embed(["read the file"], "passage")).vectors.length, 32);
      pid = engine.pid;
      if (devices.length < 3) process.kill(pid ?? 0, "SIGKILL");
    }
    assert.deepEqual(devices, ["webgpu", "webgpu", "CPU"]);
  });

  it("a trial that is damaged on disk is made again", async (test) => {
    const cacheDirectory = temporaryFolder(test);
    writeFiles(cacheDirectory, { "models/devices.json": '{"tiny": {"device": "abacus"}}' });
    assert.equal(keptPlacement(cacheDirectory, "tiny", "cpu"), undefined);
    const engine = await startWhereBest(onDisk(test), { identity: "tiny", wanted: "cpu", cacheDirectory, log });
    test.after(() => engine.close());
    assert.equal(keptPlacement(cacheDirectory, "tiny", "cpu")?.device, "cpu");
  });
});

describe("the hardware of a machine", () => {
  const linux = { platform: "linux", arch: "x64", env: {} } as const;

  it("is what the system says of itself", (test) => {
    const root = `${temporaryFolder(test)}/`;
    writeFiles(root, {
      "proc/cpuinfo": "processor : 0\nflags\t\t: fpu sse4_2 avx2 avx512f\n",
      "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module",
      "dev/dri/renderD128": "",
      "usr/share/vulkan/icd.d/nvidia_icd.json": "{}",
    });
    const found = hardwareHere(root, linux);
    assert.deepEqual(
      [found.simd, found.graphics],
      [
        ["AVX2", "AVX-512"],
        ["CUDA", "Vulkan"],
      ],
    );
    assert.deepEqual(devicesWorthTrying(found), ["cuda", "webgpu"]);
  });

  it("a driver that computes on the processor is none, unless it is named", (test) => {
    const root = `${temporaryFolder(test)}/`;
    writeFiles(root, { "dev/dri/renderD128": "", "usr/share/vulkan/icd.d/lvp_icd.x86_64.json": "{}" });
    assert.deepEqual(devicesWorthTrying(hardwareHere(root, linux)), []);
    const named = hardwareHere(root, { ...linux, env: { VK_ICD_FILENAMES: "/some/icd.json" } });
    assert.deepEqual(devicesWorthTrying(named), ["webgpu"]);
  });

  it("other systems have their own ways to it", (test) => {
    const root = `${temporaryFolder(test)}/`;
    const on = (platform: NodeJS.Platform, arch: NodeJS.Architecture) =>
      devicesWorthTrying(hardwareHere(root, { platform, arch, env: {} }));
    assert.deepEqual(on("darwin", "arm64"), ["coreml", "webgpu"]);
    assert.deepEqual(on("darwin", "x64"), []);
    assert.deepEqual(on("win32", "x64"), ["directml", "webgpu"]);
  });
});
