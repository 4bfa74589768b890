import { resolve } from "node:path";
import type { EmbeddingCost, EmbeddingFee, WantedForm } from "../../shared/embedding-types.ts";
import { CairnError } from "../../shared/errors.ts";
import type { VectorsStatus } from "../../shared/search-types.ts";
import type { Settings } from "../../shared/settings.ts";
import { addModel } from "../chosen/add-model.ts";
import { formOf, PRESETS, wantedForm } from "../chosen/chosen-form.ts";
import { type ChosenModel, chosenModel } from "../chosen/chosen-model.ts";
import { KeptRecalls } from "../chosen/kept-recalls.ts";
import { modelPath } from "../chosen/local-model.ts";
import { BUNDLED, chosenName } from "../chosen/model-choice.ts";
import { hubPartsOf, type ModelParts, precisionNamed } from "../chosen/named-model.ts";
import { type TriedModel, tryModel } from "../chosen/try-model.ts";
import { vectorsStatus } from "../chosen/vectors-status.ts";
import type { PullPlan, PullProgress } from "../hub/bring-files.ts";
import { namedRepository } from "../hub/cache-layout.ts";
import {
  type CatalogModel,
  filesOf,
  type ModelFiles,
  PRECISIONS,
  type Precision,
  precisionsOf,
} from "../hub/catalog.ts";
import { type CheckedFile, modelOnDisk, removeModel, verifyModel } from "../hub/installed.ts";
import { knownModels, modelCalled, offeredIn } from "../hub/known-models.ts";
import { readLlmCatalog } from "../hub/llm-catalog.ts";
import { type PulledModel, pullModel } from "../hub/pull.ts";
import { llmNamed, precisionOfLlm, pullLlm } from "../local-llm/llms.ts";
import { nodeHost } from "../node-host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { embeddingServer, isServerName } from "../remote/embedding-server.ts";
import { FORM_KINDS } from "../vectors/stored-form.ts";
import { vectorsText } from "../vectors-text.ts";
import { nearest, noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { gpuLibraries } from "./gpu-libraries.ts";
import { forgetRemoved, llmEntries, printLlms, useForAnswers } from "./local-llms.ts";
import { bytes, counted, folderToUse, terminalSettings } from "./session.ts";
import { renderLine } from "./terminal.ts";
import { costOnDisk, costOnServer, useModel } from "./use-model.ts";

const HELP = `Lists the models that Cairn knows, for searching and for answers, downloads them from the Hugging Face Hub, checks and
removes them.

Usage: cairn models [list]
       cairn models pull   MODEL [--precision PRECISION]
       cairn models verify [MODEL]
       cairn models try    MODEL "question" "text" ["text" ...]
       cairn models use    MODEL [folder] [--precision PRECISION] [--vectors FORM] [--dimensions N [--force]]
       cairn models use    PROVIDER:MODEL[@DIMENSIONS] [folder] [--yes]
       cairn models use    LANGUAGE-MODEL
       cairn models use    FILE.gguf|none --answers
       cairn models remove MODEL
       cairn models gpu    [vulkan | cuda | remove] [--yes]

Models lie in the Hub's own cache, shared with Python's tools: what one has downloaded, the other finds. A download that
was interrupted goes on where it stopped. Every file is checked against the SHA-256 in Cairn's catalogue; where the
catalogue knows none, what the Hub says at the first download is recorded, and holds from then on. \`verify\` reads all
files again; \`try\` loads a model, says how close each text is to the question, and how fast the model is on this machine;
\`remove\` takes away what belongs to the model and leaves what others have downloaded.

\`use\` makes a model the one that searches: it says what it costs to embed the folder (the current one unless given), and
keeps the choice in Cairn's cache folder, for terminals and editors; cairn.embedding.model and the environment
(HF_EMBEDDING_MODEL, EMBEDDING_PROVIDER) win over it. The vectors are made when a folder is open in an editor or by
\`cairn index\`; until they are complete, the model in the package searches. \`cairn models use bundled\` goes back to that
one, at once, and no vector is made twice.

--vectors and --dimensions make its vectors smaller: int4 is half of int8, binary keeps signs in memory and int8 on disk to
compare the closest, and 256 keeps the first 256 dimensions. What is stored in more bits or dimensions is turned into fewer,
so nothing is embedded again; the other way it is, and \`use\` says what is stored before. Only models that were trained
for it can be shortened; --force does it all the same. cairn.embedding.vectors and cairn.embedding.dimensions win.

\`pull OWNER/NAME\` downloads any other model of the Hub, in ONNX form or else in a GGUF file (q8_0 as int8), finds out how it
is to be used, and adds it to the list. Its commit and the hashes of its files are those of that day until it is removed.
A precision that the catalogue does not name of a model is looked for in its repository.

\`try\` and \`use\` also take the path of a model of your own: a GGUF file that llama.cpp runs, on the graphics processor where
the engine supports it, or a folder with a model in ONNX form, its tokenizer and the papers of sentence-transformers. A
path that is not absolute begins with ./ or ends in .gguf.

\`gpu\` says which graphics processor was found, what runs on it with what comes with Cairn, and which libraries would let
llama.cpp use it: with their size and hash they are downloaded from npm's package registry once you agree, checked, and
kept in Cairn's cache folder. \`gpu remove\` takes them away.

A model on a server that speaks OpenAI's protocol is named with its provider (openai, azure, ollama, lmstudio, vllm,
llama-server): openai:text-embedding-3-small, or openai:text-embedding-3-small@512 for vectors of 512 numbers. Before any
code of the folder is sent to another machine, \`use\` says how much goes where at what price, and asks; files that match
cairn.neverSend stay here. CAIRN_EMBEDDING_ENDPOINT is another address than the provider's usual one; keys are read from
OPENAI_API_KEY and AZURE_OPENAI_API_KEY.

Language models stand in a list of their own, one GGUF file each, with a licence that lets everyone use them for everything.
Of each it says whether it fits this machine: yes; tight, when memory has to be freed first or the processor is slow with
it; or no. \`use\` makes one the model that answers where the provider is llama or local, as does \`use FILE.gguf --answers\`
with a file of your own; \`use none --answers\` takes that back. cairn.answer.local.modelPath (CAIRN_LOCAL_MODEL) wins over it.

Options:
  --answers              The file is to answer questions, not to search
  --yes                  Do not ask before the code of the folder is sent to another machine, or libraries are downloaded
  --precision PRECISION  ${PRECISIONS.join(", ")}, where the model offers it; int8 unless given. Also
                         behind the name: MODEL:PRECISION
  --vectors FORM         ${FORM_KINDS.join(", ")}: how each number of a vector is kept; int8 unless given
  --dimensions N         A number, all, or a preset: ${Object.keys(PRESETS).join(", ")}; all unless given
  --force                Shorten the vectors of a model that was not trained for it
  --json                 Answer with one JSON object
  --color WHEN           auto (default), always or never

Honoured as the Hub's own tools do: HF_TOKEN or the Hub's login (for models with terms to accept), HF_ENDPOINT (a mirror),
HF_HUB_CACHE and HF_HOME (where models lie), HF_HUB_OFFLINE=1 (ask nobody). Behind a proxy: HTTPS_PROXY with
NODE_USE_ENV_PROXY=1, and NODE_EXTRA_CA_CERTS for its certificate.

Examples:
  cairn models
  cairn models pull jina-embeddings-v2-base-code
  cairn models pull all-MiniLM-L6-v2 --precision q4
  cairn models pull BAAI/bge-small-en-v1.5
  cairn models try all-MiniLM-L6-v2 "send it again" "function retryRequest()" "class Colour"
  cairn models use all-MiniLM-L6-v2 ~/projects/app
  cairn models use nomic-embed-text-v1.5 --vectors int4 --dimensions 256
  cairn models try ~/models/nomic-embed-text-v1.5.Q8_0.gguf "send it again" "function retryRequest()"
  cairn models verify
  cairn models gpu vulkan --yes
  cairn models pull qwen2.5-coder-7b
  cairn models use qwen2.5-coder-7b
`;

/** What every action works with. */
interface Task {
  readonly context: CommandContext;
  readonly given: ParsedArguments;
  readonly parts: ModelParts;
  /** What a name stands for, as `cairn.embedding.model` takes it. */
  modelOf(name: string): Promise<ChosenModel>;
  readonly settings: Settings;
  readonly cacheDirectory: string;
  readonly models: readonly CatalogModel[];
  /** What was named after the action, without a precision that stood behind it. */
  readonly named: string | undefined;
  /** The precision that was asked for, behind the name or as an option. */
  readonly precision: Precision | undefined;
}

const ACTIONS: Readonly<Record<string, (task: Task) => Promise<number>>> = {
  list,
  pull,
  verify,
  try: tryOut,
  use,
  remove,
  gpu: gpuLibraries,
};

export const modelsCommand: Command = {
  help: HELP,
  options: {
    precision: { type: "string" },
    vectors: { type: "string" },
    dimensions: { type: "string" },
    force: { type: "boolean" },
    yes: { type: "boolean" },
    answers: { type: "boolean" },
  },
  async run(context, given) {
    const [name = "list", wholeName] = given.positionals;
    if (!Object.hasOwn(ACTIONS, name)) {
      const near = nearest(name, Object.keys(ACTIONS));
      throw new CairnError(
        "input",
        `cairn models does not know "${name}".`,
        `${near ? `Did you mean \`cairn models ${near}\`? ` : ""}\`cairn models --help\` tells what it does.`,
      );
    }
    if (name !== "try") noMoreThan(given, name === "list" ? 1 : name === "use" ? 3 : 2, "models");
    const settings = terminalSettings(context);
    const cacheDirectory = cacheDirectoryOf(settings, context.env);
    const host = nodeHost({ env: context.env });
    const parts = hubPartsOf(host, cacheDirectory);
    const modelOf = (model: string) => chosenModel({ host, cacheDirectory, settings, signal: context.signal }, model);
    try {
      const models = knownModels(parts);
      const what = whatIsNamed(given, wholeName);
      return await ACTIONS[name]({ context, given, parts, modelOf, settings, cacheDirectory, models, ...what });
    } finally {
      context.terminal.progress("");
    }
  },
};

