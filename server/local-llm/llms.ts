import { isAbsolute, join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import type { FitHere } from "../../shared/local-llm-types.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { keepLlm, type LocalLlm } from "../answer/local-llm-choice.ts";
import type { PullOptions } from "../hub/bring-files.ts";
import { type Precision, precisionsOf } from "../hub/catalog.ts";
import { modelOnDisk } from "../hub/installed.ts";
import { type CatalogLlm, readLlmCatalog } from "../hub/llm-catalog.ts";
import { type HubParts, type PulledModel, pullModel } from "../hub/pull.ts";
import { checkFile } from "../native/gguf-file.ts";
import { fitOn, type Machine, thisMachine } from "./fit.ts";

/** A language model of the list, and what can be said of it on this machine. */
export interface LlmHere {
  readonly llm: CatalogLlm;
  /** Absolute path of its file; undefined while it was not downloaded. */
  readonly path: string | undefined;
  readonly here: FitHere;
}

/** The models of the list, looked at by the names of their files alone. */
export function llmsHere(
  parts: Pick<HubParts, "access" | "known">,
  settings: Settings,
  machine: Machine = thisMachine(),
): LlmHere[] {
  return readLlmCatalog().map((llm) => ({
    llm,
    path: llmPath(parts, llm),
    here: fitOn(machine, llm, settings["answer.contextTokens"]),
  }));
}

/** The model that an id of the list or a name of its repositories stands for. */
export function llmNamed(name: string): CatalogLlm | undefined {
  const wanted = name.trim().toLowerCase();
  return readLlmCatalog().find(({ id, repository, origin }) =>
    [id, repository, origin].some((known) => known.toLowerCase() === wanted),
  );
}

/** A model of the list is one file, in one precision. */
export function precisionOfLlm(llm: CatalogLlm): Precision {
  return precisionsOf(llm)[0];
}

/** Absolute path of a model's file; undefined while it was not downloaded. */
function llmPath(parts: Pick<HubParts, "access" | "known">, llm: CatalogLlm): string | undefined {
  const { folder, precisions } = modelOnDisk(parts, llm);
  const path = llm.weights[precisionOfLlm(llm)]?.path;
  return folder !== undefined && path !== undefined && precisions.length > 0
    ? join(folder, ...path.split("/"))
    : undefined;
}

/** Brings the one file of a model. @throws {CairnError} what `pullModel` throws */
export function pullLlm(parts: HubParts, llm: CatalogLlm, options: PullOptions = {}): Promise<PulledModel> {
  return pullModel(parts, llm, precisionOfLlm(llm), options);
}

/**
 * Makes a model the one that Cairn runs itself, for all terminals and editors of this user.
 * @param named an id of the list, a repository of it, or the absolute path of a GGUF file
 * @returns the choice, the file in which it is kept, and what the settings or the environment say instead; empty when they
 * say nothing
 * @throws {CairnError} `input` for a model that was not downloaded, a name that there is not, or a file that is no model
 */
export function useLlm(
  parts: Pick<HubParts, "access" | "known">,
  settings: Settings,
  cacheDirectory: string,
  named: string,
): LocalLlm & { readonly keptIn: string; readonly overruledBy: string } {
  const llm = chosenLlm(parts, named);
  const keptIn = keepLlm(cacheDirectory, llm);
  const set = settings["answer.local.modelPath"];
  return { ...llm, keptIn, overruledBy: set === llm.path ? "" : set };
}

function chosenLlm(parts: Pick<HubParts, "access" | "known">, named: string): LocalLlm {
  if (isAbsolute(named)) {
    checkFile(named, phrase("Choose a chat or instruct model in GGUF format."));
    return { id: "", path: named };
  }
  const llm = llmNamed(named);
  if (!llm) {
    throw new CairnError(
      "input",
      phrase('There is no language model "{0}" in the list.', named),
      phrase("`cairn models` lists them; a file of your own is named by its whole path."),
    );
  }
  const path = llmPath(parts, llm);
  if (path === undefined) {
    throw new CairnError(
      "input",
      phrase("{0} is not on this machine.", llm.id),
      phrase("`cairn models pull {0}` downloads it.", llm.id),
    );
  }
  return { id: llm.id, path };
}
