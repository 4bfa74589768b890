import type {
  AnswerPart,
  AnswerSource,
  AskRequest,
  AskResult,
  CodePlace,
  Destination,
  ProviderKey,
} from "../../shared/answer-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { phrase, type Say } from "../../shared/phrase.ts";
import type { AnswerProgress } from "../../shared/protocol.ts";
import type { ReadRequest } from "../../shared/search-types.ts";
import type { Settings } from "../../shared/settings.ts";
import { agree, notAgreed } from "../answer/agreed-providers.ts";
import { type AnswerEvent, answer } from "../answer/answer.ts";
import { type AnswerCache, createAnswerCache } from "../answer/answer-cache.ts";
import { chooseProviders } from "../answer/choose-providers.ts";
import type { EditorModels } from "../answer/editor-models.ts";
import { withKeys } from "../answer/given-keys.ts";
import { JoinedFolders, type NamedFolder } from "../answer/joined-folders.ts";
import type { Provider } from "../answer/llm.ts";
import { PIPED, type Source } from "../answer/source.ts";
import type { Asking } from "../assistant/written-answer.ts";
import type { Host } from "../host.ts";
import { cacheDirectoryOf } from "../opening.ts";
import { createRouter } from "../route/create-router.ts";
import type { Router } from "../route/router.ts";
import { usageRecorder } from "../usage/usage-recorder.ts";
import type { OpenRoot } from "./roots.ts";

type AskedFolder = NamedFolder & OpenRoot;
type Folders = JoinedFolders<AskedFolder>;

/** Answers a client's questions: converts what it asks, and sends what comes part by part. */
export class Answers {
  readonly #host: Host;
  readonly #say: Say;
  readonly #editor: EditorModels;
  readonly #send: (progress: AnswerProgress) => void;
  #keys: readonly ProviderKey[] = [];
  /** Kept from question to question, for what they know: who fails, what the account offers, how much it may send. */
  readonly #providers = new Map<string, readonly Provider[]>();
  /** No longer asked, but an answer may still be on its way from one of them. */
  readonly #dropped: Provider[] = [];
  #running = 0;
  #router: { readonly of: Settings; readonly router: Promise<Router | undefined> } | undefined;
  #cache: { readonly of: Settings; readonly cache: AnswerCache | undefined } | undefined;
  #settings: Settings | undefined;

  /**
   * @param editor the language models of the client's editor
   * @param send sends parts to the client
   */
  constructor(host: Host, say: Say, editor: EditorModels, send: (progress: AnswerProgress) => void) {
    this.#editor = editor;
    this.#host = host;
    this.#say = say;
    this.#send = send;
  }