/** `e5-base-v2:fp32`, as Cairn itself calls a model, is the model and `--precision fp32`. A path keeps what stands behind it. */
function whatIsNamed(given: ParsedArguments, name: string | undefined): Pick<Task, "named" | "precision"> {
  const option = given.text("precision");
  const asked = option === undefined ? undefined : precisionNamed(option);
  if (name === undefined || isPath(name) || isServerName(name)) return { named: name, precision: asked };
  const { id, precision = asked } = partsOfName(name);
  if (asked === undefined || precision === asked) return { named: id, precision };
  throw new CairnError("input", `${name} and --precision ${asked} are two precisions.`, "Name one.");
}

async function list(task: Task): Promise<number> {
  const { context, given, parts, settings, cacheDirectory, models } = task;
  const name = chosenName(settings, cacheDirectory) ?? BUNDLED;
  const server = isServerName(name) ? embeddingServer(settings, name) : undefined;
  const { id: chosen, precision } = server ? { id: name } : partsOfName(name);
  const listed = models.map((model) => ({ model, disk: modelOnDisk(parts, model) }));
  const vectors = server ? undefined : await vectorsOf(task, name);
  const { print, style } = context.terminal;
  if (given.flag("json")) {
    const { cacheFolder, endpoint } = parts.access;
    const entries = listed.map(({ model, disk }) => ({ ...model, onDisk: disk }));
    const llms = llmEntries(task);
    print(`${JSON.stringify({ cacheFolder, endpoint, chosen, vectors, models: entries, llms })}\n`);
    return ExitCode.ok;
  }
  const width = Math.max(...models.map(({ id }) => id.length));
  print("Models that search:\n");
  for (const { model, disk } of listed) {
    const state =
      disk.precisions.length > 0
        ? style.ok(`on disk: ${disk.precisions.join(", ")}, ${bytes(disk.bytes)}`)
        : `${bytes(sizeOf(model, usualPrecision(model)))} to download`;
    const facts = `${String(model.dims).padStart(4)} dims  ${model.licence.padEnd(10)}`;
    const isThere = precision === undefined ? disk.precisions.length > 0 : disk.precisions.includes(precision);
    const missing = style.failure(`, chosen${precision ? ` in ${precision}` : ""}: the one in the package searches`);
    const searches = model.id !== chosen ? "" : isThere ? style.ok(", searches") : missing;
    print(`${style.bold(model.id.padEnd(width))}  ${facts}  ${state}${searches}\n`);
    print(`  ${style.dim(model.about)}\n`);
  }
  if (name !== BUNDLED && !server && !modelPath(chosen) && !modelCalled(models, chosen)) {
    print(`\n${style.bold(chosen)} is chosen and not here: the one in the package searches.\n`);
  }
  if (modelPath(chosen)) print(`\n${style.path(chosen)} searches.\n`);
  if (server) print(`${style.bold(name)}  at ${server.destination}${style.ok(", searches")}\n`);
  if (vectors) print(`\nIts vectors: ${vectorsText(vectors)}\n`);
  printLlms(task);
  print(`\nIn ${style.path(parts.access.cacheFolder)}. \`cairn models pull MODEL\` downloads one.\n`);
  return ExitCode.ok;
}

