import type { Settings } from "../../shared/settings.ts";
import type { Host } from "../host.ts";
import type { EmbeddingEngine } from "../native/embedding-engine.ts";
import type { EmbeddingServer } from "../remote/embedding-server.ts";
import { loadableModel } from "./loadable-model.ts";
import { localModel, modelPath } from "./local-model.ts";
import { hubPartsOf, namedModel } from "./named-model.ts";
import type { Prompts } from "./prompt-families.ts";
import { startModel } from "./start-model.ts";

/** A model that can search, whatever runs it. */
export interface ChosenModel {
  /** As the setting names it, with its precision where it has one. */
  readonly name: string;
  /** Part of the key of its vectors: all that decides how a text becomes a vector. */
  readonly identity: string;
  readonly dims: number;
  /** Shorter lengths that it was trained for; absent where nothing is known of that. */
  readonly matryoshka?: readonly number[];
  /** What is put before questions and passages, where Cairn puts anything there. */
  readonly prompts?: Prompts;
  /** Where it runs, unless that is a process of this machine. */
  readonly server?: EmbeddingServer;
  /**
   * @param deaths how often its engine has ended at work: too often, and no graphics device is used
   * @throws {CairnError} `input` or `corrupt` for what is so at the next try too, `unavailable` otherwise
   */
  start(signal?: AbortSignal, deaths?: number): Promise<EmbeddingEngine>;
}

/** Where models are looked for, and how they are run. */
export interface ModelSources {
  readonly host: Pick<Host, "fetch" | "env" | "log">;
  readonly cacheDirectory: string;
  readonly settings: Settings;
  /** Ends looking into a model. */
  readonly signal?: AbortSignal;
}

/**
 * What a name stands for, as `cairn.embedding.model` takes it: a model that was downloaded, or the path of one.
 * @throws {CairnError} `input` for a name that there is not, and for a model that is not on this machine
 */
export async function chosenModel(sources: ModelSources, named: string): Promise<ChosenModel> {
  const path = modelPath(named);
  if (path !== undefined) return localModel(sources, path);
  const parts = hubPartsOf(sources.host, sources.cacheDirectory);
  const { model, precision, name, identity } = namedModel(parts, named);
  const { dims, queryPrefix: query, passagePrefix: passage } = model;
  return {
    name,
    identity,
    dims,
    matryoshka: model.matryoshka,
    prompts: { query, passage },
    start: async (signal, deaths) => {
      const { settings } = sources;
      const loadable = await loadableModel({ ...parts, settings }, model, precision, signal);
      return startModel(loadable, { identity, deaths }, sources, signal);
    },
  };
}
