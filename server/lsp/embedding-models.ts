import type { CatalogChoice, ChoiceCosts, EmbeddingChoices, ServerChoice } from "../../shared/embedding-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { SETTINGS, type Settings } from "../../shared/settings.ts";
import { addModel } from "../chosen/add-model.ts";
import { formOf, wantedForm } from "../chosen/chosen-form.ts";
import { chosenModel } from "../chosen/chosen-model.ts";
import { costHere, costOf, feeOf } from "../chosen/embedding-cost.ts";
import { BUNDLED, chosenName, keepChoice, keptChoice } from "../chosen/model-choice.ts";
import { hubPartsOf } from "../chosen/named-model.ts";
import { whatToEmbed } from "../chosen/what-to-embed.ts";
import type { Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";
import type { PullProgress } from "../hub/bring-files.ts";
import { namedRepository } from "../hub/cache-layout.ts";
import { filesOf, type Precision, precisionsOf, readCatalog } from "../hub/catalog.ts";
import { modelOnDisk } from "../hub/installed.ts";
import { pullModel } from "../hub/pull.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { agreeToSend, maySend } from "../remote/agreed-folders.ts";
import { embeddingServer, isServerName } from "../remote/embedding-server.ts";
import { remoteModel } from "../remote/remote-model.ts";

/** What the choice of an embedding model is made of, for an editor. Nothing is sent before a request says that it may be. */
export class EmbeddingModels {
  readonly #host: Host;

  /** @param host with the keys that the editor keeps in its environment */
  constructor(host: Host) {
    this.#host = host;
  }

  choices(settings: Settings): EmbeddingChoices {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    const parts = hubPartsOf(this.#host, cacheDirectory);
    const models = [...readCatalog(), ...parts.added.all()].map((model): CatalogChoice => {
      const { id, about, licence, dims } = model;
      const here = modelOnDisk(parts, model).precisions.at(-1);
      const precision = here ?? smallest(precisionsOf(model));
      const bytes = filesOf(model, precision).reduce((sum, file) => sum + file.bytes, 0);
      return { id, about, licence, dims, name: `${id}:${precision}`, onDisk: here !== undefined, bytes };
    });
    const servers = PROVIDERS.map((provider): ServerChoice => {
      try {
        const { destination, keyName } = embeddingServer(settings, `${provider}:any`);
        return { provider, destination, hasKey: keyName === "" || Boolean(this.#host.env[keyName]) };
      } catch {
        return { provider, destination: "", hasKey: true };
      }
    });
    return { chosen: chosenName(settings, cacheDirectory) ?? BUNDLED, models, servers };
  }

  /**
   * Counts, once the folders are indexed, what embedding them takes; a model on this machine is measured.
   * @throws {CairnError} for a name that there is not, and what starting the engine throws
   */
  async costs(
    settings: Settings,
    named: string,
    opened: readonly Workspace[],
    signal: AbortSignal,
  ): Promise<ChoiceCosts> {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    await Promise.all(opened.map((workspace) => workspace.idle(signal)));
    if (isServerName(named)) {
      const server = embeddingServer(settings, named);
      const feeWith = async (workspace: Workspace) => ({
        ...(await feeOf(this.#host, server, settings, workspace)),
        agreed: maySend(cacheDirectory, server, workspace.root),
      });
      return { costs: [], fees: await Promise.all(opened.map(feeWith)) };
    }
    const [first, ...others] = opened;
    if (named === BUNDLED || first === undefined) return { costs: [], fees: [] };
    const model = await chosenModel({ host: this.#host, cacheDirectory, settings, signal }, named);
    const kept = { cacheDirectory, form: formOf(model, wantedForm(settings, cacheDirectory, named)) };
    const measured = await costHere(this.#host, model, kept, first, signal);
    const rest = others.map(async (workspace) =>
      costOf(model, kept, workspace.root, await whatToEmbed(this.#host, workspace, []), measured.textsPerSecond),
    );
    return { costs: [measured, ...(await Promise.all(rest))], fees: [] };
  }

  /**
   * Downloads a model of the catalogue, or any other of the Hub by its owner and name.
   * @returns its name, as `cairn.embedding.model` takes it
   * @throws {CairnError} `input` for what the Hub does not have in a form that can be run; what downloading throws; the
   * signal's reason
   */
  async pull(
    settings: Settings,
    named: string,
    signal: AbortSignal,
    onProgress: (done: number, total: number) => void,
  ): Promise<string> {
    const parts = hubPartsOf(this.#host, cacheDirectoryOf(settings, this.#host.env));
    const [id, precision] = named.split(":");
    const model = [...readCatalog(), ...parts.added.all()].find((one) => one.id === id);
    const options = { signal, onProgress: ({ done, total }: PullProgress) => onProgress(done, total) };
    if (model) {
      await pullModel(parts, model, precision as Precision, options);
      return named;
    }
    const repository = namedRepository(named);
    if (repository?.kind !== "model") {
      throw new CairnError(
        "input",
        phrase('"{0}" is no name of a model.', named),
        phrase("Its owner and its name, as in BAAI/bge-small-en-v1.5."),
      );
    }
    const added = await addModel({ ...parts, settings }, repository, undefined, options);
    return `${added.model.id}:${added.precision}`;
  }

  /**
   * Keeps the choice. The code of the folders may be sent to a model on a server from now on: whoever asks for this has
   * said so to the user, who agreed. The server is asked whether it has the model before anything is kept.
   * @returns what the settings or the environment say instead; empty when they say nothing
   */
  async use(settings: Settings, named: string, opened: readonly Workspace[], signal: AbortSignal): Promise<string> {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    if (isServerName(named)) {
      const server = embeddingServer(settings, named);
      for (const { root } of opened) agreeToSend(cacheDirectory, server, root);
      await remoteModel({ host: this.#host, cacheDirectory, settings }, server, { known: false, signal });
    } else if (named !== BUNDLED) await chosenModel({ host: this.#host, cacheDirectory, settings, signal }, named);
    const kept = keptChoice(cacheDirectory);
    // The form that it was given in a terminal is its own.
    const chosen = kept.model === named ? kept : { model: named };
    keepChoice(cacheDirectory, named === BUNDLED ? undefined : chosen);
    return settings["embedding.model"] === named ? "" : settings["embedding.model"];
  }
}

/** Of those who answer, the ones that speak OpenAI's protocol; they embed by the same names. */
const PROVIDERS = SETTINGS["answer.provider"].choices.filter((name) => isServerName(`${name}:any`));

function smallest(precisions: readonly Precision[]): Precision {
  return precisions.includes("int8") ? "int8" : precisions[0];
}
