import type { Tier } from "../../shared/answer-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { SETTINGS, type Settings } from "../../shared/settings.ts";
import type { Host } from "../host.ts";
import { gpuPackageFolder } from "../native/gpu-packages.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { PriceTable } from "../usage/price-table.ts";
import { CEREBRAS_URL, cerebras } from "./cerebras.ts";
import { type EditorModelOptions, type EditorModels, editorModels } from "./editor-models.ts";
import { guarded } from "./guarded-provider.ts";
import { type LlamaOptions, llama } from "./llama.ts";
import type { Provider } from "./llm.ts";
import { localLlmFile } from "./local-llm-choice.ts";
import { localServer } from "./local-servers.ts";
import { openAiCompatible, PRESETS, type PresetName } from "./openai-compatible.ts";
import { isRemote } from "./provider-address.ts";
import type { ProviderOptions } from "./provider-options.ts";
import type { Deadlines } from "./watchdog.ts";

/** What was asked for at this time, above the settings. */
export interface Wish {
  readonly provider?: string;
  /** Of the first provider: a name, or the path of a model file. */
  readonly model?: string;
}

/**
 * The providers that the user has chosen, in the order in which they are asked; empty when passages are to be quoted.
 * When questions are routed, the two models come first, the strong one before the weak one.
 * Nothing is sent before one of them is opened.
 * @param editor the language models of the editor, where one is asking
 * @throws CairnError("input") for a name that there is not, or an address that is none
 */
export function chooseProviders(host: Host, settings: Settings, wish: Wish = {}, editor?: EditorModels): Provider[] {
  const first = wish.provider ?? settings["answer.provider"];
  if (known(first) === "none") return [];
  const others = settings["answer.fallback.enabled"] ? settings["answer.fallback.providers"] : [];
  const routed = wish.provider === undefined && wish.model === undefined ? routedModels(settings) : [];
  const usual = [...new Set([first, ...others])].map((name, i) => ({
    name: known(name),
    model: i === 0 ? wish.model : undefined,
  }));
  // A routed provider is not asked a third time under its own name.
  const rest = usual.filter(({ name }) => !routed.some((one) => one.name === name));
  const chosen: Chosen[] = [...routed, ...rest].filter(({ name }) => name !== "none");
  const ownUrlFor = chosen.find(({ name }) => name in PRESETS)?.name;
  const prices = new PriceTable(settings["answer.prices"]);
  return chosen.map(({ name, model: wished, tier }) => {
    const provider =
      name === "editor"
        ? editorModels(editor, editorOptions(settings, wished))
        : providerOf(host, settings, prices, { name, model: wished }, name === ownUrlFor);
    return guarded(tier ? { ...provider, tier } : provider);
  });
}

interface Chosen {
  readonly name: ProviderName;
  /** Instead of the one that is set. */
  readonly model?: string;
  readonly tier?: Tier;
}

function providerOf(
  host: Host,
  settings: Settings,
  prices: PriceTable,
  { name, model: wished }: Chosen,
  ownUrl: boolean,
): Provider {
  if (name === "cerebras") {
    const baseUrl = settings["answer.cerebras.baseUrl"] || CEREBRAS_URL;
    return cerebras(
      host,
      optionsOf(
        settings,
        baseUrl,
        wished ?? settings["answer.cerebras.model"],
        pricesAt(prices, name, baseUrl === CEREBRAS_URL),
      ),
    );
  }
  if (name === "llama" || name === "local") {
    const cacheDirectory = cacheDirectoryOf(settings, host.env);
    const file = localLlmFile(settings, cacheDirectory);
    const gpuPackages = gpuPackageFolder(cacheDirectory);
    if (name === "llama" || file) return llama(host, { ...llamaOptions(settings, name, wished ?? file), gpuPackages });
  }
  const model = wished ?? settings["answer.openai.model"];
  if (name === "local") {
    const ownPrices = pricesAt(prices, name, false);
    return localServer(host, (baseUrl) => optionsOf(settings, baseUrl, model, ownPrices));
  }
  const usualUrl = PRESETS[name as PresetName].baseUrl;
  const baseUrl = (ownUrl && settings["answer.openai.baseUrl"]) || usualUrl;
  const options = optionsOf(settings, baseUrl, model, pricesAt(prices, name, baseUrl === usualUrl));
  return openAiCompatible(name as PresetName, host, options);
}

