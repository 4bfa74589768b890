/**
 * A stand-in for a provider of language models, on a loopback port: it speaks the wire formats of Cerebras and of OpenAI
 * and behaves, request by request, as a test wants it to.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export interface ChatCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly stream?: boolean;
    readonly max_tokens?: number;
    readonly max_completion_tokens?: number;
  };
}

/** Answers one chat request. */
export type Behaviour = (response: ServerResponse, call: ChatCall) => void | Promise<void>;

export interface ChatServer {
  /** Its address, without a path. */
  readonly url: string;
  /** Every request, in order. */
  readonly paths: string[];
  /** Requests for a chat completion. */
  readonly calls: ChatCall[];
  /** For the next requests, one each; the last stays. */
  behave(...behaviours: readonly Behaviour[]): void;
  /** The models of its list. */
  models: readonly string[];
  /** The version of Ollama that it says it is; empty while it is another server. */
  ollama: string;
  /** Resolves when a client has left a request before its end. */
  readonly abandoned: Promise<void>;
}

/** @param test ends it when it ends itself */
export async function startChatServer(test: Pick<TestContext, "after">): Promise<ChatServer> {
  let behaviours: Behaviour[] = [says("nothing was set")];
  let leave = () => {};
  const abandoned = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const server = createServer(async (request: IncomingMessage, response) => {
    const path = request.url ?? "";
    state.paths.push(`${request.method} ${path}`);
    response.on("close", () => !response.writableFinished && leave());
    const body = await text(request).catch(() => "");
    if (path === "/api/version" && state.ollama) return json(response, 200, { version: state.ollama });
    if (path.endsWith("/models")) return json(response, 200, { object: "list", data: state.models.map(modelEntry) });
    if (!path.endsWith("/chat/completions")) return json(response, 404, { error: { message: "no such path" } });
    const call: ChatCall = { path, headers: request.headers, body: JSON.parse(body) };
    state.calls.push(call);
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    await behaviour?.(response, call);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const state: ChatServer & { models: readonly string[] } = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths: [],
    calls: [],
    models: ["small-model", "llama-3.3-70b"],
    ollama: "",
    abandoned,
    behave: (...given) => {
      behaviours = [...given];
    },
  };
  return state;
}

/** Streams the pieces as OpenAI does, usage in an event of its own at the end. */
export function says(...pieces: readonly string[]): Behaviour {
  return (response, { body }) => {
    begin(response);
    for (const piece of pieces) response.write(event(chunk(body.model, { content: piece })));
    response.write(event(chunk(body.model, {}, "stop")));
    const usage = { prompt_tokens: 1200, completion_tokens: 34, total_tokens: 1234 };
    response.write(event({ ...chunk(body.model, {}), choices: [], usage }));
    response.end("data: [DONE]\n\n");
  };
}

/** Streams the pieces as Cerebras does: usage and its own times come with the last chunk, limits with the headers. */
export function saysLikeCerebras(pieces: readonly string[], headers: Record<string, string> = {}): Behaviour {
  return (response, { body }) => {
    begin(response, headers);
    for (const piece of pieces) response.write(event(chunk(body.model, { content: piece })));
    const usage = {
      prompt_tokens: 700,
      completion_tokens: 50,
      total_tokens: 750,
      prompt_tokens_details: { cached_tokens: 128 },
    };
    const time_info = { queue_time: 0.001, prompt_time: 0.002, completion_time: 0.01, total_time: 0.02 };
    response.write(event({ ...chunk(body.model, {}, "stop"), usage, time_info }));
    response.end("data: [DONE]\n\n");
  };
}

/** Refuses with a status. */
export function refuses(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  return (response) => json(response, status, body, headers);
}

/** Sends exactly these bytes as the stream, each only when the one before has gone out, and then what `ending` says. */
export function sends(parts: readonly (string | Uint8Array)[], ending: "end" | "hang" | "reset" = "end"): Behaviour {
  return async (response) => {
    begin(response);
    for (const part of parts) await new Promise<void>((resolve) => response.write(part, () => resolve()));
    if (ending === "end") response.end();
    if (ending === "reset") response.destroy();
  };
}

/** Takes the request and says nothing at all. */
export const hangs: Behaviour = () => {};

/** Closes the connection before it has said anything. */
export const hangsUp: Behaviour = (response) => {
  response.destroy();
};

/** One piece of an answer as it stands on the wire. */
export function piece(content: string): string {
  return event(chunk("small-model", { content }));
}

export function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The last chunk of an answer, with the reason for its end. */
export function ending(reason: string): string {
  return event(chunk("small-model", {}, reason));
}

function chunk(model: string, delta: object, finish_reason: string | null = null): object {
  return {
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model,
    choices: [{ index: 0, delta, finish_reason }],
  };
}

function modelEntry(id: string): object {
  return { id, object: "model", created: 1, owned_by: "test" };
}

function begin(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "text/event-stream", ...headers });
  response.flushHeaders();
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
