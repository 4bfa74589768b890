import { resolve } from "node:path";
import type { Fit } from "../../shared/local-llm-types.ts";
import { inWords } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { keepLlm, keptLlm, localLlmFile } from "../answer/local-llm-choice.ts";
import { modelPath } from "../chosen/local-model.ts";
import type { ModelParts } from "../chosen/named-model.ts";
import { type CatalogLlm, fileBytes } from "../hub/llm-catalog.ts";
import { llmsHere, useLlm } from "../local-llm/llms.ts";
import type { ParsedArguments } from "./arguments.ts";
import { type CommandContext, ExitCode } from "./command.ts";
import { bytes } from "./session.ts";

/** What every action on language models works with. */
interface LlmTask {
  readonly context: CommandContext;
  readonly given: ParsedArguments;
  readonly parts: ModelParts;
  readonly settings: Settings;
  readonly cacheDirectory: string;
}

/** The language models of the list, for `--json`. */
export function llmEntries({ parts, settings, cacheDirectory }: LlmTask) {
  const chosen = localLlmFile(settings, cacheDirectory);
  return llmsHere(parts, settings).map(({ llm, path, here }) => ({
    ...llm,
    path,
    ...here,
    why: inWords(here.why),
    answers: path !== undefined && path === chosen,
  }));
}

/** Shows which language models there are, and whether each would run here. */
export function printLlms(task: LlmTask): void {
  const { print, style } = task.context.terminal;
  const chosen = localLlmFile(task.settings, task.cacheDirectory);
  const entries = llmEntries(task);
  const width = Math.max(...entries.map(({ id }) => id.length));
  print("\nModels that answer questions (`cairn ask --provider llama`), one GGUF file each:\n");
  for (const entry of entries) {
    const { id, parameters, licence, path, about, contextTokens, fit, why, answers } = entry;
    const size = bytes(fileBytes(entry));
    const state = path === undefined ? `${size} to download` : style.ok(`on disk: ${size}`);
    const billions = `${(parameters / 1e9).toFixed(1).padStart(4)} billion`;
    const mark = answers ? style.ok(", answers") : "";
    print(`${style.bold(id.padEnd(width))}  ${billions}  ${licence}  ${state}${mark}\n`);
    const window = `${contextTokens.toLocaleString("en-US")} tokens of question and answer`;
    print(`  ${style.dim(`${about}; ${window}`)}\n  fits this machine: ${styledFit(style, fit)}, ${why}\n`);
  }
  if (chosen && !entries.some(({ answers }) => answers)) print(`\n${style.path(chosen)} answers.\n`);
}

/** Makes a model of the list, or a GGUF file, the one that answers here; `none` takes the choice back. */
export function useForAnswers({ context, given, parts, settings, cacheDirectory }: LlmTask, named: string): number {
  const { terminal, cwd } = context;
  if (named.toLowerCase() === "none") {
    const keptIn = keepLlm(cacheDirectory, undefined);
    const overruledBy = settings["answer.local.modelPath"];
    if (given.flag("json")) terminal.print(`${JSON.stringify({ id: "", path: "", keptIn, overruledBy })}\n`);
    else terminal.print(`No model file answers any more.\n${overruled(overruledBy)}`);
    return ExitCode.ok;
  }
  const used = useLlm(parts, settings, cacheDirectory, ownFile(cwd, named) ?? named);
  if (given.flag("json")) terminal.print(`${JSON.stringify(used)}\n`);
  else {
    const name = used.id || used.path;
    terminal.print(
      `${terminal.style.bold(name)} answers from the next question on, where cairn.answer.provider (INFERENCE_PROVIDER) or --provider is llama or local.\n` +
        `Kept in ${used.keptIn}.\n${overruled(used.overruledBy)}`,
    );
  }
  return ExitCode.ok;
}

/** Takes the choice back when the model that was removed is the one. */
export function forgetRemoved(cacheDirectory: string, { id }: CatalogLlm): void {
  if (keptLlm(cacheDirectory).id === id) keepLlm(cacheDirectory, undefined);
}

/** Absolute path of what begins where the terminal is, or at the user's home. */
function ownFile(cwd: string, named: string): string | undefined {
  return modelPath(named) ?? (/^\.{1,2}[\\/]|\.gguf$/i.test(named) ? resolve(cwd, named) : undefined);
}

function overruled(by: string): string {
  return by === "" ? "" : `But CAIRN_LOCAL_MODEL says ${by}, and that holds.\n`;
}

function styledFit({ ok, failure, bold }: CommandContext["terminal"]["style"], fit: Fit): string {
  return fit === "yes" ? ok(fit) : fit === "no" ? failure(fit) : bold(fit);
}