/** How the vectors of the model that searches are kept; undefined where that cannot be told, and for the one in the package. */
async function vectorsOf(
  { modelOf, settings, cacheDirectory }: Task,
  name: string,
): Promise<VectorsStatus | undefined> {
  if (name === BUNDLED) return undefined;
  try {
    const model = await modelOf(name);
    const form = formOf(model, wantedForm(settings, cacheDirectory));
    return vectorsStatus({ model: model.identity, dims: model.dims, form }, new KeptRecalls(cacheDirectory));
  } catch (error) {
    // What is wrong with it is said by `cairn doctor`; a list has the others too.
    if (error instanceof CairnError) return undefined;
    throw error;
  }
}

async function pull(task: Task): Promise<number> {
  const { context, given } = task;
  const { terminal } = context;
  const started = performance.now();
  const { model, precision, pulled } = await pulledModel(task);
  terminal.progress("");
  if (given.flag("json")) {
    terminal.print(`${JSON.stringify({ id: model.id, precision, ...pulled })}\n`);
  } else {
    terminal.print(pulledText(context, model, pulled, (performance.now() - started) / 1000));
    if (llmNamed(model.id)) terminal.print(`    \`cairn models use ${model.id}\` makes it the model that answers\n`);
  }
  return ExitCode.ok;
}

