import type { TestContext } from "node:test";

/** Another Node process that was started with `--inspect=0`, seen through its debugger on the loopback address. */
export class InspectedProcess {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: { result?: { value?: unknown } }) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data));
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  /** @param standardError what the process has written there, which names the debugger's address. */
  static async attach(test: TestContext, standardError: string): Promise<InspectedProcess> {
    const address = /ws:\/\/\S+/.exec(standardError)?.[0];
    if (address === undefined) throw new Error(`No debugger's address in: ${standardError}`);
    const socket = new WebSocket(address);
    test.after(() => socket.close());
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new InspectedProcess(socket);
  }

  /** Bytes that the main thread's objects and their buffers hold once its garbage is collected. */
  async heldBytes(): Promise<number> {
    await this.#send("HeapProfiler.collectGarbage", {});
    const expression = "JSON.stringify(process.memoryUsage())";
    const { result } = await this.#send("Runtime.evaluate", { expression });
    const { heapUsed, external } = JSON.parse(String(result?.value));
    return heapUsed + external;
  }

  #send(method: string, params: object): Promise<{ result?: { value?: unknown } }> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
