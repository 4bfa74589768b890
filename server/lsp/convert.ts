import { relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  type CancellationToken,
  LSPErrorCodes,
  type Range,
  ResponseError,
  SymbolKind,
  type WorkspaceSymbol,
} from "vscode-languageserver/node";
import { CairnError, type WireError } from "../../shared/errors.ts";
import type { Say } from "../../shared/phrase.ts";
import type { ChunkKind, SymbolHit } from "../../shared/search-types.ts";

/** Absolute path of a `file:` URI; undefined for any other scheme and for what is no URI. */
export function uriToPath(uri: string): string | undefined {
  if (!uri.startsWith("file:")) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined;
  }
}

/** The path of `file` from `folder` in the platform's form, "" for the folder itself; undefined when it is not inside. */
export function pathInside(folder: string, file: string): string | undefined {
  const path = relative(folder, file);
  const outside = path === ".." || path.startsWith(`..${sep}`) || path === file;
  return outside ? undefined : path;
}

/** @param path Absolute path of the symbol's file. */
export function toWorkspaceSymbol(hit: SymbolHit, path: string): WorkspaceSymbol {
  return {
    name: hit.name,
    kind: SYMBOL_KINDS[hit.kind],
    containerName: hit.parents.length > 0 ? hit.parents.join(".") : undefined,
    location: { uri: pathToFileURL(path).href, range: toRange(hit.startLine, hit.endLine) },
  };
}

/**
 * Runs work under an AbortSignal that fires when the client cancels the request.
 * @param say tells the client in its language why the work failed.
 */
export async function withSignal<Result>(
  token: CancellationToken,
  say: Say,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  const listener = token.onCancellationRequested(() => controller.abort());
  try {
    const result = await work(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw toResponseError(error, controller.signal.aborted, say);
  } finally {
    listener.dispose();
  }
}

/** Only what a person can act on travels as such; anything else is a defect, which the library reports as one. */
function toResponseError(error: unknown, cancelled: boolean, say: Say): unknown {
  if (cancelled) return new ResponseError(LSPErrorCodes.RequestCancelled, "The client cancelled the request.");
  if (!(error instanceof CairnError)) return error;
  const message = say(error.said);
  const data = { kind: error.kind, message, hint: say(error.advice) };
  return new ResponseError<WireError<string>>(LSPErrorCodes.RequestFailed, message, data);
}

/** From 1-based inclusive lines to LSP's 0-based half-open range. */
function toRange(startLine: number, endLine: number): Range {
  return { start: { line: startLine - 1, character: 0 }, end: { line: endLine, character: 0 } };
}

const SYMBOL_KINDS: Readonly<Record<ChunkKind, SymbolKind>> = {
  function: SymbolKind.Function,
  method: SymbolKind.Method,
  class: SymbolKind.Class,
  interface: SymbolKind.Interface,
  type: SymbolKind.TypeParameter,
  enum: SymbolKind.Enum,
  module: SymbolKind.Module,
  constant: SymbolKind.Constant,
  section: SymbolKind.String,
  text: SymbolKind.File,
};
