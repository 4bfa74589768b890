import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Host } from "../host.ts";
import type { NamedRepository } from "./cache-layout.ts";
import { isPlainPath, type ModelFiles, PRECISIONS } from "./catalog.ts";
import type { HubAccess } from "./hub-access.ts";
import { hubFetch } from "./hub-fetch.ts";
import { type HubFile, HubFiles } from "./hub-files.ts";
import { ggufWeights, onnxWeights, partsOf, type WeightFiles } from "./weight-files.ts";

/** Without these no text becomes tokens. */
const NEEDED = ["tokenizer.json", "tokenizer_config.json"];
/** What may say how a model in ONNX form is to be used. */
const PAPERS =
  /^(?:config|modules|sentence_bert_config|config_sentence_transformers|special_tokens_map|\d+_Pooling\/config)\.json$/;

/** A repository that holds a model, at a commit. */
export interface ListedModel extends ModelFiles {
  readonly origin: string;
  /** As its maker calls it. */
  readonly licence: string;
}

/**
 * Asks the Hub which files of a repository make a model that an engine can run: in ONNX form with its papers, else in
 * GGUF files.
 * @throws {CairnError} `input` for a repository without such a model; `unavailable`, `provider` or `output` of the Hub
 */
export async function listModel(
  { host, access }: { readonly host: Pick<Host, "fetch">; readonly access: HubAccess },
  { name, revision }: NamedRepository,
  signal?: AbortSignal,
): Promise<ListedModel> {
  const hub = new HubFiles(access, name, hubFetch(host, access, name, signal));
  const commit = await hub.commitOf(revision);
  const files = new Map(
    (await hub.list(commit)).filter(({ path }) => isPlainPath(path)).map((file) => [file.path, file]),
  );
  const paths = [...files.keys()];
  const onnx = NEEDED.every((path) => files.has(path)) ? whole(onnxWeights(paths), paths) : {};
  const isOnnx = Object.keys(onnx).length > 0;
  const weights = isOnnx ? onnx : ggufWeights(paths);
  if (Object.keys(weights).length === 0) throw noModel(name);
  const described = (path: string) => {
    const { bytes } = files.get(path) as HubFile;
    return { path, bytes };
  };
  const papers = paths.filter((path) => NEEDED.includes(path) || PAPERS.test(path));
  return {
    id: name,
    repository: name,
    revision: commit,
    files: isOnnx ? papers.filter((path) => files.get(path)?.bytes !== 0).map(described) : [],
    weights: Object.fromEntries(
      PRECISIONS.flatMap((precision) => {
        const path = weights[precision];
        return path === undefined ? [] : [[precision, described(path)]];
      }),
    ),
    origin: name,
    licence: (await hub.licence(commit)) ?? "not told",
  };
}

/** Those that lie in one file: of others the parts would have to be known by the catalogue too. */
function whole(weights: WeightFiles, paths: readonly string[]): WeightFiles {
  return Object.fromEntries(Object.entries(weights).filter(([, path]) => partsOf(path, paths).length === 0));
}

function noModel(name: string): CairnError {
  return new CairnError(
    "input",
    phrase("{0} holds no model that can be run: neither onnx/model.onnx with tokenizer.json, nor a GGUF file.", name),
    phrase("Many models have a conversion under another name: look for one with ONNX or GGUF in it."),
  );
}
