import type { MessagePort, Transferable, Worker } from "node:worker_threads";
import { fromWireError, toWireError, type WireError } from "../shared/errors.ts";

type Methods = Record<string, (argument: never) => unknown>;
type ArgumentOf<M> = M extends (argument: infer A) => unknown ? A : never;
type ResultOf<M> = M extends (argument: never) => infer R ? Awaited<R> : never;

interface Request {
  id: number;
  method: string;
  argument: unknown;
}

interface Reply {
  id: number;
  result?: unknown;
  error?: WireError;
}

/** Another process, made to look like a port; it moves no buffers. */
export interface ProcessChannel {
  on(event: "message", listener: (message: never) => void): unknown;
  postMessage(message: unknown): void;
}

/** What is at the other end of a channel. */
type Channel = MessagePort | Worker | ProcessChannel;

/** Wraps a result whose buffers are moved, not copied. */
export class Moved<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];
  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** Answers the calls that arrive on a channel with the methods; errors travel as {@link WireError}. */
export function answer(channel: Channel, methods: Methods): void {
  (channel as MessagePort).on("message", async (request: Request) => {
    if (typeof request?.method !== "string") return;
    try {
      const result = await (methods[request.method] as (argument: unknown) => unknown)(request.argument);
      if (result instanceof Moved)
        (channel as MessagePort).postMessage({ id: request.id, result: result.value }, result.transfer);
      else channel.postMessage({ id: request.id, result });
    } catch (error) {
      channel.postMessage({ id: request.id, error: toWireError(error) });
    }
  });
}

/** Calls methods at the other end of a channel; `fail` rejects all calls under way (the other end died). */
export class Caller<M> {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #next = 1;
  #failure: Error | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    (channel as MessagePort).on("message", (reply: Reply) => {
      const waiting = this.#waiting.get(reply?.id);
      if (!waiting) return;
      this.#waiting.delete(reply.id);
      if (reply.error) waiting.reject(fromWireError(reply.error));
      else waiting.resolve(reply.result as never);
    });
  }

  /** Calls under way. */
  get pending(): number {
    return this.#waiting.size;
  }

  call<K extends keyof M & string>(
    method: K,
    argument: ArgumentOf<M[K]>,
    transfer: readonly Transferable[] = [],
  ): Promise<ResultOf<M[K]>> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#next++;
    return new Promise<ResultOf<M[K]>>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      (this.#channel as MessagePort).postMessage({ id, method, argument }, transfer);
    });
  }

  fail(error: Error): void {
    this.#failure = error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
