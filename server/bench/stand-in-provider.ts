import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One request for an answer. */
export interface StandInCall {
  /** What the model is to answer, with everything around it. */
  readonly prompt: string;
  /** When its headers had come, on the clock of `performance.now()`. */
  readonly at: number;
  /** Sends a piece of the answer. */
  say(piece: string): void;
  end(): void;
}

/** A provider on this machine that speaks OpenAI's protocol and says what a benchmark has it say, when it has it say it. */
export class StandInProvider {
  readonly #server: Server;
  /** Takes each request for an answer. */
  answer: (call: StandInCall) => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<StandInProvider> {
    const server = createServer();
    const provider = new StandInProvider(server);
    server.on("request", async (request, response) => {
      const at = performance.now();
      const { messages } = JSON.parse(await text(request)) as { messages: readonly { content: string }[] };
      response.writeHead(200, { "content-type": "text/event-stream" });
      provider.answer({
        prompt: messages.map(({ content }) => content).join("\n"),
        at,
        say: (piece) => void response.write(eventOf({ content: piece })),
        end: () => endOf(response),
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return provider;
  }

  /** Settings with which Cairn asks it, without a key. */
  get settings(): object {
    const { port } = this.#server.address() as AddressInfo;
    return {
      "answer.provider": "llama-server",
      "answer.openai.baseUrl": `http://127.0.0.1:${port}/v1`,
      "answer.openai.model": "stand-in",
      "answer.contextTokens": 8_192,
    };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function endOf(response: ServerResponse): void {
  response.write(eventOf({}, "stop"));
  response.end("data: [DONE]\n\n");
}

function eventOf(delta: object, finish_reason: string | null = null): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
}
