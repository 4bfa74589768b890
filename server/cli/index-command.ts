import type { IndexStatus } from "../../shared/search-types.ts";
import { noMoreThan } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { bytes, count, counted, folderToUse, untilEmbedded, untilIndexed, withWorkspace } from "./session.ts";

const HELP = `Brings the index of a folder up to date. Only what changed since the last time is read. Where \`cairn models use\` has
chosen a model, it is waited for too: interrupted, it goes on where it stopped.

Usage: cairn index [folder] [options]

Options:
  --rebuild      Drop the index of this folder first; embeddings of known code are kept
  --json         Answer with the status as JSON
  --color WHEN   auto (default), always or never

Examples:
  cairn index
  cairn index ~/projects/app --rebuild
`;

export const indexCommand: Command = {
  help: HELP,
  options: { rebuild: { type: "boolean" } },
  async run(context, given) {
    noMoreThan(given, 1, "index");
    const folder = folderToUse(context, given.positionals[0]);
    const started = performance.now();
    const { before, after } = await withWorkspace(context, folder, async (workspace) => {
      const before = await workspace.status();
      if (given.flag("rebuild")) workspace.rebuild();
      await untilIndexed(context, workspace);
      const after = await untilEmbedded(workspace, context.signal, undefined, ({ model, done, total }) =>
        context.terminal.progress(`Embedding with ${model}  ${count(done)} of ${counted(total, "chunk")}`),
      );
      return { before, after };
    });
    if (given.flag("json")) context.terminal.print(`${JSON.stringify(after)}\n`);
    else printSummary(context, before, after, (performance.now() - started) / 1000);
    return ExitCode.ok;
  },
};

function printSummary(context: CommandContext, before: IndexStatus, after: IndexStatus, seconds: number): void {
  const { print, style } = context.terminal;
  if (after.files === 0) {
    print(`There is nothing to index in ${after.root}.\n`);
    if (skippedSummary(after)) print(`  left out: ${skippedSummary(after)}\n`);
    return;
  }
  print(`${style.bold(`Indexed ${after.root}`)} in ${seconds.toFixed(2)} s\n`);
  print(
    `  ${counted(after.files, "file")}, ${counted(after.chunks, "chunk")}; ${counted(after.embedded - before.embedded, "chunk")} embedded now\n`,
  );
  if (skippedSummary(after))
    print(`  left out: ${skippedSummary(after)}   ${style.dim("(cairn status --skipped says why)")}\n`);
  print(
    `  on disk: ${bytes(after.indexBytes)} for this folder, ${bytes(after.vectorBytes)} of embeddings for all folders\n`,
  );
  const { embedding } = after;
  if (embedding) print(`  searched by ${embedding.inUse ? embedding.model : "the model in the package"}\n`);
  if (after.message) print(`  ${style.warning(after.message)}\n`);
}

/** "12 binary, 3 large"; empty when nothing is left out. */
export function skippedSummary(status: IndexStatus): string {
  return Object.entries(status.skipped)
    .filter(([, files]) => files > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([code, files]) => `${files.toLocaleString("en-US")} ${code}`)
    .join(", ");
}