  /** The environment, with the keys that the client keeps. */
  get env(): Host["env"] {
    return withKeys(this.#host.env, this.#keys);
  }

  useKeys(keys: readonly ProviderKey[]): null {
    this.#keys = keys;
    this.#dropProviders();
    return null;
  }

  agree(settings: Settings, destinations: readonly Destination[]): null {
    const providers = destinations.map(({ provider, address }) => ({ name: provider, destination: address }));
    agree(cacheDirectoryOf(settings, this.#host.env), providers);
    return null;
  }

  /** Who writes answers for assistants. */
  asking(settings: Settings): Asking {
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    return {
      settings,
      cacheDirectory,
      providers: () => this.#providersFor(settings, {}),
      router: () => this.#routerFor(settings),
      cache: () => this.#cacheFor(settings),
    };
  }

  /**
   * Sends the parts of the answer and gives its record, or says to whom the user has to agree first.
   * @throws CairnError when no folder is open, or a provider fails and there is no fallback
   */
  async ask(
    request: AskRequest,
    settings: Settings,
    opened: readonly AskedFolder[],
    signal: AbortSignal,
  ): Promise<AskResult> {
    const { task, text, history, wants, anew, along: piped } = request;
    if (opened.length === 0) {
      throw new CairnError("input", phrase("No folder is open."), phrase("Open one to ask about its code."));
    }
    const all = this.#providersFor(settings, request);
    const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
    const fresh = notAgreed(cacheDirectory, all);
    if (fresh.length > 0 && !request.onlyAgreed) {
      return { kind: "consent", destinations: fresh.map(({ name, destination }) => toDestination(name, destination)) };
    }
    const folders = new JoinedFolders(opened);
    const about = placesIn(folders, opened, request.about);
    const paths = placesIn(folders, opened, request.within).map(({ path }) => path);
    const question = { text, history, wants, anew, piped, about, ...(paths.length > 0 && { paths }) };
    const parts = {
      workspace: folders,
      providers: all.filter((provider) => !fresh.includes(provider)),
      router: await this.#routerFor(settings),
      fallback: settings["answer.fallback.enabled"],
      maxOutputTokens: settings["answer.maxOutputTokens"],
      neverSend: folders.everywhere(settings.neverSend),
      cache: this.#cacheFor(settings),
      onUsed: usageRecorder(settings, cacheDirectory),
    };
    const toPart = partsOf(folders, opened.length > 1, this.#say);
    const batches = new Batches((parts) => this.#send({ task, parts }));
    this.#running++;
    try {
      for await (const event of answer(question, parts, signal)) {
        if (event.type === "done") return { kind: "answered", record: event.record };
        batches.add(toPart(event));
      }
    } finally {
      batches.flush();
      this.#running--;
      this.#closeDropped();
    }
    throw new Error("The answer ended without its record.");
  }

  #routerFor(settings: Settings): Promise<Router | undefined> {
    if (this.#router?.of !== settings) {
      const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
      this.#router = { of: settings, router: createRouter(this.#host, settings, cacheDirectory) };
    }
    return this.#router.router;
  }

  #cacheFor(settings: Settings): AnswerCache | undefined {
    if (this.#cache?.of !== settings) {
      const cacheDirectory = cacheDirectoryOf(settings, this.#host.env);
      this.#cache?.cache?.close();
      this.#cache = { of: settings, cache: createAnswerCache(settings, cacheDirectory, this.#host.log) };
    }
    return this.#cache.cache;
  }

  #dropProviders(): void {
    this.#dropped.push(...[...this.#providers.values()].flat());
    this.#providers.clear();
    this.#closeDropped();
  }

  /** What they run on this machine would stay in its memory until it is idle for long. */
  #closeDropped(): void {
    if (this.#running > 0) return;
    for (const provider of this.#dropped.splice(0)) void provider.close?.();
  }

  #providersFor(settings: Settings, { provider, model }: Pick<AskRequest, "provider" | "model">): readonly Provider[] {
    if (settings !== this.#settings) this.#dropProviders();
    this.#settings = settings;
    const wish = `${provider ?? ""} ${model ?? ""}`;
    const known = this.#providers.get(wish);
    if (known) return known;
    const chosen = chooseProviders({ ...this.#host, env: this.env }, settings, { provider, model }, this.#editor);
    this.#providers.set(wish, chosen);
    return chosen;
  }
}

/** Sends what comes in one turn of the event loop as one message: a word of a model is several parts. */
class Batches {
  readonly #send: (parts: readonly AnswerPart[]) => void;
  #parts: AnswerPart[] = [];
  #soon: NodeJS.Immediate | undefined;

  constructor(send: (parts: readonly AnswerPart[]) => void) {
    this.#send = send;
  }

  add(part: AnswerPart): void {
    const last = this.#parts.at(-1);
    if (part.type === "text" && last?.type === "text")
      this.#parts.splice(-1, 1, { ...part, text: last.text + part.text });
    else this.#parts.push(part);
    this.#soon ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (this.#parts.length > 0) this.#send(this.#parts.splice(0));
  }
}

function toDestination(provider: string, address: string): Destination {
  return { provider, address };
}

/** What the client names by its folder's URI, as the joined folders call it. */
function placesIn(folders: Folders, opened: readonly AskedFolder[], places: readonly CodePlace[] = []): ReadRequest[] {
  return places.flatMap(({ rootUri, path, line, startLine, endLine }) => {
    const folder = opened.find(({ uri }) => uri === rootUri);
    return folder ? [{ path: folders.join(folder, path), line, startLine, endLine }] : [];
  });
}

/** Turns what the core says into what a client is sent. */
function partsOf(
  folders: Folders,
  several: boolean,
  say: Say,
): (event: Exclude<AnswerEvent, { type: "done" }>) => AnswerPart {
  let sources: readonly Source[] = [];
  return (event) => {
    switch (event.type) {
      case "sources": {
        ({ sources } = event);
        const { provider, model } = event;
        return { type: "sources", provider, model, sources: sources.map((one, i) => toSource(one, i + 1)) };
      }
      case "citation": {
        const { number, line, source } = event;
        const text = source.text.split("\n")[line - source.startLine]?.trim() ?? "";
        return { type: "citation", number, line, text };
      }
      case "passage": {
        const { source, lines } = event.passage;
        return { type: "passage", passage: { number: sources.indexOf(source) + 1, lines } };
      }
      case "failed": {
        const { message, hint, ...attempt } = event.attempt;
        return { type: "failed", attempt: { ...attempt, message: say(message), hint: say(hint) } };
      }
      case "note":
        return { type: "note", text: say(event.said) };
      default:
        return event;
    }
  };

  function toSource(source: Source, number: number): AnswerSource {
    const { path, startLine, endLine, focusLine, name, parents, language } = source;
    const place = path === PIPED ? undefined : folders.find(path);
    const symbol = [...parents, name].filter(Boolean).join(" › ");
    const [rootUri, rootName] = [place?.folder.uri ?? "", (several && place?.folder.name) || ""];
    return {
      number,
      rootUri,
      rootName,
      path: place?.path ?? path,
      startLine,
      endLine,
      focusLine,
      firstLine: source.text.split("\n", 1)[0],
      symbol,
      language,
    };
  }
}
