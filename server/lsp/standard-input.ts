import { constants } from "node:buffer";
import type { Readable } from "node:stream";
import {
  AbstractMessageReader,
  type DataCallback,
  Disposable,
  ErrorCodes,
  type Message,
  type MessageWriter,
  type NotificationMessage,
  type ResponseMessage,
} from "vscode-languageserver/node";

/** A header longer than this, in bytes, is none: those of the protocol have some forty. */
const LONGEST_HEADER = 1_024;

const HEADER = /^([a-z-]+):(.*)\r$/i;

const EXIT: NotificationMessage = { jsonrpc: "2.0", method: "exit" };

/**
 * Reads the messages of one client. The library's own reader takes in whatever comes and waits for the end of a header;
 * this one says at the first line that it is not the protocol. A body that is not JSON is answered with -32700, and the
 * messages after it are read.
 */
export class StandardInput extends AbstractMessageReader {
  readonly #input: Readable;
  readonly #writer: MessageWriter;
  readonly #onGarbage: (why: string) => void;
  #callback: DataCallback = () => {};
  /** The header line that comes in; of the body what is there, and how many bytes of it are not. */
  #line = "";
  #length: number | undefined;
  #body: Buffer[] = [];
  #missing = 0;
  /** Nothing has come in so far. */
  #untouched = true;
  #over = false;

  /**
   * @param writer Takes the answers to bodies that are not JSON.
   * @param onGarbage Called once, when what comes in is not the protocol, with the reason in a few words; nothing is read after.
   */
  constructor(input: Readable, writer: MessageWriter, onGarbage: (why: string) => void) {
    super();
    this.#input = input;
    this.#writer = writer;
    this.#onGarbage = onGarbage;
  }

  listen(callback: DataCallback): Disposable {
    this.#callback = callback;
    const take = (chunk: Buffer) => this.#take(chunk);
    const end = () => this.#end();
    this.#input.on("data", take).on("end", end).on("close", end);
    this.#input.on("error", (error) => this.fireError(error));
    return Disposable.create(() => this.#input.off("data", take).off("end", end).off("close", end));
  }

  #take(chunk: Buffer): void {
    this.#untouched = false;
    for (let at = 0; at < chunk.length && !this.#over; ) {
      if (this.#missing > 0) {
        const part = chunk.subarray(at, at + this.#missing);
        at += part.length;
        this.#missing -= part.length;
        this.#body.push(part);
        if (this.#missing === 0) this.#deliver();
        continue;
      }
      const newline = chunk.indexOf("\n", at);
      const end = newline < 0 ? chunk.length : newline;
      this.#line += chunk.toString("latin1", at, Math.min(end, at + LONGEST_HEADER + 1));
      at = end + 1;
      if (this.#line.length > LONGEST_HEADER) this.#refuse("a line that is no header");
      else if (newline >= 0) this.#takeLine();
    }
  }

  #takeLine(): void {
    const line = this.#line;
    this.#line = "";
    if (line === "\r") this.#takeLastHeader();
    else {
      const [, name, value] = HEADER.exec(line) ?? [];
      if (name === undefined) this.#refuse("a line that is no header");
      else if (name.toLowerCase() === "content-length") this.#takeLength(value.trim());
    }
  }

  #takeLength(value: string): void {
    // What is longer than any text cannot be read, and would be waited for in vain.
    if (/^\d+$/.test(value) && Number(value) <= constants.MAX_STRING_LENGTH) this.#length = Number(value);
    else this.#refuse("a Content-Length that no message can have");
  }

  /** The body follows. */
  #takeLastHeader(): void {
    if (this.#length === undefined) this.#refuse("a message without a Content-Length");
    else {
      this.#missing = this.#length;
      this.#length = undefined;
      if (this.#missing === 0) this.#deliver();
    }
  }

  #deliver(): void {
    const body = Buffer.concat(this.#body.splice(0)).toString();
    let message: Message;
    try {
      message = JSON.parse(body);
    } catch {
      this.#tell({ code: ErrorCodes.ParseError, message: "The body of this message is not JSON." });
      return;
    }
    try {
      this.#callback(message);
    } catch (error) {
      // The library throws where an id that must be there is not.
      this.fireError(error);
    }
  }

  #tell(error: ResponseMessage["error"]): void {
    const response: ResponseMessage = { jsonrpc: "2.0", id: null, error };
    this.#writer.write(response).catch((failure: unknown) => this.fireError(failure));
  }

  #end(): void {
    if (this.#over) return;
    if (this.#untouched) this.#refuse("it ended before the first message");
    else if (this.#missing > 0 || this.#line !== "" || this.#length !== undefined)
      this.#refuse("it ended within a message");
    else {
      this.#over = true;
      // Who hangs up has left.
      this.#callback(EXIT);
    }
  }

  #refuse(why: string): void {
    this.#over = true;
    this.#onGarbage(why);
  }
}
