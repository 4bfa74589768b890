import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { PullOptions } from "../server/hub/bring-files.ts";
import type { CatalogModel, Precision } from "../server/hub/catalog.ts";
import type { HubAccess } from "../server/hub/hub-access.ts";
import { KnownFiles } from "../server/hub/known-files.ts";
import { type HubParts, type PulledModel, pullModel } from "../server/hub/pull.ts";
import { nodeHost } from "../server/node-host.ts";
import { temporaryFolder } from "./open-core.ts";
import { seeded } from "./seeded.ts";
import { commit, type HubServer, startHubServer } from "./servers/hub-server.ts";

export const REPOSITORY = "acme/tiny";
export const MAIN = commit("a");

/** Bytes of no pattern, the same at each run. */
export function content(bytes: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length: bytes }, () => random(65_536) >> 8);
}

export const FILES = {
  "config.json": Buffer.from('{"hidden_size": 8}'),
  "tokenizer.json": content(3_000, 1),
  "onnx/model.onnx": content(400_000, 2),
  "onnx/model_quantized.onnx": content(100_000, 3),
};

/** A model that the catalogue could name; unpinned unless given otherwise. */
export function tinyModel(changes: Partial<CatalogModel> = {}): CatalogModel {
  return {
    id: "tiny",
    repository: REPOSITORY,
    origin: REPOSITORY,
    revision: "main",
    licence: "MIT",
    about: "For tests",
    dims: 8,
    pooling: "mean",
    maxTokens: 64,
    queryPrefix: "",
    passagePrefix: "",
    matryoshka: [],
    files: [
      { path: "config.json", bytes: 18 },
      { path: "tokenizer.json", bytes: 3_000 },
    ],
    weights: {
      fp32: { path: "onnx/model.onnx", bytes: 400_000 },
      int8: { path: "onnx/model_quantized.onnx", bytes: 100_000 },
    },
    ...changes,
  };
}

/** A machine with a Hub's cache of its own, and the Hub that it asks. */
export class Machine {
  readonly server: HubServer;
  readonly cacheFolder: string;
  readonly parts: HubParts;

  constructor(server: HubServer, folder: string, access: Partial<HubAccess> = {}) {
    this.server = server;
    this.cacheFolder = join(folder, "hub");
    this.parts = {
      host: nodeHost({ level: "silent" }),
      access: {
        endpoint: server.url,
        cacheFolder: this.cacheFolder,
        token: undefined,
        offline: false,
        silenceMs: 60_000,
        ...access,
      },
      known: new KnownFiles(join(folder, "known")),
    };
  }

  pull(model = tinyModel(), precision: Precision = "int8", options: PullOptions = {}): Promise<PulledModel> {
    const onProgress: PullOptions["onProgress"] = (progress) => {
      this.server.tellArrived(progress.done);
      options.onProgress?.(progress);
    };
    return pullModel(this.parts, model, precision, { ...options, onProgress });
  }

  /** The same machine, reached otherwise. */
  with(access: Partial<HubAccess>): Machine {
    return new Machine(this.server, dirname(this.cacheFolder), { ...this.parts.access, ...access });
  }

  /** Paths below the repository in the cache, sorted, without folders. */
  stored(): string[] {
    const folder = join(this.cacheFolder, "models--acme--tiny");
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  }

  /** Requests for content since the last time, as the first byte each asked for. */
  downloads(): { path: string; from: number; authorised: boolean }[] {
    return this.server.calls
      .splice(0)
      .filter(({ path, server }) => server === "storage" || path.includes("/resolve/"))
      .map(({ path, headers, server }) => ({
        path: `${server}: ${decodeURIComponent(path).split(/[|/]/).slice(-1)[0]}`,
        from: Number(/\d+/.exec(headers.range ?? "0")?.[0]),
        authorised: headers.authorization !== undefined,
      }));
  }
}

/** A machine without any model, and a Hub that has the tiny one. */
export async function machine(test: TestContext, access: Partial<HubAccess> = {}): Promise<Machine> {
  const server = await startHubServer(test);
  server.repositories[REPOSITORY] = { main: MAIN, content: { [MAIN]: FILES } };
  return new Machine(server, temporaryFolder(test), access);
}

/** True when the file of the snapshot has the content that the Hub has. */
export function isAsOnHub(pulled: PulledModel): boolean {
  return pulled.files.every(({ path }) =>
    readFileSync(join(pulled.folder, path)).equals(FILES[path as keyof typeof FILES]),
  );
}