interface BroughtModel {
  readonly model: ModelFiles;
  readonly precision: Precision;
  readonly pulled: PulledModel;
}

/** Any repository of the Hub can be named; one that nobody knows yet is added. */
async function pulledModel({ context, parts, settings, models, named, precision: asked }: Task): Promise<BroughtModel> {
  const { terminal, signal } = context;
  const options = { signal, onProgress: (progress: PullProgress) => terminal.progress(progressLine(progress)) };
  const llm = named === undefined ? undefined : llmNamed(named);
  if (llm) {
    const precision = precisionOfLlm(llm);
    const onPlan = (plan: PullPlan) => terminal.note(planText(llm, precision, plan));
    return { model: llm, precision, pulled: await pullLlm(parts, llm, { ...options, onPlan }) };
  }
  const repository = named === undefined || modelCalled(models, named) ? undefined : namedRepository(named);
  if (repository?.kind !== "model" || !repository.name.includes("/")) {
    const entry = modelNamed(models, named, "pull");
    const precision = asked ?? usualPrecision(entry);
    const model = await offeredIn(parts, entry, precision, signal);
    const onPlan = (plan: PullPlan) => terminal.note(planText(model, precision, plan));
    return { model, precision, pulled: await pullModel(parts, model, precision, { ...options, onPlan }) };
  }
  return addModel({ ...parts, settings }, repository, asked, {
    ...options,
    onPlan: (plan, listed, precision) => terminal.note(planText(listed, precision, plan)),
  });
}

async function verify({ context, given, parts, models, named, precision: asked }: Task): Promise<number> {
  const { terminal, signal } = context;
  const chosen: readonly ModelFiles[] =
    named === undefined ? [...models, ...readLlmCatalog()] : [llmNamed(named) ?? modelNamed(models, named, "verify")];
  const results: { id: string; precision: Precision; files: CheckedFile[] }[] = [];
  for (const model of chosen) {
    const there = modelOnDisk(parts, model).precisions;
    for (const precision of there.filter((one) => asked === undefined || one === asked)) {
      const onBytes = (read: number) => terminal.progress(`Reading ${model.id} ${precision}  ${bytes(read)}`);
      results.push({ id: model.id, precision, files: await verifyModel(parts, model, precision, { signal, onBytes }) });
    }
  }
  terminal.progress("");
  if (results.length === 0 && named !== undefined) {
    const [which, option] = asked === undefined ? ["", ""] : [` in ${asked}`, ` --precision ${asked}`];
    const hint = `\`cairn models pull ${named}${option}\` downloads it.`;
    throw new CairnError("input", `${named} is not on this machine${which}.`, hint);
  }
  const bad = results.flatMap(({ files }) => files.filter(({ state }) => state !== "whole"));
  if (given.flag("json")) {
    terminal.print(`${JSON.stringify({ ok: bad.length === 0, models: results })}\n`);
  } else {
    for (const { id, precision, files } of results) terminal.print(verifiedText(context, id, precision, files));
    if (results.length === 0) terminal.print("There is no model on this machine but the one in the package.\n");
  }
  return bad.length === 0 ? ExitCode.ok : ExitCode.unavailable;
}

