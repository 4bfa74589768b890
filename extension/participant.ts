import * as vscode from "vscode";
import type { AnswerPart, AnswerSource, AskRequest, CodePlace, Turn } from "../shared/answer-types.ts";
import { EXTRACTIVE } from "../shared/answer-types.ts";
import { remedyOf } from "../shared/answer-wording.ts";
import { type Exchange, fenceFor, NO_REPLY, withPart } from "../shared/conversation.ts";
import { CairnError } from "../shared/errors.ts";
import { followUps } from "../shared/follow-ups.ts";
import { questionFrom } from "../shared/slash-commands.ts";
import type { Answers } from "./answers.ts";
import { linesOf, selection } from "./attachments.ts";
import { asksToSend } from "./consent.ts";
import { fileUriOf } from "./open-hit.ts";

const PARTICIPANT = "cairn.chat";

/** `@cairn` in the editor's own chat. Editors built without one are left as they are. */
export function registerParticipant(context: vscode.ExtensionContext, answers: Answers): vscode.Disposable {
  if (typeof vscode.chat?.createChatParticipant !== "function") return new vscode.Disposable(() => {});
  const participant = vscode.chat.createChatParticipant(PARTICIPANT, (request, chat, response, token) =>
    respond(answers, request, chat, response, token),
  );
  participant.iconPath = vscode.Uri.joinPath(context.extensionUri, "media", "cairn.svg");
  participant.followupProvider = {
    provideFollowups: ({ metadata }) => (metadata?.followUps ?? []).map((prompt: string) => ({ prompt })),
  };
  return participant;
}

async function respond(
  answers: Answers,
  request: vscode.ChatRequest,
  { history }: vscode.ChatContext,
  response: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  const asked = toRequest(request, history);
  if (!asked) {
    response.markdown(vscode.l10n.t("Ask how something in this code works."));
    return {};
  }
  response.progress(vscode.l10n.t("Looking for what answers this…"));
  const writer = new Writer(response);
  let reply = NO_REPLY;
  const show = (parts: readonly AnswerPart[]): void => {
    for (const part of parts) writer.write(part);
    reply = parts.reduce(withPart, reply);
  };
  try {
    let result = await answers.ask(asked, show, token);
    if (result.kind === "consent") {
      const agreed = await asksToSend(result.destinations);
      if (agreed) await answers.agree(result.destinations);
      result = await answers.ask({ ...asked, onlyAgreed: !agreed }, show, token);
    }
    if (result.kind === "answered" && result.record.finish === "nothing") {
      response.markdown(vscode.l10n.t("Nothing was found that says something about this."));
    }
    if (result.kind === "answered" && result.record.keptFrom) {
      const when = result.record.keptFrom.slice(0, 16).replace("T", " ");
      response.markdown(`\n\n*${vscode.l10n.t("Kept answer of {0} UTC.", when)}*`);
    }
    const question = { text: asked.text, attached: [] };
    const exchange: Exchange = { id: "", question, reply: { ...reply, end: result }, wished: "" };
    return {
      metadata: {
        followUps: followUps(
          exchange,
          asked.history?.map((turn) => turn.question),
        ),
      },
    };
  } catch (error) {
    if (error instanceof vscode.CancellationError) return {};
    if (!(error instanceof CairnError)) throw error;
    return { errorDetails: { message: `${error.message} ${error.hint}`.trim() } };
  }
}

/** The question with what it refers to; undefined when there is none. */
function toRequest(
  { prompt, command, references }: vscode.ChatRequest,
  history: vscode.ChatContext["history"],
): Omit<AskRequest, "task"> | undefined {
  const question = questionFrom(command ? `/${command} ${prompt}` : prompt, []);
  if (!question) return undefined;
  const { text, wants, quoteOnly } = question;
  const places = references.flatMap(({ value }) => placesOf(value));
  const selected = wants && places.length === 0 ? selection() : undefined;
  return {
    text,
    wants,
    history: turnsOf(history),
    about: [...places.filter(({ startLine }) => startLine !== undefined), ...(selected ? [selected.place] : [])],
    within: places.filter(({ startLine }) => startLine === undefined),
    provider: quoteOnly ? "none" : undefined,
  };
}

function placesOf(value: unknown): CodePlace[] {
  if (value instanceof vscode.Uri) {
    const folder = vscode.workspace.getWorkspaceFolder(value);
    const path = vscode.workspace.asRelativePath(value, false);
    return folder ? [{ rootUri: folder.uri.toString(), path }] : [];
  }
  if (!(value instanceof vscode.Location)) return [];
  const place = linesOf(value.uri, "selection", value.range.start.line + 1, value.range.end.line + 1)?.place;
  return place ? [place] : [];
}

/** What was asked of this participant before, and answered. */
function turnsOf(history: vscode.ChatContext["history"]): Turn[] {
  const turns: Turn[] = [];
  let question: string | undefined;
  for (const turn of history) {
    if (turn instanceof vscode.ChatRequestTurn) {
      question = turn.prompt;
      continue;
    }
    const answer = turn.response
      .flatMap((part) => (part instanceof vscode.ChatResponseMarkdownPart ? [part.value.value] : []))
      .join("");
    if (question && answer) turns.push({ question, answer });
    question = undefined;
  }
  return turns;
}

/** Writes the parts of an answer into the editor's chat. */
class Writer {
  readonly #response: vscode.ChatResponseStream;
  #sources: readonly AnswerSource[] = [];

  constructor(response: vscode.ChatResponseStream) {
    this.#response = response;
  }

  write(part: AnswerPart): void {
    const response = this.#response;
    switch (part.type) {
      case "sources":
        this.#sources = part.sources;
        if (part.provider === EXTRACTIVE) {
          response.markdown(`${vscode.l10n.t("Quoted from the code, without a language model:")}\n\n`);
        }
        break;
      case "text":
        response.markdown(part.text);
        break;
      case "citation":
        this.#cite(part.number, part.line);
        break;
      case "unsupported":
        response.markdown(` *(${vscode.l10n.t("no source")})*`);
        break;
      case "passage": {
        const { number, lines } = part.passage;
        const source = this.#sources.find((one) => one.number === number);
        this.#cite(number, lines[0]?.line ?? 1);
        const code = lines.map(({ text }) => text).join("\n");
        const fence = fenceFor(code);
        response.markdown(`\n\n${fence}${source?.language ?? ""}\n${code}\n${fence}\n\n`);
        break;
      }
      case "failed":
        response.markdown(`*${`${part.attempt.message} ${part.attempt.hint}`.trim()}*\n\n`);
        if (remedyOf(part.attempt) === "local-llm") {
          response.button({ command: "cairn.chooseLocalLlm", title: vscode.l10n.t("Choose Local LLM") });
        }
        break;
      case "note":
        response.markdown(`*${part.text}*\n\n`);
        break;
      case "removed":
    }
  }

  /** Names the place as a link that opens it. */
  #cite(number: number, line: number): void {
    const source = this.#sources.find((one) => one.number === number);
    if (!source?.rootUri) return;
    const location = new vscode.Location(fileUriOf(source), new vscode.Position(line - 1, 0));
    const name = source.path.slice(source.path.lastIndexOf("/") + 1);
    this.#response.anchor(location, `${name}:${line}`);
  }
}
