import type { LlamaChat, Token } from "node-llama-cpp";

/**
 * A prompt that has no more than this in common with a window beyond the instructions, which all prompts begin with, is
 * another conversation: the first words of the format that follows are the same too.
 */
const COMMON_FORMAT_TOKENS = 16;

/** The windows of one model: each is taken by one answer at a time, and keeps what it has read for the next. */
export class LlamaWindows {
  /** The one that was given back last stands last. */
  readonly #free: LlamaChat[];
  readonly #waiting: ((chat: LlamaChat) => void)[] = [];

  constructor(chats: readonly LlamaChat[]) {
    this.#free = [...chats];
  }

  /**
   * Takes the window that has read the same conversation, else the one that nobody used for longest. Waits in line where
   * all are taken.
   * @param instructionTokens of the prompt, those that every conversation begins with
   * @throws the signal's reason
   */
  async take(prompt: readonly Token[], instructionTokens: number, signal: AbortSignal): Promise<LlamaChat> {
    signal.throwIfAborted();
    if (this.#free.length === 0) return await this.#next(signal);
    const common = this.#free.map(({ sequence }) => commonTokens(sequence.contextTokens, prompt));
    const most = Math.max(...common);
    const at = most > instructionTokens + COMMON_FORMAT_TOKENS ? common.indexOf(most) : 0;
    return this.#free.splice(at, 1)[0];
  }

  giveBack(chat: LlamaChat): void {
    const next = this.#waiting.shift();
    if (next) next(chat);
    else this.#free.push(chat);
  }

  /** The one that is given back when it is this one's turn. */
  async #next(signal: AbortSignal): Promise<LlamaChat> {
    const { promise, resolve, reject } = Promise.withResolvers<LlamaChat>();
    this.#waiting.push(resolve);
    const abort = () => {
      const at = this.#waiting.indexOf(resolve);
      // It was its turn a moment ago: whoever has the window sees for himself that he was stopped.
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

function commonTokens(read: readonly Token[], prompt: readonly Token[]): number {
  let at = 0;
  while (at < read.length && at < prompt.length && read[at] === prompt[at]) at++;
  return at;
}