async function tryOut(task: Task): Promise<number> {
  const { context, given, modelOf } = task;
  const name = nameOf(task, "try");
  const texts = given.positionals.slice(2);
  if (texts.length < 2) {
    throw new CairnError("input", "A question and a text are needed.", "`cairn models --help` has an example.");
  }
  const { terminal, signal } = context;
  terminal.progress(`Loading ${name} ...`);
  const model = await modelOf(name);
  const tried = await tryModel(model, texts, signal);
  terminal.progress("");
  const { id, precision } = partsOfName(model.name);
  if (given.flag("json")) terminal.print(`${JSON.stringify({ id, precision, ...tried })}\n`);
  else terminal.print(triedText(context, model, tried));
  return ExitCode.ok;
}

async function use(task: Task): Promise<number> {
  const { context, given, modelOf, settings, cacheDirectory, named } = task;
  const { terminal } = context;
  if (named !== undefined && (given.flag("answers") || llmNamed(named))) return useForAnswers(task, named);
  if (named?.toLowerCase() === BUNDLED) {
    const { file, overruledBy } = useModel(settings, cacheDirectory, undefined);
    if (given.flag("json")) terminal.print(`${JSON.stringify({ model: BUNDLED, file, overruledBy })}\n`);
    else terminal.print(`The model in the package searches again. Other vectors are kept.\n${overruled(overruledBy)}`);
    return ExitCode.ok;
  }
  const folder = folderToUse(context, given.positionals[2]);
  if (named !== undefined && isServerName(named)) {
    const server = embeddingServer(settings, named);
    const wanted = wantedOf(given);
    const yes = given.flag("yes");
    const cost = await costOnServer(context, settings, server, { folder, cacheDirectory, yes, wanted });
    if (cost) return keepUsed({ context, given, settings, cacheDirectory }, cost);
    terminal.print("Nothing is sent, and nothing has changed.\n");
    return ExitCode.ok;
  }
  const name = nameOf(task, "use");
  terminal.progress(`Looking at ${name} ...`);
  const model = await modelOf(name);
  const form = formOf(model, wantedOf(given));
  const cost = await costOnDisk(context, settings, model, { folder, cacheDirectory, form });
  return keepUsed({ context, given, settings, cacheDirectory }, cost);
}

/** What was asked of the vectors. */
function wantedOf(given: ParsedArguments): WantedForm {
  const dimensions = given.text("dimensions") ?? "";
  const forced = given.flag("force") && dimensions !== "" && !dimensions.endsWith("!");
  return { vectors: given.text("vectors") ?? "", dimensions: forced ? `${dimensions}!` : dimensions };
}

function keepUsed(
  { context, given, settings, cacheDirectory }: Pick<Task, "context" | "given" | "settings" | "cacheDirectory">,
  cost: EmbeddingCost & { readonly fee?: EmbeddingFee },
): number {
  const { terminal } = context;
  const { vectors, dimensions } = wantedOf(given);
  const chosen = { model: cost.model, ...(vectors && { vectors }), ...(dimensions && { dimensions }) };
  const { file, overruledBy } = useModel(settings, cacheDirectory, chosen);
  terminal.progress("");
  if (given.flag("json")) terminal.print(`${JSON.stringify({ ...cost, file, overruledBy })}\n`);
  else terminal.print(`${costText(context, cost)}Kept in ${file}.\n${overruled(overruledBy)}`);
  return ExitCode.ok;
}

function costText(
  { terminal: { style } }: CommandContext,
  cost: EmbeddingCost & { readonly fee?: EmbeddingFee },
): string {
  const { model, folder, chunks, textsPerSecond, seconds, fee, vectors } = cost;
  const speed = textsPerSecond.toFixed(textsPerSecond < 10 ? 1 : 0);
  const time = seconds === 0 ? "" : `, about ${timeLeft(seconds)} at ${speed} chunks/s`;
  const where = fee ? ` at ${fee.destination}` : "";
  return `${style.bold(model)}${where} searches from the next command on, and in an editor once its folder is opened again.
${style.path(folder)}: ${counted(chunks, "chunk")} to embed${time}, ${bytes(cost.bytes)} on disk. \`cairn index\` does it now.
${vectorsText(vectors)}.
${storedText(cost)}`;
}

