import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Host } from "../host.ts";
import type { EmbeddingEngine } from "../native/embedding-engine.ts";
import { usageRecorder } from "../usage/usage-recorder.ts";
import type { EmbeddingServer } from "./embedding-server.ts";
import { keepDims, knownDims } from "./known-dims.ts";
import { prefixesOf } from "./model-prefixes.ts";
import { RemoteEngine, type RemoteParts, ServerManner } from "./remote-engine.ts";

/** A folder that is being opened waits for no server; it is tried again. */
const OPENING = { passagesMs: 3_000 };

/** A model on a server, as one that can be chosen. */
export interface RemoteModel {
  readonly name: string;
  readonly identity: string;
  readonly dims: number;
  readonly server: EmbeddingServer;
  start(signal?: AbortSignal): Promise<EmbeddingEngine>;
}

export interface RemoteModelParts {
  readonly host: Pick<Host, "fetch" | "env">;
  readonly cacheDirectory: string;
  readonly settings: Settings;
}

/**
 * A server's model that can search. How many numbers its vectors have is remembered; before the first time the server is
 * asked for the vector of a word that is nobody's code.
 * @param known false asks the server in any case, and gives it the time to load the model
 * @throws {CairnError} what starting the engine throws
 */
export async function remoteModel(
  { host, cacheDirectory, settings }: RemoteModelParts,
  server: EmbeddingServer,
  { known = true, signal }: { known?: boolean; signal?: AbortSignal } = {},
): Promise<RemoteModel> {
  const manner = new ServerManner();
  const prefixes = prefixesOf(server.model);
  const parts: RemoteParts = { host, server, manner, prefixes, onUsed: usageRecorder(settings, cacheDirectory) };
  const asked = `${server.baseUrl} ${server.model}${server.dimensions ? `@${server.dimensions}` : ""}`;
  let dims = known ? knownDims(cacheDirectory, asked) : undefined;
  if (dims === undefined) {
    const engine = await RemoteEngine.start(known ? { ...parts, patience: OPENING } : parts, signal);
    dims = engine.dims;
    await engine.close();
    keepDims(cacheDirectory, asked, dims);
  }
  const promised = dims;
  return {
    name: server.name,
    // A later catalogue may know other words to put before a text; the vectors are others then.
    identity: [asked, promised, prefixes.query, prefixes.passage].filter(Boolean).join("/"),
    dims: promised,
    server,
    async start(within) {
      const engine = await RemoteEngine.start(parts, within);
      if (engine.dims === promised) return engine;
      await engine.close();
      keepDims(cacheDirectory, asked, engine.dims);
      throw new CairnError(
        "input",
        phrase("{0} now gives vectors of {1} numbers, not of {2}.", server.name, engine.dims, promised),
        phrase("Open the folder again to embed it anew."),
      );
    },
  };
}
