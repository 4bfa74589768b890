import type { OptionTable, ParsedArguments } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with besides its arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C, by a request to terminate, and when the reader of our output has gone. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path that folders are relative to. */
  readonly cwd: string;
}

export interface Command {
  /** The whole text of `cairn <name> --help`. */
  readonly help: string;
  readonly options: OptionTable;
  /** True for a command that handles signals and the end of the process itself. */
  readonly ownsProcess?: boolean;
  /** Resolves to the exit code; throws CairnError. */
  run(context: CommandContext, given: ParsedArguments): Promise<number>;
}

/** What the exit code tells a script. */
export const ExitCode = {
  ok: 0,
  nothingFound: 1,
  input: 2,
  unavailable: 3,
} as const;
