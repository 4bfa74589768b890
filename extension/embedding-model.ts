import * as vscode from "vscode";
import type {
  CatalogChoice,
  ChoiceCosts,
  EmbeddingChoices,
  FormChoice,
  PrecisionChoice,
  ServerChoice,
} from "../shared/embedding-types.ts";
import { ToServer } from "../shared/protocol.ts";
import type { ServerClient } from "./client.ts";
import { files, inBytes, pieces } from "./file-shape.ts";
import { offerGpuLibraries } from "./gpu-libraries.ts";
import { setInstead, showDownload, showFailure, warnOverruled, withProgress } from "./model-download.ts";
import { type PrecisionQuestion, pickPrecision } from "./precision-picker.ts";
import type { ProviderKeys } from "./provider-keys.ts";
import { pickForm } from "./vector-form-picker.ts";

const BUNDLED = "bundled";

/** A model of each provider that many people use. */
const USUAL: Readonly<Record<string, string>> = {
  openai: "text-embedding-3-small",
  azure: "text-embedding-3-small",
  ollama: "nomic-embed-text",
  lmstudio: "text-embedding-nomic-embed-text-v1.5",
};

type Picked =
  | { readonly kind: "bundled" }
  | { readonly kind: "model"; readonly model: CatalogChoice }
  | { readonly kind: "server"; readonly server: ServerChoice }
  /** The one in use, kept otherwise. */
  | { readonly kind: "form" }
  /** Any other of the Hub, and one that the user has. */
  | { readonly kind: "hub" | "file" | "folder" };

/** The command that chooses the model that searches: it says what that costs before anything changes. */
export function registerEmbeddingModel(server: ServerClient, keys: ProviderKeys): vscode.Disposable {
  async function choose(): Promise<void> {
    for (let done = false; !done; ) {
      const choices = await server.request(ToServer.embeddingModels, {});
      const picked = await pick(choices);
      done = !picked || (await take(picked, choices));
    }
  }

  /** @returns false when the user came back from what follows the list */
  async function take(picked: Picked, { chosen, servers }: EmbeddingChoices): Promise<boolean> {
    if (picked.kind === "bundled") return use(BUNDLED);
    if (picked.kind === "form")
      return changeForm(
        chosen,
        servers.some((server) => runs(server, chosen)),
      );
    if (picked.kind === "model") {
      const { id, precisions, mayHaveMore } = picked.model;
      const lookForMore = mayHaveMore ? () => offered(id) : undefined;
      return choosePrecision({ model: id, known: precisions, chosen, lookForMore });
    }
    const named = await nameOf(picked, keys);
    if (named === undefined) return false;
    if (picked.kind === "server") return agreeAndUse(named);
    if (picked.kind === "file") return chooseForm({ name: named, onDisk: true });
    const precisions = await offered(named);
    // How long the vectors of any other of the Hub are is known once it is there.
    return choosePrecision({ model: named, known: precisions, chosen }, picked.kind === "hub");
  }

  /** Precision, then form, back and forth. */
  async function choosePrecision(question: PrecisionQuestion, pullFirst = false): Promise<boolean> {
    for (;;) {
      const precision = await pickPrecision(question);
      if (!precision) return false;
      if (await chooseForm(precision, pullFirst)) return true;
      if (question.known.length === 1 && !question.lookForMore) return false;
    }
  }

  async function chooseForm(
    { name, onDisk }: Pick<PrecisionChoice, "name" | "onDisk">,
    pullFirst = false,
  ): Promise<boolean> {
    const looked = pullFirst ? await download(name) : name;
    const form = await pickForm(looked, forms(looked));
    if (!form) return false;
    return agreeAndUse(onDisk || pullFirst ? looked : await download(name), form);
  }

  /** Nothing is asked where the other form is made of what is stored here, and nothing is sent for it. */
  async function changeForm(model: string, onServer: boolean): Promise<boolean> {
    const form = await pickForm(model, forms(model));
    if (!form) return false;
    const isMade = !onServer && ["same", "larger"].includes(form.stored);
    return isMade ? use(model, form) : agreeAndUse(model, form);
  }

  async function agreeAndUse(model: string, choice?: FormChoice): Promise<boolean> {
    const form = choice?.form;
    const costs = await withProgress(vscode.l10n.t("Cairn: counting what {0} would embed", model), (token) =>
      server.request(ToServer.embeddingCosts, { model, form }, token),
    );
    if (await agrees(model, costs)) await use(model, choice);
    return true;
  }

  async function use(model: string, choice?: FormChoice): Promise<boolean> {
    const [location, title] = [
      vscode.ProgressLocation.Window,
      vscode.l10n.t("Cairn: changing the model that searches"),
    ];
    const { overruledBy, formOverruledBy } = await vscode.window.withProgress({ location, title }, () =>
      server.request(ToServer.embeddingUse, { model, form: choice?.form }),
    );
    if (overruledBy !== "" && !(await setInstead("embedding.model", model))) warnOverruled(overruledBy);
    for (const key of ["vectors", "dimensions"] as const) {
      const by = formOverruledBy[key];
      if (by !== "" && choice && !(await setInstead(`embedding.${key}`, choice.form[key]))) warnFormOverruled(by);
    }
    if (isModelFile(model)) await offerGpuLibraries(server);
    return true;
  }

  function offered(model: string): Promise<readonly PrecisionChoice[]> {
    return withProgress(vscode.l10n.t("Cairn: looking which precisions {0} has", model), (token) =>
      server.request(ToServer.embeddingPrecisions, { model }, token),
    );
  }

  function forms(model: string): (dimensions?: string) => Promise<readonly FormChoice[]> {
    return (dimensions) => server.request(ToServer.embeddingForms, { model, dimensions });
  }

  /** @returns the name under which it can be used */
  async function download(name: string): Promise<string> {
    const { model } = await showDownload(server, vscode.l10n.t("Cairn: downloading {0}", name), (task, token) =>
      server.request(ToServer.embeddingPull, { model: name, task }, token),
    );
    return model;
  }

  return vscode.commands.registerCommand("cairn.chooseEmbeddingModel", () => choose().catch(showFailure));
}