/** What need not be embedded, and what has to be though something like it is there. */
function storedText({ stored, vectors: { kind, dims } }: EmbeddingCost): string {
  return stored
    .map((there) => {
      const what = `${counted(there.count, "vector")} of all folders in ${there.kind} with ${there.dims} dimensions`;
      return there.usable
        ? `Stored already: ${what}; what they are of is not embedded again.\n`
        : `Stored are ${what}, of which ${kind} with ${dims} cannot be made: what they are of is embedded again.\n`;
    })
    .join("");
}

function overruled(by: string): string {
  return by === "" ? "" : `But the environment says ${by}, and that holds.\n`;
}

async function remove(task: Task): Promise<number> {
  const { context, given, parts, settings, models, cacheDirectory, named, precision } = task;
  if (precision !== undefined) {
    const hint = `\`cairn models remove ${named}\` takes away all of it.`;
    throw new CairnError("input", "One precision of a model cannot be removed by itself.", hint);
  }
  const llm = named === undefined ? undefined : llmNamed(named);
  const model = llm ?? modelNamed(models, named, "remove");
  const freedBytes = await removeModel(parts, model);
  if (llm) forgetRemoved(cacheDirectory, llm);
  else parts.added.forget(model);
  if (given.flag("json")) context.terminal.print(`${JSON.stringify({ id: model.id, freedBytes })}\n`);
  else if (freedBytes === 0) context.terminal.print(`Nothing of ${model.id} was on this machine.\n`);
  else context.terminal.print(`${model.id} removed, ${bytes(freedBytes)} freed\n`);
  const chosen = partsOfName(chosenName(settings, cacheDirectory) ?? BUNDLED).id;
  if (!given.flag("json") && !llm && modelCalled(models, chosen)?.id === model.id) {
    const again = "`cairn models use bundled` makes that the choice.";
    context.terminal.print(
      `It is still chosen: until it is pulled again, the model in the package searches. ${again}\n`,
    );
  }
  return ExitCode.ok;
}

/** What `modelOf` takes for what was named on the command line: there a path may begin where the terminal is. */
function nameOf({ context, models, named, precision }: Task, action: string): string {
  const path = named === undefined ? undefined : ownPath(context, named);
  const name = path ?? modelNamed(models, named, action).id;
  return precision === undefined ? name : `${name}:${precision}`;
}

/** A path that begins where the terminal is. */
const BEGINS_HERE = /^\.{1,2}(?:[\\/]|$)|\.gguf$/i;

function ownPath({ cwd }: CommandContext, named: string): string | undefined {
  return modelPath(named) ?? (BEGINS_HERE.test(named) ? resolve(cwd, named) : undefined);
}

function partsOfName(name: string): { id: string; precision: Precision | undefined } {
  const precision = PRECISIONS.find((one) => name.endsWith(`:${one}`));
  return { id: precision ? name.slice(0, -precision.length - 1) : name, precision };
}

function isPath(named: string): boolean {
  return modelPath(named) !== undefined || BEGINS_HERE.test(named);
}

function modelNamed(models: readonly CatalogModel[], named: string | undefined, action: string): CatalogModel {
  if (named === undefined) {
    throw new CairnError("input", "Which model?", `For example: cairn models ${action} ${models[0].id}`);
  }
  if (isPath(named)) {
    throw new CairnError("input", `${named} is a model of your own.`, "`cairn models try` and `use` take it.");
  }
  const found = modelCalled(models, named);
  if (found) return found;
  if (llmNamed(named)) {
    throw new CairnError("input", `${named} answers questions.`, "`cairn ask --provider llama` asks the one in use.");
  }
  if (action !== "pull" && /^[^/]+\/[^/]+$/.test(named)) {
    throw new CairnError("input", `${named} is not on this machine.`, `\`cairn models pull ${named}\` downloads it.`);
  }
  const near = nearest(
    named,
    [...models, ...readLlmCatalog()].map(({ id }) => id),
  );
  throw new CairnError(
    "input",
    `There is no model "${named}" in the catalogue.`,
    near ? `Did you mean ${near}? \`cairn models\` lists them.` : "`cairn models` lists them.",
  );
}

