import * as vscode from "vscode";
import type { SearchFilter } from "../shared/search-filters.ts";
import { CHUNK_KINDS } from "../shared/search-types.ts";
import type { SearchView } from "./search-view.ts";

interface FilterItem extends vscode.QuickPickItem {
  /** Undefined where the value is still to be typed. */
  filter?: SearchFilter;
  ask?: SearchFilter["type"];
}

/** The command that lets the user choose a filter for the search view. */
export function registerFilterPicker(view: SearchView): vscode.Disposable {
  return vscode.commands.registerCommand("cairn.addFilter", async () => {
    const chosen = await vscode.window.showQuickPick(itemsFor(view), {
      title: vscode.l10n.t("Add Filter"),
      placeHolder: vscode.l10n.t("What to keep of the results"),
      matchOnDescription: true,
    });
    const filter = chosen?.filter ?? (chosen?.ask ? await askFor(chosen.ask) : undefined);
    if (filter) await view.addFilter(filter);
  });
}

function itemsFor(view: SearchView): FilterItem[] {
  const { hits, search } = view.shown;
  const chosen = (filter: SearchFilter): boolean =>
    search.filters.some(({ type, value }) => type === filter.type && value === filter.value);
  const options = (type: SearchFilter["type"], values: Iterable<string>): FilterItem[] =>
    [...values].map((value) => ({ label: value, filter: { type, value } })).filter(({ filter }) => !chosen(filter));
  const separator = (label: string): FilterItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  return [
    separator(vscode.l10n.t("Path")),
    { label: vscode.l10n.t("Files or folder…"), description: "src/**, *.ts", ask: "path" },
    ...options("path", new Set(hits.flatMap(({ path }) => topFolder(path)))),
    separator(vscode.l10n.t("Language")),
    ...options("language", new Set(hits.map(({ language }) => language).sort())),
    { label: vscode.l10n.t("Another language…"), description: "typescript, python", ask: "language" },
    separator(vscode.l10n.t("Kind")),
    ...options("kind", CHUNK_KINDS),
  ];
}

async function askFor(type: SearchFilter["type"]): Promise<SearchFilter | undefined> {
  const value = await vscode.window.showInputBox(
    type === "path"
      ? {
          title: vscode.l10n.t("Filter by Path"),
          prompt: vscode.l10n.t("A folder, or a pattern such as src/** or *.ts, relative to the opened folder"),
        }
      : {
          title: vscode.l10n.t("Filter by Language"),
          prompt: vscode.l10n.t("A language such as typescript or python"),
        },
  );
  return value?.trim() ? { type, value: value.trim() } : undefined;
}

/** The folder of the root that the file lies below. */
function topFolder(path: string): string[] {
  const slash = path.indexOf("/");
  return slash < 0 ? [] : [path.slice(0, slash)];
}
