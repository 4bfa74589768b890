import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { PRESETS, type PresetName } from "../answer/openai-compatible.ts";
import { isRemote } from "../answer/provider-address.ts";
import { PriceTable } from "../usage/price-table.ts";

/** A model on a server that speaks OpenAI's protocol, and where that is. */
export interface EmbeddingServer {
  /** As `cairn.embedding.model` names it: `openai:text-embedding-3-small@512`. */
  readonly name: string;
  readonly provider: PresetName;
  readonly model: string;
  /** Numbers of a vector, as they are asked of the server; undefined for what the model gives by itself. */
  readonly dimensions: number | undefined;
  readonly baseUrl: string;
  /** The origin of its address, for people. */
  readonly destination: string;
  /** On another machine. */
  readonly remote: boolean;
  /** The environment variable of its key; empty for servers that want none. */
  readonly keyName: string;
}

const NAME = new RegExp(`^(${Object.keys(PRESETS).join("|")}):(.+?)(?:@(\\d{1,5}))?$`);

/** Whether a name is that of a model on a server, not of one on this machine. */
export function isServerName(named: string): boolean {
  return NAME.test(named.trim());
}

/**
 * The server that a name stands for.
 * @throws {CairnError} `input` for another name, and for an address that is none
 */
export function embeddingServer(settings: Settings, named: string): EmbeddingServer {
  const [, provider, model, dimensions] = NAME.exec(named.trim()) ?? [];
  if (provider === undefined || dimensions === "0") {
    throw new CairnError(
      "input",
      phrase('"{0}" is no embedding model on a server.', named),
      phrase("Write PROVIDER:MODEL or PROVIDER:MODEL@DIMENSIONS; the providers: {0}.", Object.keys(PRESETS).join(", ")),
    );
  }
  const preset = PRESETS[provider as PresetName];
  const baseUrl = settings["embedding.endpoint"] || preset.baseUrl;
  const remote = isRemote(baseUrl, "cairn.embedding.endpoint (CAIRN_EMBEDDING_ENDPOINT)");
  return {
    name: named.trim(),
    provider: provider as PresetName,
    model,
    dimensions: dimensions === undefined ? undefined : Number(dimensions),
    baseUrl,
    destination: new URL(baseUrl).origin,
    remote,
    keyName: preset.keyName,
  };
}

/** What a million tokens cost there, in US dollars; undefined when nobody has said it. A published price holds at its own address. */
export function embeddingPrice(settings: Settings, { provider, model, baseUrl }: EmbeddingServer): number | undefined {
  const isUsual = baseUrl === PRESETS[provider].baseUrl;
  return new PriceTable(settings["answer.prices"]).find(isUsual ? provider : "", model)?.input;
}
