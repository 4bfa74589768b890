import * as vscode from "vscode";
import { ToServer } from "../shared/protocol.ts";
import type { SkippedFile } from "../shared/search-types.ts";
import type { ServerClient } from "./client.ts";
import { files, pieces, shapeInWords } from "./file-shape.ts";
import { entriesIn } from "./path-tree.ts";

const VIEW = "cairn.contents";

type Node =
  | { kind: "root"; rootUri: string }
  /** All that can be found. */
  | { kind: "indexed"; rootUri: string }
  /** All that is left out for one reason. */
  | { kind: "reason"; rootUri: string; code: string }
  /** A folder inside one of the two groups above; `code` is undefined in the first. */
  | { kind: "folder"; rootUri: string; code: string | undefined; path: string; name: string; count: number }
  | { kind: "file"; rootUri: string; code: string | undefined; path: string; name: string; about: string };

/** The tree of what is indexed and what is not, with the reason for each, and the commands that belong to it. */
export function registerContentsView(server: ServerClient): vscode.Disposable {
  const tree = new ContentsTree(server);
  const view = vscode.window.createTreeView(VIEW, { treeDataProvider: tree, showCollapseAll: true });
  const follow = (): void => {
    view.message = messageOf(server);
    tree.follow();
  };
  follow();
  return vscode.Disposable.from(
    view,
    tree,
    server.onDidChange(follow),
    vscode.commands.registerCommand("cairn.showContents", () => vscode.commands.executeCommand(`${VIEW}.focus`)),
    vscode.commands.registerCommand("cairn.refreshContents", () => tree.refresh()),
    vscode.commands.registerCommand("cairn.openContent", (node: Node) => openContent(node)),
  );
}

class ContentsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #server: ServerClient;
  readonly #changed = new vscode.EventEmitter<undefined>();
  /** The files left out of each folder, asked for once between two refreshes. */
  #skipped = new Map<string, Promise<readonly SkippedFile[]>>();
  /** What the tree was last built for. */
  #shown = "";

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(server: ServerClient) {
    this.#server = server;
  }

  /** Shows what has changed; while indexing goes on the counts change all the time, and the tree waits for its end. */
  follow(): void {
    const { state, statuses } = this.#server;
    const now = JSON.stringify([
      state.kind,
      ...[...statuses].map(([uri, { phase, files, skipped }]) => [
        uri,
        phase,
        phase === "ready" ? [files, skipped] : 0,
      ]),
    ]);
    if (now === this.#shown) return;
    this.#shown = now;
    this.refresh();
  }

  refresh(): void {
    this.#skipped.clear();
    this.#changed.fire(undefined);
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const item = new vscode.TreeItem(this.#label(node), collapsibleState(node));
    item.id = JSON.stringify([
      node.kind,
      node.rootUri,
      "code" in node ? node.code : "",
      "path" in node ? node.path : "",
    ]);
    item.description = this.#description(node);
    item.contextValue = node.kind;
    switch (node.kind) {
      case "root":
        item.iconPath = new vscode.ThemeIcon("root-folder");
        break;
      case "indexed":
        item.iconPath = new vscode.ThemeIcon("pass");
        item.tooltip = this.#sizes(node.rootUri);
        break;
      case "reason":
        item.iconPath = new vscode.ThemeIcon("circle-slash");
        break;
      case "folder":
        item.iconPath = vscode.ThemeIcon.Folder;
        item.resourceUri = uriOf(node);
        break;
      case "file":
        item.iconPath = vscode.ThemeIcon.File;
        item.resourceUri = uriOf(node);
        item.tooltip = `${node.path}\n${node.about}`;
        item.command = { title: vscode.l10n.t("Open"), command: "cairn.openContent", arguments: [node] };
    }
    item.accessibilityInformation = { label: [item.label, item.description].filter(Boolean).join(", ") };
    return item;
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) {
      const roots = this.#server.state.kind === "running" ? [...this.#server.statuses.keys()] : [];
      return roots.length === 1 ? this.#groups(roots[0]) : roots.map((rootUri) => ({ kind: "root", rootUri }));
    }
    switch (node.kind) {
      case "root":
        return this.#groups(node.rootUri);
      case "indexed":
        return this.#indexedIn(node.rootUri, "");
      case "reason":
        return this.#leftOutIn(node.rootUri, node.code, "");
      case "folder":
        return node.code === undefined
          ? this.#indexedIn(node.rootUri, node.path)
          : this.#leftOutIn(node.rootUri, node.code, node.path);
      case "file":
        return [];
    }
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #groups(rootUri: string): Node[] {
    const counts = Object.entries(this.#server.statuses.get(rootUri)?.skipped ?? {});
    const reasons = counts.sort(([, a], [, b]) => b - a).map(([code]): Node => ({ kind: "reason", rootUri, code }));
    return [{ kind: "indexed", rootUri }, ...reasons];
  }

  async #indexedIn(rootUri: string, folder: string): Promise<Node[]> {
    const found = await this.#server.request(ToServer.indexedIn, { rootUri, folder });
    const pathOf = (name: string): string => (folder === "" ? name : `${folder}/${name}`);
    return [
      ...found.folders.map(({ name, files: count }): Node => {
        return { kind: "folder", rootUri, code: undefined, path: pathOf(name), name, count };
      }),
      ...found.files.map(({ name, language, shape, chunks }): Node => {
        const about = `${language}, ${pieces(chunks)}, ${shapeInWords(shape)}`;
        return { kind: "file", rootUri, code: undefined, path: pathOf(name), name, about };
      }),
    ];
  }

  async #leftOutIn(rootUri: string, code: string, folder: string): Promise<Node[]> {
    const leftOut = (await this.#skippedOf(rootUri)).filter((file) => file.code === code);
    const found = entriesIn(leftOut, folder);
    return [
      ...found.folders.map(({ name, files: count }): Node => {
        return { kind: "folder", rootUri, code, path: folder === "" ? name : `${folder}/${name}`, name, count };
      }),
      ...found.files.map(({ name, file }): Node => {
        return { kind: "file", rootUri, code, path: file.path, name, about: file.reason };
      }),
    ];
  }

  #skippedOf(rootUri: string): Promise<readonly SkippedFile[]> {
    const known = this.#skipped.get(rootUri);
    if (known) return known;
    const asked = this.#server.request(ToServer.skipped, { rootUri }).then(([answer]) => answer?.skipped ?? []);
    this.#skipped.set(rootUri, asked);
    return asked;
  }

  #label(node: Node): string {
    switch (node.kind) {
      case "root":
        return folderName(node.rootUri);
      case "indexed":
        return vscode.l10n.t("Indexed");
      case "reason":
        return reasonInWords(node.code);
      default:
        return node.name;
    }
  }

  #description(node: Node): string {
    const status = this.#server.statuses.get(node.rootUri);
    switch (node.kind) {
      case "root":
        return status?.message ?? "";
      case "indexed":
        return `${files(status?.files ?? 0)}, ${pieces(status?.chunks ?? 0)}`;
      case "reason":
        return (status?.skipped[node.code] ?? 0).toLocaleString(vscode.env.language);
      case "folder":
        return files(node.count);
      case "file":
        return node.about;
    }
  }

  #sizes(rootUri: string): string {
    const { indexBytes = 0, vectorBytes = 0 } = this.#server.statuses.get(rootUri) ?? {};
    return vscode.l10n.t(
      "The index takes {0} MB on disk, the vectors of all your folders {1} MB.",
      (indexBytes / 1e6).toFixed(1),
      (vectorBytes / 1e6).toFixed(1),
    );
  }
}

