/**
 * A stand-in for a server of embedding models, on a loopback port: it speaks OpenAI's protocol and behaves, request by
 * request, as a test wants it to. Its vectors say how often each of some words stands in a text.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export interface EmbeddingCall {
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly input: readonly string[];
    readonly encoding_format?: "base64" | "float";
    readonly dimensions?: number;
  };
}

/** Answers one request; false has it answered as it should be. */
export type Misbehaviour = (response: ServerResponse, call: EmbeddingCall) => boolean;

export interface EmbeddingServer {
  /** Its address as a setting takes it. */
  readonly url: string;
  readonly calls: EmbeddingCall[];
  /** Every text that it was sent. */
  readonly texts: readonly string[];
  /** For the next requests, one each; after them it behaves. */
  misbehave(...next: readonly Misbehaviour[]): void;
  /** For each request from now on; undefined behaves again. */
  always: Misbehaviour | undefined;
  /** Resolves with the next request that comes. */
  asked(): Promise<EmbeddingCall>;
}

const WORDS = "read write file cache error retry loop find open close parse token line word index search".split(" ");
export const DIMS = WORDS.length;

/** @param test ends it when it ends itself */
export async function startEmbeddingServer(test: Pick<TestContext, "after">): Promise<EmbeddingServer> {
  const next: Misbehaviour[] = [];
  const calls: EmbeddingCall[] = [];
  let waiting: ((call: EmbeddingCall) => void)[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => "");
    if (request.url !== "/v1/embeddings") return json(response, 404, { error: { message: `no ${request.url}` } });
    const call: EmbeddingCall = { headers: request.headers, body: JSON.parse(body) };
    calls.push(call);
    const misbehaves = next.shift() ?? state.always;
    if (!misbehaves?.(response, call)) json(response, 200, answerTo(call));
    for (const resolve of waiting.splice(0)) resolve(call);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const state: EmbeddingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    get texts() {
      return calls.flatMap(({ body }) => body.input);
    },
    misbehave: (...given) => void next.push(...given),
    always: undefined,
    asked: () =>
      new Promise((resolve) => {
        waiting = [...waiting, resolve];
      }),
  };
  return state;
}

/** The address by a name that this machine has too, but that does not say so. */
export function elsewhere({ url }: EmbeddingServer): string {
  return url.replace("127.0.0.1", "0.0.0.0");
}

/** What it should answer. */
export function answerTo({ body }: EmbeddingCall) {
  const dims = body.dimensions ?? DIMS;
  const data = body.input.map((text, index) => {
    const embedding = vectorOf(text).slice(0, dims);
    if (body.encoding_format !== "base64") return { object: "embedding", index, embedding };
    return {
      object: "embedding",
      index,
      embedding: Buffer.from(Float32Array.from(embedding).buffer).toString("base64"),
    };
  });
  const tokens = body.input.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  return { object: "list", model: body.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

export function vectorOf(text: string): number[] {
  return WORDS.map((word) => 0.1 + text.toLowerCase().split(word).length - 1);
}

export function refuses(
  status: number,
  headers: Record<string, string> = {},
  message = `status ${status}`,
): Misbehaviour {
  return (response) => {
    json(response, status, { error: { message } }, headers);
    return true;
  };
}

/** Takes the request and says nothing at all. */
export const hangs: Misbehaviour = () => true;

export const hangsUp: Misbehaviour = (response) => {
  response.destroy();
  return true;
};

/** Answers with what another request would get, or with something else. */
export function answers(change: (right: ReturnType<typeof answerTo>, call: EmbeddingCall) => unknown): Misbehaviour {
  return (response, call) => {
    json(response, 200, change(answerTo(call), call));
    return true;
  };
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
