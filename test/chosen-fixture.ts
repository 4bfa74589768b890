import { join } from "node:path";
import type { TestContext } from "node:test";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { hubPartsOf } from "../server/chosen/named-model.ts";
import type { Workspace } from "../server/core-api.ts";
import type { Host } from "../server/host.ts";
import { type CatalogModel, readCatalog } from "../server/hub/catalog.ts";
import { pullModel } from "../server/hub/pull.ts";
import { nodeHost } from "../server/node-host.ts";
import type { EmbeddingStatus, IndexStatus } from "../shared/search-types.ts";
import { temporaryFolder } from "./open-core.ts";
import { commit, startHubServer } from "./servers/hub-server.ts";

/** Two models of the catalogue whose files the catalogue does not pin: here they are tiny, and their weights random. */
export const MODEL = "bge-base-en-v1.5";
export const OTHER_MODEL = "e5-base-v2";

/** A machine on which the two models were downloaded, from a Hub that is gone again when the test ends. */
export async function machineWithModels(test: TestContext): Promise<{ host: Host; cache: string; env: HostEnv }> {
  const folder = temporaryFolder(test);
  const cache = join(folder, "cairn");
  const server = await startHubServer(test);
  const env = { ...process.env, HF_ENDPOINT: server.url, HF_HOME: join(folder, "hub"), CAIRN_CACHE_DIR: cache };
  const host = nodeHost({ level: "silent", env });
  for (const { model, content } of models()) {
    server.repositories[model.repository] = { main: commit("c"), content: { [commit("c")]: content } };
    await pullModel(hubPartsOf(host, cache), model, "int8");
  }
  return { host, cache, env };
}

let made: { model: CatalogModel; content: Record<string, Uint8Array> }[] | undefined;

/** What the Hub has of the two, made once. */
function models() {
  made ??= [MODEL, OTHER_MODEL].map((id, seed) => {
    const model = readCatalog().find((one) => one.id === id);
    if (!model) throw new Error(`The catalogue has no ${id}.`);
    const bert = new TinyBert({ hidden: model.dims, layers: 1, heads: 12, inner: 64, positions: 512 }, seed + 1);
    return { model, content: bert.files() };
  });
  return made;
}

type HostEnv = Record<string, string | undefined>;

/** The status once the chosen model has what it needs, or as soon as something else holds of it. */
export function embedded(
  workspace: Workspace,
  holds: (status: EmbeddingStatus, all: IndexStatus) => boolean = ({ phase, inUse }) => phase === "ready" && inUse,
): Promise<IndexStatus> {
  return new Promise((resolve, reject) => {
    const look = (status: IndexStatus) => {
      if (!status.embedding || !holds(status.embedding, status)) return;
      listening.dispose();
      resolve(status);
    };
    const listening = workspace.onStatus(look);
    workspace.status().then(look, reject);
  });
}
