import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { type Conversation, mentions } from "../shared/conversation.ts";

const CURRENT = "cairn.conversation";
const FOLDER = "conversations";

/**
 * The conversations of this workspace: a file each in the folder that the editor gives the extension for the workspace.
 * Where it gives none, in a window without a folder, they last as long as the window.
 */
export class Conversations {
  readonly #folder: vscode.Uri | undefined;
  readonly #state: vscode.Memento;
  readonly #warn: (message: string) => void;
  #all: Promise<Map<string, Conversation>> | undefined;
  /** Writes one after the other, so that the last one is what stays. */
  #written: Promise<void> = Promise.resolve();

  constructor(context: vscode.ExtensionContext, warn: (message: string) => void) {
    this.#folder = context.storageUri && vscode.Uri.joinPath(context.storageUri, FOLDER);
    this.#state = context.workspaceState;
    this.#warn = warn;
  }

  /** The one that was shown last, or a new one. */
  async current(): Promise<Conversation> {
    const id = this.#state.get<string>(CURRENT);
    return (id && (await this.#load()).get(id)) || this.begin();
  }

  /** A conversation without a question; it is kept from the first on. */
  begin(): Conversation {
    return { id: randomUUID(), name: "", changedAt: Date.now(), exchanges: [] };
  }

  /** Those that mention all these words, the one that was changed last first. */
  async find(words = ""): Promise<Conversation[]> {
    const all = [...(await this.#load()).values()].sort((a, b) => b.changedAt - a.changedAt);
    return words.trim() === "" ? all : all.filter((one) => mentions(one, words.trim()));
  }

  async get(id: string): Promise<Conversation | undefined> {
    return (await this.#load()).get(id);
  }

  async setCurrent({ id }: Conversation): Promise<void> {
    await this.#state.update(CURRENT, id);
  }

  /** Keeps it as it is now. */
  async save(conversation: Conversation): Promise<void> {
    if (conversation.exchanges.length === 0 && !conversation.name) return;
    (await this.#load()).set(conversation.id, conversation);
    await this.#write(async (folder) => {
      const bytes = new TextEncoder().encode(JSON.stringify(conversation));
      const file = fileOf(folder, conversation.id);
      const fresh = file.with({ path: `${file.path}.incomplete` });
      await vscode.workspace.fs.writeFile(fresh, bytes);
      await vscode.workspace.fs.rename(fresh, file, { overwrite: true });
    });
  }

  async delete({ id }: Conversation): Promise<void> {
    (await this.#load()).delete(id);
    await this.#write((folder) => vscode.workspace.fs.delete(fileOf(folder, id)));
  }

  #write(write: (folder: vscode.Uri) => Thenable<void>): Promise<void> {
    const folder = this.#folder;
    if (!folder) return Promise.resolve();
    this.#written = this.#written.then(async () => {
      try {
        await vscode.workspace.fs.createDirectory(folder);
        await write(folder);
      } catch (error) {
        this.#warn(`A conversation could not be kept: ${error instanceof Error ? error.message : error}`);
      }
    });
    return this.#written;
  }

  #load(): Promise<Map<string, Conversation>> {
    this.#all ??= this.#read();
    return this.#all;
  }

  async #read(): Promise<Map<string, Conversation>> {
    const folder = this.#folder;
    if (!folder) return new Map();
    const entries = await Promise.resolve(vscode.workspace.fs.readDirectory(folder)).catch(() => []);
    const names = entries.map(([name]) => name).filter((name) => name.endsWith(".json"));
    const read = await Promise.all(names.map((name) => this.#readOne(vscode.Uri.joinPath(folder, name))));
    return new Map(read.flatMap((one) => (one ? [[one.id, one]] : [])));
  }

  /** What is damaged is left where it is, and left out. */
  async #readOne(file: vscode.Uri): Promise<Conversation | undefined> {
    try {
      const read: Conversation = JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(file)));
      if (typeof read.id === "string" && Array.isArray(read.exchanges)) return interrupted(read);
      throw new Error("it is no conversation");
    } catch (error) {
      this.#warn(`${file.fsPath} cannot be read: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
}

/** What was still coming when the window was closed comes no more. */
function interrupted(conversation: Conversation): Conversation {
  const exchanges = conversation.exchanges.map((exchange) =>
    exchange.reply.end ? exchange : { ...exchange, reply: { ...exchange.reply, end: { kind: "stopped" } as const } },
  );
  return { ...conversation, exchanges };
}

function fileOf(folder: vscode.Uri, id: string): vscode.Uri {
  return vscode.Uri.joinPath(folder, `${id}.json`);
}
