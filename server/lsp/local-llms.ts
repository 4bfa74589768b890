import { CairnError } from "../../shared/errors.ts";
import type { LocalLlmChoices } from "../../shared/local-llm-types.ts";
import { phrase, type Say } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { localLlmFile } from "../answer/local-llm-choice.ts";
import { hubPartsOf } from "../chosen/named-model.ts";
import type { Host } from "../host.ts";
import type { PullProgress } from "../hub/bring-files.ts";
import { fileBytes } from "../hub/llm-catalog.ts";
import { llmNamed, llmsHere, pullLlm, useLlm } from "../local-llm/llms.ts";
import { cacheDirectoryOf } from "../opening.ts";

/** What the choice of a language model that runs here is made of, for an editor. */
export class LocalLlms {
  readonly #host: Host;
  readonly #say: Say;

  constructor(host: Host, say: Say) {
    this.#host = host;
    this.#say = say;
  }

  choices(settings: Settings): LocalLlmChoices {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    const models = llmsHere(hubPartsOf(this.#host, cacheDirectory), settings).map(({ llm, path, here }) => {
      const { id, about, licence, repository, parameters, contextTokens, weights } = llm;
      const [{ path: file }] = Object.values(weights);
      const { fit, neededBytes, why } = here;
      const facts = { id, about, licence, repository, file, parameters, contextTokens, bytes: fileBytes(llm), path };
      return { ...facts, fit, neededBytes, why: this.#say(why) };
    });
    return { chosen: localLlmFile(settings, cacheDirectory), models };
  }

  /** @throws {CairnError} `input` for a model that the list has not; what downloading throws; the signal's reason */
  async pull(
    settings: Settings,
    named: string,
    signal: AbortSignal,
    onProgress: (done: number, total: number) => void,
  ): Promise<void> {
    const llm = llmNamed(named);
    if (!llm) throw new CairnError("input", phrase('There is no language model "{0}" in the list.', named));
    const parts = hubPartsOf(this.#host, cacheDirectoryOf(settings, this.#host.env));
    await pullLlm(parts, llm, { signal, onProgress: ({ done, total }: PullProgress) => onProgress(done, total) });
  }

  /**
   * Keeps the choice: an id of the list, or the absolute path of a GGUF file.
   * @throws {CairnError} `input` for what is not on this machine or no model file
   */
  use(settings: Settings, named: string): { path: string; overruledBy: string } {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    return useLlm(hubPartsOf(this.#host, cacheDirectory), settings, cacheDirectory, named);
  }
}