/**
 * The two models between which questions are routed; none unless both are named.
 * @throws CairnError("input") for one without the other, or a provider that there is not
 */
export function routedModels(settings: Settings): (Chosen & { readonly tier: Tier })[] {
  const named = TIERS.flatMap((tier) => {
    const [, provider, , model] = /^([^/]*)(\/(.+))?$/.exec(settings[`answer.routing.${tier}`].trim()) ?? [];
    return provider ? [{ tier, name: known(provider), model }] : [];
  });
  if (named.length === 1 || named.some(({ name }) => name === "none")) {
    throw new CairnError(
      "input",
      phrase("Questions are routed between two models, and only one is named."),
      phrase("Set both cairn.answer.routing.strong and cairn.answer.routing.weak, or neither."),
    );
  }
  return named;
}

const TIERS: readonly Tier[] = ["strong", "weak"];

type ProviderName = "none" | "cerebras" | "llama" | "local" | "editor" | PresetName;

function known(name: string): ProviderName {
  const names: readonly string[] = SETTINGS["answer.provider"].choices;
  if (names.includes(name)) return name as ProviderName;
  throw new CairnError(
    "input",
    phrase('There is no provider "{0}".', name),
    phrase("The providers: {0}.", names.join(", ")),
  );
}

/** Windows that every model of today has. What a server on this machine was started with it does not say. */
const SAFE_CONTEXT = { remote: 8_192, local: 4_096 };

/** Tokens of input and output together, of a provider of which nothing else is known. */
export function usualContext(isRemote: boolean): number {
  return SAFE_CONTEXT[isRemote ? "remote" : "local"];
}

const PATIENCE = {
  remote: { connectMs: 10_000, firstTokenMs: 20_000, nextTokenMs: 10_000 },
  local: { connectMs: 120_000, firstTokenMs: 120_000, nextTokenMs: 30_000 },
};

function optionsOf(
  settings: Settings,
  baseUrl: string,
  model: string,
  prices: ProviderOptions["prices"],
): ProviderOptions {
  const remote = isRemote(baseUrl, "cairn.answer.openai.baseUrl (OPENAI_BASE_URL)");
  return {
    baseUrl,
    model,
    remote,
    contextTokens: settings["answer.contextTokens"] || usualContext(remote),
    deadlines: deadlinesOf(settings, PATIENCE[remote ? "remote" : "local"]),
    prices,
  };
}

function editorOptions(settings: Settings, wished = settings["answer.editor.model"]): EditorModelOptions {
  return {
    model: wished,
    contextTokens: settings["answer.contextTokens"] || usualContext(true),
    maxOutputTokens: settings["answer.maxOutputTokens"],
    // The user may be asked first, and thinks it over.
    deadlines: deadlinesOf(settings, PATIENCE.local),
  };
}

function deadlinesOf(settings: Settings, usual: Deadlines): Deadlines {
  return {
    connectMs: settings["answer.connectTimeoutMs"] || usual.connectMs,
    firstTokenMs: settings["answer.firstTokenTimeoutMs"] || usual.firstTokenMs,
    nextTokenMs: settings["answer.nextTokenTimeoutMs"] || usual.nextTokenMs,
  };
}

function llamaOptions(settings: Settings, name: string, modelPath: string): LlamaOptions {
  return {
    name,
    modelPath,
    engineFolder: settings["answer.local.engineFolder"],
    gpu: settings["answer.local.gpu"],
    threads: settings["answer.local.threads"],
    contextTokens: settings["answer.contextTokens"],
    sampling: {
      temperature: settings["answer.local.temperature"],
      topK: settings["answer.local.topK"],
      topP: settings["answer.local.topP"],
      minP: settings["answer.local.minP"],
      repeatPenalty: settings["answer.local.repeatPenalty"],
      seed: settings["answer.local.seed"],
    },
    unloadAfterMs: settings["answer.local.unloadAfterMinutes"] * 60_000,
    deadlines: deadlinesOf(settings, PATIENCE.local),
  };
}

/** What a provider publishes holds at its own address; what the user says, at every one. */
function pricesAt(prices: PriceTable, provider: string, isUsual: boolean): ProviderOptions["prices"] {
  return { get: (model) => prices.find(isUsual ? provider : "", model) };
}
