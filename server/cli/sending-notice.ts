import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { CairnError } from "../../shared/errors.ts";
import { agree, notAgreed } from "../answer/agreed-providers.ts";
import type { Provider } from "../answer/llm.ts";
import type { CommandContext } from "./command.ts";

interface Sending {
  /** Where it is remembered that the user agreed. */
  readonly cacheDirectory: string;
  /** The user has agreed beforehand. */
  readonly yes: boolean;
}

/**
 * Says, before the first time that something is sent to another machine, what leaves this one and to where, and asks.
 * Remembered for each provider and address.
 * @returns the providers that may be asked
 * @throws CairnError("input") when nobody can be asked
 */
export async function confirmSending(
  context: CommandContext,
  providers: readonly Provider[],
  sending: Sending,
): Promise<readonly Provider[]> {
  const fresh = notAgreed(sending.cacheDirectory, providers);
  if (fresh.length === 0) return providers;
  if (!sending.yes && !(await confirmed(context, notice(fresh)))) {
    context.terminal.note("Nothing is sent. The passages that say most about it:\n\n");
    return providers.filter((provider) => !fresh.includes(provider));
  }
  agree(sending.cacheDirectory, fresh);
  return providers;
}

/**
 * Shows what is about to leave this machine, and asks.
 * @throws CairnError("input") when nobody can be asked
 */
export async function confirmed(context: CommandContext, what: string): Promise<boolean> {
  context.terminal.note(what);
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CairnError("input", "Nothing was sent: nobody could be asked.", "Run it once with --yes to agree.");
  }
  return answersYes(context.signal, "Send it, now and in future? [y/N] ");
}

function notice(providers: readonly Provider[]): string {
  const to = providers.map(({ name, destination }) => `  ${name}  ${destination}\n`).join("");
  return `This leaves your machine with each question:
  your question, and what you pipe into it
  the pieces of code in this folder that match it, with their paths
It goes to:
${to}Files that match cairn.neverSend (CAIRN_NEVER_SEND) are never sent. Nothing else is sent anywhere.
`;
}

/** Asks at the terminal; nothing, and the end of the input, is no. */
export async function answersYes(signal: AbortSignal, question: string): Promise<boolean> {
  // Not as a line editor: that would take Ctrl-C for itself.
  const prompt = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    const end = once(prompt, "close").then(() => "");
    const answer = await Promise.race([prompt.question(question, { signal }), end]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