function warnFormOverruled(by: string): void {
  void vscode.window.showWarningMessage(
    vscode.l10n.t("The environment of Cairn's server wants the vectors kept otherwise, and that holds: {0}", by),
  );
}

/** Of a model by its path: one of the user's own that llama.cpp runs. */
function isModelFile(name: string): boolean {
  return /\.gguf$/i.test(name);
}

async function pick({ chosen, form, models, servers }: EmbeddingChoices): Promise<Picked | undefined> {
  const separator = (label: string) => ({ label, kind: vscode.QuickPickItemKind.Separator, choice: undefined });
  const mark = (is: boolean) => (is ? "$(check) " : "");
  const modelItem = (model: CatalogChoice) => ({
    label: `${mark(isChosen(model, chosen))}${model.id}`,
    description: [
      inBytes(model.bytes),
      vscode.l10n.t("{0} numbers a vector", model.dims),
      model.licence,
      model.onDisk ? "" : vscode.l10n.t("to be downloaded"),
    ]
      .filter(Boolean)
      .join(" · "),
    detail: model.about,
    choice: { kind: "model", model } as const,
  });
  const serverItem = (server: ServerChoice) => ({
    label: `${mark(runs(server, chosen))}${server.provider}`,
    description: [
      server.destination || vscode.l10n.t("its address is to be set in cairn.embedding.endpoint"),
      server.hasKey ? "" : vscode.l10n.t("wants a key"),
      runs(server, chosen) ? chosen : "",
    ]
      .filter(Boolean)
      .join(" · "),
    choice: { kind: "server", server } as const,
  });
  const items = [
    {
      label: `${mark(chosen === BUNDLED)}${vscode.l10n.t("The model in the package")}`,
      description: vscode.l10n.t("always there, nothing to download"),
      choice: { kind: "bundled" } as const,
    },
    ...(chosen === BUNDLED
      ? []
      : [
          {
            label: `$(settings-gear) ${vscode.l10n.t("Change How Its Vectors Are Kept...")}`,
            description: [chosen, form.vectors || "int8", form.dimensions].filter(Boolean).join(" · "),
            choice: { kind: "form" } as const,
          },
        ]),
    separator(vscode.l10n.t("on this machine")),
    ...models.filter(({ onDisk }) => onDisk).map(modelItem),
    {
      label: vscode.l10n.t("A GGUF File..."),
      description: vscode.l10n.t("run by llama.cpp, on the graphics processor where it can"),
      choice: { kind: "file" } as const,
    },
    {
      label: vscode.l10n.t("A Folder with an ONNX Model..."),
      description: vscode.l10n.t("with its tokenizer"),
      choice: { kind: "folder" } as const,
    },
    separator(vscode.l10n.t("from the Hugging Face Hub")),
    {
      label: vscode.l10n.t("Any Other by Its Name..."),
      description: vscode.l10n.t("for example {0}", "BAAI/bge-small-en-v1.5"),
      choice: { kind: "hub" } as const,
    },
    ...models.filter(({ onDisk }) => !onDisk).map(modelItem),
    separator(vscode.l10n.t("on a server")),
    ...servers.map(serverItem),
  ];
  const placeHolder = vscode.l10n.t("Which model compares questions with code?");
  const title = vscode.l10n.t("Choose Embedding Model");
  return (await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true }))?.choice;
}

