import type { TextDocumentItem, VersionedTextDocumentIdentifier } from "vscode-languageserver/node";
import { TextDocument, type TextDocumentContentChangeEvent } from "vscode-languageserver-textdocument";
import { uriToPath } from "./convert.ts";

/** The keys have rested when none was pressed for so long. */
const REST_MS = 300;

/** An open document, and the version of it that was saved and indexed; undefined while none was. */
interface OpenDocument {
  readonly path: string;
  readonly document: TextDocument;
  indexedVersion: number | undefined;
}

/** The client's open files as they are on screen. Untitled documents and those of other schemes are none of them. */
export class OpenDocuments {
  readonly #documents = new Map<string, OpenDocument>();
  /** Paths that changed since it was told. */
  readonly #changed = new Set<string>();
  readonly #tell: (paths: readonly string[]) => void;
  #rest: NodeJS.Timeout | undefined;

  /** @param tell called with the paths whose {@link textOf} changed, once the keys have rested. */
  constructor(tell: (paths: readonly string[]) => void) {
    this.#tell = tell;
  }

  get paths(): string[] {
    return [...this.#documents.keys()];
  }

  /** What is on screen; undefined when the file is closed, or is indexed as it is on screen. */
  textOf(path: string): string | undefined {
    const open = this.#documents.get(path);
    return open && open.document.version !== open.indexedVersion ? open.document.getText() : undefined;
  }

  /** Returns the document's path. An editor may open a file with what was left unsaved when it was last closed. */
  open({ uri, languageId, version, text }: TextDocumentItem): string | undefined {
    const path = uriToPath(uri);
    if (path === undefined) return undefined;
    this.#documents.set(path, {
      path,
      document: TextDocument.create(uri, languageId, version, text),
      indexedVersion: undefined,
    });
    this.#hasChanged(path);
    return path;
  }

  change({ uri, version }: VersionedTextDocumentIdentifier, changes: TextDocumentContentChangeEvent[]): void {
    const open = this.#of(uri);
    if (open === undefined) return;
    TextDocument.update(open.document, changes, version);
    this.#hasChanged(open.path);
  }

  versionOf(path: string): number | undefined {
    return this.#documents.get(path)?.document.version;
  }

  /** That version of the file is on disk and can be found there. */
  isIndexed(path: string, version: number | undefined): void {
    const open = this.#documents.get(path);
    if (open) open.indexedVersion = version;
  }

  close({ uri }: { uri: string }): void {
    const open = this.#of(uri);
    if (open === undefined) return;
    this.#documents.delete(open.path);
    this.#changed.delete(open.path);
    this.#tell([open.path]);
  }

  /** The paths that changed since it was told, for a question that must not wait for the keys to rest. */
  takeChanged(): readonly string[] {
    clearTimeout(this.#rest);
    const paths = [...this.#changed];
    this.#changed.clear();
    return paths;
  }

  #of(uri: string): OpenDocument | undefined {
    return this.#documents.get(uriToPath(uri) ?? "");
  }

  #hasChanged(path: string): void {
    this.#changed.add(path);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#tell(this.takeChanged()), REST_MS);
    this.#rest.unref();
  }
}
