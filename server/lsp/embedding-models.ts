import type {
  CatalogChoice,
  ChoiceCosts,
  EmbeddingChoices,
  FormChoice,
  Overruled,
  PrecisionChoice,
  ServerChoice,
  WantedForm,
} from "../../shared/embedding-types.ts";
import { SETTINGS, type Settings } from "../../shared/settings.ts";
import { addModel } from "../chosen/add-model.ts";
import { formOf, wantedForm } from "../chosen/chosen-form.ts";
import { chosenModel } from "../chosen/chosen-model.ts";
import { costHere, costOf, feeOf } from "../chosen/embedding-cost.ts";
import { formChoices, type ModelToForm } from "../chosen/form-choices.ts";
import { BUNDLED, chosenName, type KeptChoice, keepChoice, keptChoice } from "../chosen/model-choice.ts";
import { hubPartsOf, precisionNamed } from "../chosen/named-model.ts";
import { noName, offeredPrecisions, precisionChoices } from "../chosen/precision-choices.ts";
import { whatToEmbed } from "../chosen/what-to-embed.ts";
import type { Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";
import type { PullProgress } from "../hub/bring-files.ts";
import { namedRepository } from "../hub/cache-layout.ts";
import { precisionsOf } from "../hub/catalog.ts";
import { modelOnDisk } from "../hub/installed.ts";
import { knownModels, modelCalled, offeredIn } from "../hub/known-models.ts";
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
    const own = new Set(parts.added.all().map(({ id }) => id));
    const models = knownModels(parts).map((model): CatalogChoice => {
      const { id, about, licence, dims } = model;
      const precisions = precisionChoices(parts, model);
      const { name, onDisk, bytes } = precisions.find((one) => one.onDisk) ?? precisions[0];
      return { id, about, licence, dims, name, onDisk, bytes, precisions, mayHaveMore: !own.has(id) };
    });
    const servers = PROVIDERS.map((provider): ServerChoice => {
      try {
        const { destination, keyName } = embeddingServer(settings, `${provider}:any`);
        return { provider, destination, hasKey: keyName === "" || Boolean(this.#host.env[keyName]) };
      } catch {
        return { provider, destination: "", hasKey: true };
      }
    });
    const form = wantedForm(settings, cacheDirectory);
    return { chosen: chosenName(settings, cacheDirectory) ?? BUNDLED, form, models, servers };
  }

  /**
   * The precisions that there are of a model. The Hub is asked for those of a repository.
   * @throws {CairnError} `input` for what names none; what asking the Hub throws
   */
  precisions(settings: Settings, named: string, signal: AbortSignal): Promise<readonly PrecisionChoice[]> {
    return offeredPrecisions(hubPartsOf(this.#host, cacheDirectoryOf(settings, this.#host.env)), named, signal);
  }

  /**
   * How the vectors of a model can be kept. One on a server is asked for the vector of a word where its dimensions are not
   * known; one of the catalogue need not be on this machine.
   * @throws {CairnError} `input` for dimensions that it was not trained for; what looking into it throws
   */
  async forms(
    settings: Settings,
    { model: named, dimensions }: { readonly model: string; readonly dimensions?: string },
    opened: readonly Workspace[],
    signal: AbortSignal,
  ): Promise<readonly FormChoice[]> {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    const model = await this.#toForm(settings, cacheDirectory, named, signal);
    const inUse = (chosenName(settings, cacheDirectory) ?? BUNDLED) === named;
    const chosen = inUse ? wantedForm(settings, cacheDirectory) : undefined;
    const statuses = await Promise.all(opened.map((workspace) => workspace.status()));
    const chunks = statuses.reduce((sum, status) => sum + status.chunks, 0);
    return formChoices(cacheDirectory, model, { chunks, dimensions, chosen });
  }

  async #toForm(settings: Settings, cacheDirectory: string, named: string, signal: AbortSignal): Promise<ModelToForm> {
    const sources = { host: this.#host, cacheDirectory, settings, signal };
    if (isServerName(named)) return remoteModel(sources, embeddingServer(settings, named), { signal });
    const parts = hubPartsOf(this.#host, cacheDirectory);
    const [id, precision] = named.split(":");
    const model = modelCalled(knownModels(parts), id);
    const here: readonly string[] = model ? modelOnDisk(parts, model).precisions : [];
    if (!model || (precision === undefined ? here.length > 0 : here.includes(precision))) {
      const { name, identity, dims, matryoshka } = await chosenModel(sources, named);
      return { name, identity, dims, matryoshka };
    }
    return { name: named, identity: undefined, dims: model.dims, matryoshka: model.matryoshka };
  }

  /**
   * Counts, once the folders are indexed, what embedding them takes; a model on this machine is measured.
   * @throws {CairnError} for a name that there is not, and what starting the engine throws
   */
  async costs(
    settings: Settings,
    { model: named, form }: { readonly model: string; readonly form?: WantedForm },
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
    const kept = { cacheDirectory, form: formOf(model, form ?? wantedForm(settings, cacheDirectory, named)) };
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
    const [id, asked] = named.split(":");
    const precision = asked === undefined ? undefined : precisionNamed(asked);
    const model = modelCalled(knownModels(parts), id);
    const options = { signal, onProgress: ({ done, total }: PullProgress) => onProgress(done, total) };
    if (model) {
      const wanted = precision ?? precisionsOf(model).reverse()[0];
      await pullModel(parts, await offeredIn(parts, model, wanted, signal), wanted, options);
      return `${model.id}:${wanted}`;
    }
    const repository = namedRepository(id);
    if (repository?.kind !== "model") throw noName(named);
    const added = await addModel({ ...parts, settings }, repository, precision, options);
    return `${added.model.id}:${added.precision}`;
  }

  /**
   * Keeps the choice. The code of the folders may be sent to a model on a server from now on: whoever asks for this has
   * said so to the user, who agreed. The server is asked whether it has the model before anything is kept.
   * @param asked without a form its vectors are kept as they were
   * @throws {CairnError} `input` for a form that its vectors cannot be kept in; what looking into the model throws
   */
  async use(
    settings: Settings,
    { model: named, form }: { readonly model: string; readonly form?: WantedForm },
    opened: readonly Workspace[],
    signal: AbortSignal,
  ): Promise<Overruled> {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    const sources = { host: this.#host, cacheDirectory, settings, signal };
    if (isServerName(named)) {
      const server = embeddingServer(settings, named);
      for (const { root } of opened) agreeToSend(cacheDirectory, server, root);
      const model = await remoteModel(sources, server, { known: false, signal });
      if (form) formOf(model, form);
    } else if (named !== BUNDLED) {
      const model = await chosenModel(sources, named);
      if (form) formOf(model, form);
    }
    keepChoice(cacheDirectory, named === BUNDLED ? undefined : toKeep(named, form, keptChoice(cacheDirectory)));
    const set = settings["embedding.model"];
    return { overruledBy: set === named ? "" : set, formOverruledBy: overruledForm(settings, form) };
  }
}

/** The form that a model was given before is its own; the usual one is not written down. */
function toKeep(model: string, form: WantedForm | undefined, before: KeptChoice): KeptChoice {
  if (!form) return before.model === model ? before : { model };
  const { vectors, dimensions } = form;
  return {
    model,
    ...(vectors !== "" && vectors !== USUAL.vectors && { vectors }),
    ...(dimensions !== "" && dimensions !== USUAL.dimensions && { dimensions }),
  };
}

function overruledForm(settings: Settings, form: WantedForm | undefined): WantedForm {
  const { "embedding.vectors": vectors, "embedding.dimensions": dimensions } = settings;
  return {
    vectors: !form || vectors === "auto" || vectors === (form.vectors || USUAL.vectors) ? "" : vectors,
    dimensions: !form || dimensions === (form.dimensions || USUAL.dimensions) ? "" : dimensions,
  };
}

const USUAL: WantedForm = { vectors: "int8", dimensions: "all" };

/** Of those who answer, the ones that speak OpenAI's protocol; they embed by the same names. */
const PROVIDERS = SETTINGS["answer.provider"].choices.filter((name) => isServerName(`${name}:any`));
