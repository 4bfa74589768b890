import { type Command, ExitCode } from "./command.ts";
import { folderToUse } from "./session.ts";

const HELP = `Serves coding assistants over the Model Context Protocol, on the standard input and output.

Usage: cairn mcp [folder...]

Tools: search, find_similar, read_context, ask, index_status. They see what the index sees: no ignored file, and
nothing outside the folders. Without a folder it serves those that the assistant has open, or else the current one.

Example, for an assistant that reads a file of servers:
  { "mcpServers": { "cairn": { "command": "cairn", "args": ["mcp", "/home/me/project"] } } }
`;

export const mcpCommand: Command = {
  help: HELP,
  options: { stdio: { type: "boolean" } },
  ownsProcess: true,
  async run(context, given) {
    const folders = given.positionals.map((folder) => folderToUse(context, folder));
    const { serveMcp } = await import("../mcp/mcp-server.ts");
    serveMcp({ folders, cwd: context.cwd, env: context.env });
    return ExitCode.ok;
  },
};
