import { CairnError } from "../../shared/errors.ts";
import { type Command, ExitCode } from "./command.ts";

const HELP = `Runs Cairn's language server for an editor, over the standard input and output.

Usage: cairn lsp --stdio

Options:
  --stdio   Talk over the standard input and output (the only way there is)

Example, in Neovim:
  vim.lsp.start({ name = "cairn", cmd = { "cairn", "lsp", "--stdio" }, root_dir = vim.fn.getcwd() })
`;

export const lspCommand: Command = {
  help: HELP,
  options: { stdio: { type: "boolean" } },
  ownsProcess: true,
  async run(_context, given) {
    if (!given.flag("stdio"))
      throw new CairnError("input", "The language server talks over --stdio.", "Run `cairn lsp --stdio`.");
    // The server's entry runs as it loads, and ends the process itself.
    await import("../lsp/lsp-server.ts");
    return ExitCode.ok;
  },
};
