import * as vscode from "vscode";
import { type KeptResults, keptText, titleOf } from "./kept-text.ts";
import { fileUriOf } from "./open-hit.ts";
import type { SearchView } from "./search-view.ts";

const SCHEME = "cairn-results";
const KEY = "cairn.keptResults";
/** Older ones are forgotten; their documents then say so. */
const MAX_KEPT = 20;

/** The command that keeps what the search view shows as a read-only document whose places are links. */
export function registerKeptResults(context: vscode.ExtensionContext, view: SearchView): vscode.Disposable {
  const state = context.workspaceState;
  const all = (): Readonly<Record<string, KeptResults>> => state.get(KEY, {});
  const find = (uri: vscode.Uri): KeptResults | undefined => all()[uri.query];

  async function keep(): Promise<void> {
    const { search, hits } = view.shown;
    if (hits.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t("There are no results to keep. Search for something first."),
      );
      return;
    }
    const id = String(Date.now());
    const kept = [...Object.entries(all()), [id, { search, hits }] as const].slice(-MAX_KEPT);
    await state.update(KEY, Object.fromEntries(kept));
    await vscode.window.showTextDocument(uriOf(id, search), { preview: false });
  }

  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
      provideTextDocumentContent: (uri) => {
        const kept = find(uri);
        return kept ? keptText(kept, vscode.l10n.bundle).text : vscode.l10n.t("These results are no longer kept.");
      },
    }),
    vscode.languages.registerDocumentLinkProvider(
      { scheme: SCHEME },
      {
        provideDocumentLinks: ({ uri }) => {
          const kept = find(uri);
          return kept
            ? keptText(kept, vscode.l10n.bundle).links.map(({ line, start, end, hit }) => {
                const target = fileUriOf(hit).with({ fragment: `L${hit.focusLine}` });
                return new vscode.DocumentLink(new vscode.Range(line, start, line, end), target);
              })
            : [];
        },
      },
    ),
    vscode.commands.registerCommand("cairn.keepResults", keep),
  );
}

/** The tab is named after the question. */
function uriOf(id: string, search: KeptResults["search"]): vscode.Uri {
  const name = titleOf(search, vscode.l10n.bundle).replaceAll(/[/\\]/g, " ").slice(0, 60).trim();
  return vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: id });
}