function collapsibleState({ kind }: Node): vscode.TreeItemCollapsibleState {
  if (kind === "file") return vscode.TreeItemCollapsibleState.None;
  return kind === "root" ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
}

/** Opens a file, or shows a folder that is left out as a whole where folders are shown. */
async function openContent(node: Node): Promise<void> {
  if (node.kind !== "file") return;
  const uri = uriOf(node);
  try {
    const { type } = await vscode.workspace.fs.stat(uri);
    const isFolder = (type & vscode.FileType.Directory) !== 0;
    await vscode.commands.executeCommand(isFolder ? "revealInExplorer" : "vscode.open", uri);
  } catch {
    vscode.window.setStatusBarMessage(vscode.l10n.t("{0} is no longer there.", node.path), 5000);
  }
}

function uriOf({ rootUri, path }: { rootUri: string; path: string }): vscode.Uri {
  return vscode.Uri.joinPath(vscode.Uri.parse(rootUri), ...path.split("/"));
}

function folderName(rootUri: string): string {
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === rootUri);
  return folder?.name ?? rootUri;
}

/** Why there is no tree, or what is the matter with the index; undefined when all is said by the tree. */
function messageOf({ state, statuses }: ServerClient): string | undefined {
  switch (state.kind) {
    case "no-folder":
      return vscode.l10n.t("Open a folder to search it by meaning.");
    case "untrusted":
      return vscode.l10n.t("Nothing is indexed until you trust this workspace.");
    case "starting":
      return vscode.l10n.t("The server is starting.");
    case "running":
      return [...statuses.values()].map(({ message }) => message).find((message) => message !== "");
    default:
      return state.message;
  }
}

function reasonInWords(code: string): string {
  switch (code) {
    case "ignored":
      return vscode.l10n.t("Named by ignore rules");
    case "excluded":
      return vscode.l10n.t("Excluded by settings");
    case "secret":
      return vscode.l10n.t("Usually hold secrets");
    case "binary":
      return vscode.l10n.t("Not text");
    case "minified":
      return vscode.l10n.t("Minified");
    case "generated":
      return vscode.l10n.t("Generated");
    case "lock":
      return vscode.l10n.t("Lock files");
    case "large":
      return vscode.l10n.t("Too large");
    case "unreadable":
      return vscode.l10n.t("Cannot be read");
    case "special":
      return vscode.l10n.t("Links and devices");
    case "loop":
      return vscode.l10n.t("Links in a circle");
    case "encoding":
      return vscode.l10n.t("Names that are not valid text");
    default:
      return code;
  }
}
