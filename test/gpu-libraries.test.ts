import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { Header } from "tar";
import { getLibraries, removeLibraries } from "../server/gpu/get-libraries.ts";
import { cudaRuntimesHere, gpuReport } from "../server/gpu/gpu-libraries.ts";
import { packageRegistry } from "../server/gpu/package-registry.ts";
import { LLAMA_VERSION } from "../server/native/gpu-packages.ts";
import type { Hardware } from "../server/native/hardware.ts";
import { nodeHost } from "../server/node-host.ts";
import { inWords } from "../shared/phrase.ts";
import { temporaryFolder, writeFiles } from "./open-core.ts";
import { seeded } from "./seeded.ts";
import { cutsOffAfter, type Misbehaviour, sendsOtherBytes, sendsTooMuch, stallsAfter } from "./servers/hub-server.ts";
import { startRegistryServer } from "./servers/registry-server.ts";

const NAME = "@node-llama-cpp/linux-x64-vulkan";

interface Entry {
  readonly path: string;
  readonly content?: Uint8Array | string;
  readonly linksTo?: string;
}

/** An archive as npm packs it, or as somebody would who wants to write elsewhere. */
function packed(...entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = "", linksTo }) => {
    const data = Buffer.from(content);
    const block = Buffer.alloc(512);
    const type = linksTo === undefined ? "File" : "SymbolicLink";
    new Header({ path, type, size: data.length, mode: 0o644, ...(linksTo && { linkpath: linksTo }) }).encode(block);
    return [block, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** Bytes that do not shrink. */
function noise(bytes: number): Uint8Array {
  const random = seeded(5);
  return Uint8Array.from({ length: bytes }, () => random(65_536) >> 8);
}

const ENTRY = `export const getBinsDir = () => ({ binsDir: "bins", packageVersion: ${JSON.stringify(LLAMA_VERSION)} });`;
const GOOD = packed(
  { path: "package/package.json", content: '{"type": "module"}' },
  { path: "package/dist/index.js", content: ENTRY },
  { path: "package/bins/llama-addon.node", content: noise(200_000) },
);

function libraryOf(archive: Uint8Array, changes: { readonly unpackedBytes?: number } = {}) {
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  const { length: bytes } = archive;
  const one = { name: NAME, version: LLAMA_VERSION, bytes, unpackedBytes: bytes, integrity, ...changes };
  return { name: "vulkan", packages: [one] } as const;
}

/** A machine, and a registry that has one archive. */
async function machine(test: TestContext, archive: Uint8Array = GOOD) {
  const server = await startRegistryServer(test);
  server.archives[`/${NAME}/-/linux-x64-vulkan-${LLAMA_VERSION}.tgz`] = archive;
  const cacheDirectory = temporaryFolder(test);
  const registry = await packageRegistry({ "gpuLibraries.registry": server.url }, {});
  const transfer = { host: nodeHost({ level: "silent" }), registry, cacheDirectory };
  const get = (library = libraryOf(archive), signal?: AbortSignal) =>
    getLibraries(transfer, library, { signal, onProgress: (done) => server.tellArrived(done) });
  /** What lies in the folder, but for the lock. */
  const left = () => {
    const folder = join(cacheDirectory, "gpu", LLAMA_VERSION);
    const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    return names.filter((name) => !name.startsWith("lease.db")).sort();
  };
  return { server, cacheDirectory, get, left };
}

const UNPACKED = [
  "",
  "/linux-x64-vulkan",
  "/linux-x64-vulkan/bins",
  "/linux-x64-vulkan/bins/llama-addon.node",
  "/linux-x64-vulkan/dist",
  "/linux-x64-vulkan/dist/index.js",
  "/linux-x64-vulkan/package.json",
].map((path) => `@node-llama-cpp${path}`);

describe("libraries for a graphics processor", () => {
  it("are downloaded once, unpacked, and found by the engine by their names", async (test) => {
    const { server, get, left } = await machine(test);
    const { folder, downloadedBytes } = await get();
    assert.equal(downloadedBytes, GOOD.length);
    assert.deepEqual(left(), UNPACKED);
    assert.equal((await get()).downloadedBytes, 0);
    assert.deepEqual(server.starts, [0]);
    const module = JSON.stringify(new URL("../server/native/gpu-packages.ts", import.meta.url).href);
    const script = `import { offerGpuPackages } from ${module};
      offerGpuPackages(${JSON.stringify(folder)});
      const found = await import(${JSON.stringify(NAME)});
      const missing = await import("@node-llama-cpp/linux-x64-cuda").catch(({ code }) => code);
      console.log(found.getBinsDir().packageVersion, missing);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    assert.equal(stdout.trim(), `${LLAMA_VERSION} ERR_MODULE_NOT_FOUND`);
  });

  it("go on where a connection broke, and where an earlier run was cancelled", async (test) => {
    const { server, get, left } = await machine(test);
    server.misbehave(cutsOffAfter(50_000), stallsAfter(70_000));
    const stop = new AbortController();
    const { starts } = server;
    const stalled: typeof server.tellArrived = server.tellArrived;
    server.tellArrived = (bytes) => {
      stalled(bytes);
      if (bytes >= 120_000) stop.abort();
    };
    await assert.rejects(get(libraryOf(GOOD), stop.signal), { name: "AbortError" });
    assert.equal(left().length, 1);
    const { resumedBytes, downloadedBytes } = await get();
    assert.equal(resumedBytes + downloadedBytes, GOOD.length);
    assert.deepEqual(starts, [0, 50_000, resumedBytes]);
    assert.equal(resumedBytes, 120_000);
    assert.deepEqual(left(), UNPACKED);
  });

  const wrong: readonly [string, readonly Misbehaviour[], string][] = [
    ["other bytes", [sendsOtherBytes], "output"],
    ["more than there is", [sendsTooMuch], "output"],
    [
      "an archive that ends too early, again and again",
      Array.from({ length: 9 }, () => cutsOffAfter(0)),
      "unavailable",
    ],
  ];
  for (const [what, misbehaviours, kind] of wrong) {
    it(`are not unpacked from ${what}`, async (test) => {
      const { server, get, left } = await machine(test);
      server.misbehave(...misbehaviours);
      await assert.rejects(get(), { kind });
      assert.deepEqual(
        left().filter((name) => !name.endsWith(".incomplete")),
        [],
      );
      server.misbehave();
      await get().catch(() => get());
      assert.deepEqual(left(), UNPACKED);
    });
  }

  const hostile: readonly Entry[] = [
    { path: "package/../../outside", content: "x" },
    { path: "package/..\\..\\outside", content: "x" },
    { path: "/outside", content: "x" },
    { path: "C:/outside", content: "x" },
    { path: "package/link", linksTo: "../../.." },
  ];
  for (const entry of hostile) {
    it(`are not unpacked with ${entry.path} in them`, async (test) => {
      const archive = packed({ path: "package/package.json", content: "{}" }, entry);
      const { get, left } = await machine(test, archive);
      await assert.rejects(get(), { kind: "output", message: /holds what must not be unpacked/ });
      assert.deepEqual(
        left().filter((name) => !name.endsWith(".incomplete") && name !== "@node-llama-cpp"),
        [],
      );
    });
  }

  it("are not begun where the disk has no room for them", async (test) => {
    const { server, get } = await machine(test);
    const message = /MB are needed to download and unpack it, and .* has .* MB free/;
    await assert.rejects(get(libraryOf(GOOD, { unpackedBytes: 1e16 })), { kind: "unavailable", message });
    assert.deepEqual(server.starts, []);
  });

  it("are said to be missing where the registry lacks them", async (test) => {
    const { server, get } = await machine(test);
    for (const path of Object.keys(server.archives)) delete server.archives[path];
    await assert.rejects(get(), { kind: "provider", message: /does not give linux-x64-vulkan-.*\.tgz \(404\)/ });
  });

  it("are removed with what earlier versions and downloads left", async (test) => {
    const { cacheDirectory, get } = await machine(test);
    writeFiles(cacheDirectory, { "gpu/0.0.1/@node-llama-cpp/linux-x64-cuda/package.json": "{}" });
    await get();
    assert.equal(existsSync(join(cacheDirectory, "gpu/0.0.1")), false);
    assert.ok(removeLibraries(cacheDirectory) > 200_000);
    assert.equal(existsSync(join(cacheDirectory, "gpu")), false);
    assert.equal(removeLibraries(cacheDirectory), 0);
  });
});

describe("the package registry", () => {
  const none = { "gpuLibraries.registry": "" };

  it("is what the setting says, else npm's variable, else what npm says", async (test) => {
    const folder = temporaryFolder(test);
    writeFiles(folder, { npmrc: "registry=http://127.0.0.1:7/mirror/\n" });
    const env = { ...process.env, npm_config_registry: "http://127.0.0.1:8/" };
    assert.equal(await packageRegistry({ "gpuLibraries.registry": "http://127.0.0.1:9" }, env), "http://127.0.0.1:9");
    assert.equal(await packageRegistry(none, env), "http://127.0.0.1:8");
    const asked = { ...process.env, npm_config_registry: undefined, npm_config_userconfig: join(folder, "npmrc") };
    assert.equal(await packageRegistry(none, asked), "http://127.0.0.1:7/mirror");
  });

  it("is to be named where nobody knows it", async (test) => {
    await assert.rejects(packageRegistry(none, { PATH: temporaryFolder(test) }), {
      kind: "input",
      hint: /Set cairn\.gpuLibraries\.registry or the environment variable npm_config_registry/,
    });
    await assert.rejects(packageRegistry({ "gpuLibraries.registry": "file:///etc" }, {}), { kind: "input" });
  });
});

describe("what a machine could get", () => {
  const LINUX: Hardware = { platform: "linux", arch: "x64", cores: 8, memoryBytes: 1e10, simd: [], graphics: [] };

  function offered(test: TestContext, changes: Partial<Hardware>, runtimes: readonly number[] = []) {
    const { libraries, best } = gpuReport(temporaryFolder(test), { ...LINUX, ...changes }, runtimes);
    return {
      best,
      libraries: libraries.map(({ packages }) => packages.map(({ name }) => name.split("/")[1]).join(" ")),
      obstacles: libraries.map(({ obstacle }) => obstacle && inWords(obstacle)),
    };
  }

  it("is llama.cpp for Vulkan, and for CUDA where NVIDIA's toolkit is installed", (test) => {
    const graphics = ["CUDA", "Vulkan"];
    assert.deepEqual(offered(test, { graphics }, [13]), {
      best: "cuda",
      libraries: ["linux-x64-cuda", "linux-x64-vulkan"],
      obstacles: [undefined, undefined],
    });
    assert.deepEqual(offered(test, { graphics }, [12]).libraries[0], "linux-x64-cuda linux-x64-cuda-ext");
    const { best, obstacles } = offered(test, { graphics });
    assert.equal(best, "vulkan");
    assert.match(obstacles[0] ?? "", /needs NVIDIA's CUDA Toolkit 13 or 12, which was not found/);
    assert.equal(offered(test, { graphics: [] }).best, undefined);
    assert.equal(offered(test, { platform: "win32", graphics: ["DirectML", "Vulkan"] }).libraries[1], "win-x64-vulkan");
  });

  it("is nothing where what comes with Cairn is all there is", (test) => {
    assert.deepEqual(offered(test, { platform: "darwin", arch: "arm64", graphics: ["Metal"] }).libraries, []);
    assert.deepEqual(offered(test, { arch: "arm64", graphics: ["Vulkan"] }).libraries, []);
  });

  it("knows CUDA's libraries by their files", (test) => {
    const root = temporaryFolder(test);
    assert.deepEqual(cudaRuntimesHere("linux", root, {}), []);
    writeFiles(root, {
      "usr/local/cuda-12.8/lib64/libcudart.so.12": "",
      "usr/local/cuda-12.8/lib64/libcublas.so.12": "",
      "tools/bin/cudart64_13.dll": "",
    });
    assert.deepEqual(cudaRuntimesHere("linux", root, {}), [12]);
    assert.deepEqual(cudaRuntimesHere("win32", root, { CUDA_PATH: join(root, "tools") }), [13]);
  });

  it("is of the version of the engine that is installed", () => {
    const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
    assert.equal(packages["node_modules/node-llama-cpp"].version, LLAMA_VERSION);
  });
});