function runs({ provider }: ServerChoice, model: string): boolean {
  return model.startsWith(`${provider}:`);
}

function isChosen({ id, precisions }: CatalogChoice, chosen: string): boolean {
  return chosen === id || precisions.some(({ name }) => name === chosen);
}

/** The choice as `cairn.embedding.model` takes it; undefined when the user leaves. */
async function nameOf(
  picked: Extract<Picked, { readonly kind: "hub" | "file" | "folder" | "server" }>,
  keys: ProviderKeys,
): Promise<string | undefined> {
  if (picked.kind === "hub") return repository();
  if (picked.kind !== "server") return path(picked.kind);
  const { provider, hasKey } = picked.server;
  if (!hasKey) await keys.set(provider);
  const model = await vscode.window.showInputBox({
    title: vscode.l10n.t("Embedding model of {0}", provider),
    prompt: vscode.l10n.t("Add @512 for vectors of 512 numbers, where the model can give them."),
    value: USUAL[provider] ?? "",
    ignoreFocusOut: true,
  });
  return model?.trim() ? `${provider}:${model.trim()}` : undefined;
}

async function repository(): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t("Embedding model of the Hub"),
    prompt: vscode.l10n.t("Its owner and its name. It must be there in ONNX form or as a GGUF file."),
    placeHolder: "BAAI/bge-small-en-v1.5",
    validateInput: (text) =>
      text.trim() === "" || /^[\w-][\w.-]*\/[\w-][\w.-]*(?:@[\w-][\w.-]*)?$/.test(text.trim())
        ? undefined
        : vscode.l10n.t("An owner, a slash and a name, as in {0}", "BAAI/bge-small-en-v1.5"),
    ignoreFocusOut: true,
  });
  return name?.trim() || undefined;
}

async function path(kind: "file" | "folder"): Promise<string | undefined> {
  const [chosen] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: kind === "file",
      canSelectFolders: kind === "folder",
      filters: kind === "file" ? { GGUF: ["gguf"] } : {},
      openLabel: vscode.l10n.t("Choose"),
      title: vscode.l10n.t("Choose Embedding Model"),
    })) ?? [];
  return chosen?.fsPath;
}

/** Says what the choice costs; of a server what leaves this machine, to where and at what price. */
async function agrees(model: string, { costs, fees }: ChoiceCosts): Promise<boolean> {
  const sent = fees.filter(({ agreed }) => !agreed);
  const lines = [
    ...costs.map(({ folder, chunks, seconds, bytes }) =>
      seconds === 0
        ? vscode.l10n.t("{0}: {1} of code to embed, {2} on disk.", folder, pieces(chunks), inBytes(bytes))
        : vscode.l10n.t(
            "{0}: {1} of code to embed, about {2}, {3} on disk.",
            folder,
            pieces(chunks),
            inTime(seconds),
            inBytes(bytes),
          ),
    ),
    ...fees.map(({ folder, files: count, chunks, bytes, dollars }) => {
      const much = [files(count), pieces(chunks), inBytes(bytes), inMoney(dollars)].join(", ");
      return `${folder}: ${much}.`;
    }),
  ];
  const where = sent[0]?.destination;
  const consent =
    where === undefined
      ? ""
      : vscode.l10n.t(
          "The code of these folders goes to {0}, now and whenever it changes, and the words of each search and question. Files that match cairn.neverSend are never sent; here that is {1}.",
          where,
          files(sent.reduce((sum, { withheld }) => sum + withheld, 0)),
        );
  const meanwhile = vscode.l10n.t("Until its vectors are there, the model in the package searches.");
  const title = where
    ? vscode.l10n.t("Send the code of these folders to another machine, and search by {0}?", model)
    : vscode.l10n.t("Search by {0}?", model);
  const yes = where ? vscode.l10n.t("Send It and Search by It") : vscode.l10n.t("Search by It");
  const detail = [...lines, consent, meanwhile].filter(Boolean).join("\n");
  return (await vscode.window.showWarningMessage(title, { modal: true, detail }, yes)) === yes;
}

function inMoney(dollars: number | undefined): string {
  if (dollars === undefined) return vscode.l10n.t("at a price that is not known here");
  return vscode.l10n.t("about {0} US dollars", dollars.toFixed(dollars < 0.01 ? 4 : 2));
}

function inTime(seconds: number): string {
  if (seconds < 90) return vscode.l10n.t("{0} s", Math.ceil(seconds));
  return vscode.l10n.t("{0} min", Math.ceil(seconds / 60));
}
