import * as vscode from "vscode";
import type { Offer } from "../shared/chat-messages.ts";
import type { Attachment } from "../shared/conversation.ts";
import type { RequestOf } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";

const symbols: RequestOf<{ query: string }, readonly vscode.SymbolInformation[]> = { method: "workspace/symbol" };

const MOST_FILES = 8;
const MOST_SYMBOLS = 8;
const MOST_PROBLEMS = 30;

/** What can be attached to a question for what was typed after `@`: what is open first, then files, folders, symbols. */
export async function offersFor(typed: string, server: ServerClient): Promise<Offer[]> {
  const here = [selection(), problems(), activeFile()].flatMap((attachment) =>
    attachment && matches(attachment.label, attachment.kind, typed) ? [{ attachment, detail: kindOf(attachment) }] : [],
  );
  if (typed === "") return here;
  const [files, named] = await Promise.all([filesAndFolders(typed), symbolsNamed(typed, server)]);
  const seen = new Set(here.map(({ attachment }) => keyOf(attachment)));
  return [...here, ...files, ...named].filter(({ attachment }) => {
    const key = keyOf(attachment);
    const isNew = !seen.has(key) || here.some((offer) => offer.attachment === attachment);
    seen.add(key);
    return isNew;
  });
}

/** The code that is selected in the editor; undefined when none is. */
export function selection(editor = vscode.window.activeTextEditor): Attachment | undefined {
  if (!editor || editor.selection.isEmpty) return undefined;
  const { start, end } = editor.selection;
  // A selection that ends at the beginning of a line does not mean that line.
  const last = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  return linesOf(editor.document.uri, "selection", start.line + 1, last);
}

/** The function or class around the cursor, whose lines the server finds; undefined outside the open folders. */
export function aroundCursor(editor = vscode.window.activeTextEditor): Attachment | undefined {
  const place = editor && placeOf(editor.document.uri);
  if (!place) return undefined;
  const line = editor.selection.active.line + 1;
  return { kind: "symbol", label: `${nameOf(place.path)}:${line}`, place: { ...place, line } };
}

/** Lines of a document, 1-based and inclusive; undefined for one outside the open folders. */
export function linesOf(
  uri: vscode.Uri,
  kind: "selection" | "symbol",
  startLine: number,
  endLine: number,
): Attachment | undefined {
  const place = placeOf(uri);
  if (!place) return undefined;
  const label = `${nameOf(place.path)}:${startLine === endLine ? startLine : `${startLine}-${endLine}`}`;
  return { kind, label, place: { ...place, startLine, endLine } };
}

/** What the editor says is wrong with a document; undefined when nothing is. */
export function problems(
  document = vscode.window.activeTextEditor?.document,
  only: readonly vscode.Diagnostic[] = document ? vscode.languages.getDiagnostics(document.uri) : [],
): Attachment | undefined {
  const place = document && placeOf(document.uri);
  if (!place || only.length === 0) return undefined;
  const text = only.slice(0, MOST_PROBLEMS).map(({ range, message, source, severity }) => {
    const kind = severity === vscode.DiagnosticSeverity.Error ? "error" : "warning";
    return `${place.path}:${range.start.line + 1}: ${kind}: ${message}${source ? ` (${source})` : ""}`;
  });
  const label = vscode.l10n.t("Problems in {0}", nameOf(place.path));
  return { kind: "problems", label, place, text: text.join("\n") };
}

function activeFile(): Attachment | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const place = uri && placeOf(uri);
  return place && { kind: "file", label: nameOf(place.path), place };
}

async function filesAndFolders(typed: string): Promise<Offer[]> {
  const glob = `**/*${[...typed].map((sign) => (/[a-z]/i.test(sign) ? `[${sign.toLowerCase()}${sign.toUpperCase()}]` : sign.replace(/[^\w.-]/, "?"))).join("")}*`;
  const [inNames, inFolders] = await Promise.all(
    [glob, `${glob}/*`].map((one) => vscode.workspace.findFiles(one, undefined, 4 * MOST_FILES)),
  );
  const files = inNames.flatMap((uri): Offer[] => {
    const place = placeOf(uri);
    return place
      ? [{ attachment: { kind: "file", label: nameOf(place.path), place }, detail: folderOf(place.path) }]
      : [];
  });
  const folders = new Map<string, Offer>();
  for (const uri of inFolders) {
    const place = placeOf(uri);
    const path = place ? folderOf(place.path) : "";
    if (!place || path === "") continue;
    const attachment: Attachment = {
      kind: "folder",
      label: `${nameOf(path)}/`,
      place: { rootUri: place.rootUri, path },
    };
    folders.set(path, { attachment, detail: folderOf(path) });
  }
  const short = (a: Offer, b: Offer): number => a.attachment.label.length - b.attachment.label.length;
  return [...files.sort(short).slice(0, MOST_FILES), ...[...folders.values()].sort(short).slice(0, MOST_FILES / 2)];
}

async function symbolsNamed(typed: string, server: ServerClient): Promise<Offer[]> {
  // Without a server there are no symbols to offer; the view says what is the matter.
  const found = await server.request(symbols, { query: typed }).catch(() => []);
  return found.slice(0, MOST_SYMBOLS).flatMap(({ name, location }): Offer[] => {
    const place = placeOf(vscode.Uri.parse(String(location.uri)));
    if (!place) return [];
    // Over LSP, lines begin with 0 and the end is not part of it.
    const range = location.range as unknown as { start: { line: number }; end: { line: number } };
    const lines = { startLine: range.start.line + 1, endLine: Math.max(range.end.line, range.start.line + 1) };
    return [{ attachment: { kind: "symbol", label: name, place: { ...place, ...lines } }, detail: place.path }];
  });
}

function placeOf(uri: vscode.Uri): { rootUri: string; path: string } | undefined {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (!folder || uri.scheme !== "file") return undefined;
  const path = uri.path.slice(folder.uri.path.replace(/\/$/, "").length + 1);
  return { rootUri: folder.uri.toString(), path };
}

function matches(label: string, kind: string, typed: string): boolean {
  const wanted = typed.toLowerCase();
  return label.toLowerCase().includes(wanted) || kind.startsWith(wanted);
}

function kindOf({ kind }: Attachment): string {
  if (kind === "selection") return vscode.l10n.t("what is selected");
  return kind === "problems" ? vscode.l10n.t("what the editor says is wrong") : vscode.l10n.t("the file that is open");
}

function keyOf({ kind, label, place }: Attachment): string {
  return `${kind} ${label} ${place.rootUri} ${place.path} ${place.startLine ?? ""}`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
