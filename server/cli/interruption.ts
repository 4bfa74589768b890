import { ExitCode } from "./command.ts";

/** Ends a command from outside: Ctrl-C, a request to terminate, or a reader that has gone. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** The exit code that the interruption asks for, or undefined as long as there is none. */
  exitCode(): number | undefined;
}

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Listens to this process's signals and output streams until the process ends. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const interrupt = (code: number) => {
    exitCode ??= code;
    controller.abort();
  };

  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The first asks for a clean end; whoever asks again does not want to wait for it.
      if (controller.signal.aborted) process.exit(code);
      interrupt(code);
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // One of many writes: the first that failed said it, or the reader does not listen any more.
      if (controller.signal.aborted) return;
      // EPIPE: the reader, `head` for one, has all it wants.
      if (error.code === "EPIPE") return interrupt(ExitCode.ok);
      interrupt(ExitCode.unavailable);
      if (stream === process.stdout) process.stderr.write(`cairn: the answer could not be written: ${error.message}\n`);
    });
  }
  return { signal: controller.signal, exitCode: () => exitCode };
}
