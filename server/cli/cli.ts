import { readFileSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { packageFile } from "../package-files.ts";
import { nearest, parseArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { listenForInterruption } from "./interruption.ts";
import { colourChoice, createTerminal, type Terminal } from "./terminal.ts";

/** Each command is loaded when it is asked for, so that none pays for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  index: async () => (await import("./index-command.ts")).indexCommand,
  search: async () => (await import("./search-command.ts")).searchCommand,
  ask: async () => (await import("./ask-command.ts")).askCommand,
  route: async () => (await import("./route-command.ts")).routeCommand,
  similar: async () => (await import("./similar-command.ts")).similarCommand,
  status: async () => (await import("./status-command.ts")).statusCommand,
  cache: async () => (await import("./cache-command.ts")).cacheCommand,
  delta: async () => (await import("./delta-command.ts")).deltaCommand,
  bench: async () => (await import("./bench-command.ts")).benchCommand,
  usage: async () => (await import("./usage-command.ts")).usageCommand,
  models: async () => (await import("./models-command.ts")).modelsCommand,
  eval: async () => (await import("./eval-command.ts")).evalCommand,
  doctor: async () => (await import("./doctor-command.ts")).doctorCommand,
  lsp: async () => (await import("./lsp-command.ts")).lspCommand,
  mcp: async () => (await import("./mcp-command.ts")).mcpCommand,
};

const HELP = `Cairn finds code by meaning, on this machine.

Usage: cairn <command> [arguments]

Commands:
  search "question" [folder]   Find code; indexes the folder first if needed
  ask "question" [folder]      Answer from the code, with citations; with a language model if you chose one
  route explain "question"     Which of two models a question goes to, and why; \`cairn route report\`
  similar FILE[:LINE] [folder] Find code that is like the code there
  index [folder]               Index a folder now
  status [folder]              What is indexed, and what is not and why
  cache                        What is kept on disk; \`cairn cache clear\` deletes it
  delta                        Store a fine-tuned model, or a dataset, as its difference from another
  bench [AREA...]              Measure Cairn on this machine and on your code
  usage                        Who answered, how fast, with how many tokens and at what cost
  models                       Embedding models from the Hugging Face Hub: list, download, check, remove
  eval [folder]                Measure how well searches find, on your own queries or ones made of your code
  doctor                       Check that everything Cairn needs is there
  lsp --stdio                  Run the language server for an editor
  mcp [folder...]              Serve coding assistants over the Model Context Protocol

\`cairn <command> --help\` tells more. The folder is the current one unless given.

Options:
  -h, --help                   This text
  -V, --version                The version
  --json                       Answer with JSON
  --color WHEN                 auto (default), always or never; NO_COLOR and FORCE_COLOR are honoured

Exit codes: 0 found or done, 1 nothing found, 2 a mistake in what was asked, 3 something does not work.

Examples:
  cairn search "where are retries handled?"
  cairn search parseArguments ~/projects/app --lang ts --limit 3
  cairn index ../app
`;

await main(process.argv.slice(2));

async function main([name, ...args]: readonly string[]): Promise<void> {
  const code = await dispatch(name, args).catch(report);
  if (code === undefined) return;
  await Promise.all([written(process.stdout), written(process.stderr)]);
  // The answer is out; whatever thread is still about to end need not be waited for.
  process.exit(code);
}

/** Resolves to the exit code, or to undefined when the command ends the process itself. */
async function dispatch(name: string | undefined, args: readonly string[]): Promise<number | undefined> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    if (name === "help" && args.length > 0) return dispatch(args[0], ["--help"]);
    if (name !== undefined) return tell(HELP);
    process.stderr.write(HELP);
    return ExitCode.input;
  }
  if (name === "--version" || name === "-V") {
    return tell(`${JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version}\n`);
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    const near = nearest(name, Object.keys(COMMANDS));
    const what = name.startsWith("-") ? `There is no option ${name}.` : `There is no command "${name}".`;
    throw new CairnError(
      "input",
      what,
      `${near ? `Did you mean \`cairn ${near}\`? ` : ""}\`cairn --help\` lists them.`,
    );
  }

  const command = await COMMANDS[name]();
  const given = parseArguments(name, args, command.options);
  const terminal = createTerminal(process.stdout, process.stderr, process.env, colourChoice(given.text("color")));
  if (given.flag("help")) return tell(command.help);
  if (command.ownsProcess) {
    await command.run(context(terminal, new AbortController().signal), given);
    return undefined;
  }
  const interruption = listenForInterruption();
  try {
    const code = await command.run(context(terminal, interruption.signal), given);
    await written(process.stdout);
    return interruption.exitCode() ?? code;
  } catch (error) {
    const code = interruption.exitCode();
    if (code === undefined) throw error;
    return code;
  }
}

/** Prints a text that is the whole answer. */
async function tell(text: string): Promise<number> {
  const interruption = listenForInterruption();
  process.stdout.write(text);
  await written(process.stdout);
  return interruption.exitCode() ?? ExitCode.ok;
}

/** Resolves when all that was printed has gone out, or failed to. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

function context(terminal: Terminal, signal: AbortSignal): CommandContext {
  return { terminal, signal, env: process.env, cwd: process.cwd() };
}

/** Tells the user what went wrong and returns the exit code for it. */
function report(error: unknown): number {
  if (error instanceof CairnError) {
    process.stderr.write(`cairn: ${error.message}\n${error.hint ? `${error.hint}\n` : ""}`);
    return error.kind === "input" ? ExitCode.input : ExitCode.unavailable;
  }
  const details = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`cairn: this is a defect in Cairn; please report it.\n${details}\n`);
  return ExitCode.unavailable;
}
