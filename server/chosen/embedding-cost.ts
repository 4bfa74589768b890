import type { EmbeddingCost, EmbeddingFee } from "../../shared/embedding-types.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";
import { type EmbeddingServer, embeddingPrice } from "../remote/embedding-server.ts";
import { type AskedForm, codeBytes } from "../vectors/stored-form.ts";
import type { ChosenModel } from "./chosen-model.ts";
import { KeptRecalls } from "./kept-recalls.ts";
import { storedVectors } from "./stored-vectors.ts";
import { type TriedModel, tryModel } from "./try-model.ts";
import { vectorsStatus } from "./vectors-status.ts";
import { type WhatToEmbed, whatToEmbed } from "./what-to-embed.ts";

/** How vectors are to be kept, and where those lie that are. */
export interface KeptVectors {
  readonly cacheDirectory: string;
  readonly form: AskedForm;
}

/** Chunks of the folder that are embedded over and over to measure the speed. */
const SAMPLES = 16;
/** A row of the store beside its codes: the hash twice, the scale, and what SQLite needs. */
const ROW_BYTES = 64;
/** Code has about so many bytes a token at the least: what a server charges is rather less than what is said here. */
const BYTES_PER_TOKEN = 3;
const QUESTION = "where is this done?";

/**
 * Measures what it would cost to embed all of a folder, which is indexed, with a model that is on this machine.
 * @throws {CairnError} what starting it throws
 */
export async function costHere(
  host: Pick<Host, "files">,
  model: ChosenModel,
  kept: KeptVectors,
  workspace: Workspace,
  signal?: AbortSignal,
): Promise<EmbeddingCost> {
  const what = await whatToEmbed(host, workspace, []);
  const most = what.bytes / Math.max(1, what.chunks);
  const samples = (await samplesOf(workspace)).map((text) => text.slice(0, Math.ceil(most)));
  const tried: TriedModel | undefined =
    samples.length > 0 ? await tryModel(model, [QUESTION, ...samples], signal) : undefined;
  // Short declarations are quicker than the chunks in which they lie.
  const mean = samples.reduce((sum, { length }) => sum + length, 0) / samples.length;
  return costOf(model, kept, workspace.root, what, tried ? (tried.textsPerSecond * mean) / most : 0);
}

/** What it costs to embed so much code with a model. @param textsPerSecond 0 when it was not measured */
export function costOf(
  { name, identity, dims }: Pick<ChosenModel, "name" | "identity" | "dims">,
  { cacheDirectory, form }: KeptVectors,
  folder: string,
  { files, chunks }: WhatToEmbed,
  textsPerSecond = 0,
): EmbeddingCost {
  return {
    model: name,
    folder,
    files,
    chunks,
    textsPerSecond,
    seconds: textsPerSecond === 0 ? 0 : chunks / textsPerSecond,
    bytes: vectorBytes(form, chunks),
    vectors: vectorsStatus({ model: identity, dims, form }, new KeptRecalls(cacheDirectory)),
    stored: storedVectors(cacheDirectory, { identity, dims }, form),
  };
}

/** Of the vectors of so many chunks, on disk. */
export function vectorBytes(form: AskedForm, chunks: number): number {
  return chunks * (codeBytes(form) + ROW_BYTES);
}

/** What would be sent to a server to embed all of a folder, and what the server takes for that. */
export async function feeOf(
  host: Pick<Host, "files">,
  server: EmbeddingServer,
  settings: Settings,
  workspace: Pick<Workspace, "root" | "indexedIn">,
): Promise<EmbeddingFee> {
  const { name, provider, destination, remote } = server;
  const what = await whatToEmbed(host, workspace, remote ? settings.neverSend : []);
  const price = embeddingPrice(settings, server);
  const dollars = price === undefined ? undefined : ((what.bytes / BYTES_PER_TOKEN) * price) / 1e6;
  return { model: name, provider, destination, remote, folder: workspace.root, ...what, dollars };
}

/** Code of symbols from all over the folder. One may be a whole file; what is embedded are pieces of it. */
async function samplesOf(workspace: Workspace): Promise<string[]> {
  const symbols = await workspace.symbols("", 100 * SAMPLES);
  const step = Math.max(1, Math.floor(symbols.length / SAMPLES));
  const chosen = symbols.filter((_, i) => i % step === 0).slice(0, SAMPLES);
  const read = chosen.map(({ path, startLine }) => workspace.read({ path, line: startLine }).catch(() => undefined));
  return (await Promise.all(read)).flatMap((excerpt) => (excerpt ? [excerpt.text] : []));
}