/** The one that is taken unless another is named. */
function usualPrecision(model: CatalogModel): Precision {
  const offered = precisionsOf(model);
  return offered[offered.length - 1];
}

function sizeOf(model: CatalogModel, precision: Precision): number {
  return filesOf(model, precision).reduce((sum, file) => sum + file.bytes, 0);
}

function planText(
  model: Pick<CatalogModel, "id" | "repository" | "origin" | "licence">,
  precision: Precision,
  plan: PullPlan,
): string {
  const what = `${model.id}, ${precision}, by ${model.origin.split("/")[0]}, licence ${model.licence}`;
  const from = `${plan.endpoint}/${model.repository} at ${plan.commit.slice(0, 7)}`;
  const trust =
    plan.trusted.length === 0
      ? ""
      : `Cairn's catalogue has no SHA-256 of ${plan.trusted.join(", ")}: what the Hub says is recorded now, and holds from then on.\n`;
  const load =
    plan.files === 0 ? "All files are there, as on" : `${counted(plan.files, "file")}, ${bytes(plan.bytes)}, from`;
  return `${what}\n${load} ${from}\n${trust}`;
}

function progressLine({ done, total, secondsLeft }: PullProgress): string {
  const share = total === 0 ? 100 : Math.floor((100 * done) / total);
  const left = secondsLeft === undefined ? "" : `  ${timeLeft(secondsLeft)} left`;
  return `Downloading ${share}%  ${bytes(done)} of ${bytes(total)}${left}`;
}

function timeLeft(seconds: number): string {
  const rounded = Math.max(1, Math.ceil(seconds));
  if (rounded < 90) return `${rounded} s`;
  return rounded < 5400 ? `${Math.round(rounded / 60)} min` : `${(rounded / 3600).toFixed(1)} h`;
}

function pulledText(
  { terminal: { style } }: CommandContext,
  model: Pick<ModelFiles, "id">,
  pulled: PulledModel,
  seconds: number,
) {
  const { downloadedBytes, resumedBytes } = pulled;
  const how =
    downloadedBytes === 0
      ? "was there already"
      : `${bytes(downloadedBytes)} in ${seconds.toFixed(1)} s${resumedBytes > 0 ? `, ${bytes(resumedBytes)} were there from an earlier run` : ""}`;
  return `${style.ok("ok")}  ${style.bold(model.id)}  ${how}; every SHA-256 as it must be\n    ${style.path(pulled.folder)}\n`;
}

function verifiedText(
  { terminal: { style } }: CommandContext,
  id: string,
  precision: Precision,
  files: readonly CheckedFile[],
): string {
  const bad = files.filter(({ state }) => state !== "whole");
  if (bad.length === 0) {
    const size = files.reduce((sum, file) => sum + file.bytes, 0);
    return `${style.ok("ok")}  ${id} ${precision}: ${counted(files.length, "file")}, ${bytes(size)}\n`;
  }
  const lines = bad.map(({ path, state }) => `    ${path}: ${WHAT_IS_WRONG[state]}\n`).join("");
  return `${style.failure("bad")} ${id} ${precision}: \`cairn models pull ${id} --precision ${precision}\` mends it\n${lines}`;
}

function triedText({ terminal: { style } }: CommandContext, { name, dims }: ChosenModel, tried: TriedModel) {
  const { id, precision } = partsOfName(name);
  const { similarities, threads, device, loadMs, textsPerSecond, tokensPerText, engineBytes } = tried;
  const rows = similarities
    .toSorted((a, b) => b.similarity - a.similarity)
    .map(({ text, similarity }) => `  ${similarity.toFixed(3).padStart(6)}  ${renderLine(text, [], style)}\n`);
  const speed = `${textsPerSecond.toFixed(textsPerSecond < 10 ? 1 : 0)} texts/s of ${tokensPerText.toFixed(0)} tokens`;
  const cost = `${device ?? counted(threads, "thread")}, loaded in ${(loadMs / 1000).toFixed(1)} s, ${bytes(engineBytes)} of memory`;
  const title = [style.bold(id), ...(precision ? [precision] : [])].join(" ");
  return `${rows.join("")}${title}, ${dims} dims: ${speed}, ${cost}\n`;
}

const WHAT_IS_WRONG = {
  whole: "",
  altered: "its content is not what it must be",
  missing: "not there",
  unknown: "nobody has said what its content must be",
};
