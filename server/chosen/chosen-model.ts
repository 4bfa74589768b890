import type { Host } from "../host.ts";
import type { EmbeddingEngine } from "../native/embedding-engine.ts";
import type { EmbeddingServer } from "../remote/embedding-server.ts";
import { loadableModel } from "./loadable-model.ts";
import { hubPartsOf, namedModel } from "./named-model.ts";
import { startWhereBest, type WantedDevice } from "./placed-engine.ts";

/** A model that can search, whatever runs it. */
export interface ChosenModel {
  /** As the setting names it, with its precision where it has one. */
  readonly name: string;
  /** Part of the key of its vectors: all that decides how a text becomes a vector. */
  readonly identity: string;
  readonly dims: number;
  /** Where it runs, unless that is a process of this machine. */
  readonly server?: EmbeddingServer;
  /** @throws {CairnError} `input` or `corrupt` for what is so at the next try too, `unavailable` otherwise */
  start(signal?: AbortSignal): Promise<EmbeddingEngine>;
}

/**
 * What a name stands for, as `cairn.embedding.model` takes it.
 * @param wanted where it is to run, as `cairn.embedding.device` has it
 * @throws {CairnError} `input` for a name that there is not, and for a model that is not on this machine
 */
export function chosenModel(host: Host, cacheDirectory: string, named: string, wanted: WantedDevice): ChosenModel {
  const parts = hubPartsOf(host, cacheDirectory);
  const { model, precision, name, identity } = namedModel(parts, named);
  return {
    name,
    identity,
    dims: model.dims,
    start: async (signal) => {
      const loadable = await loadableModel(parts, model, precision, signal);
      return startWhereBest(loadable, { identity, wanted, cacheDirectory, log: host.log }, signal);
    },
  };
}
