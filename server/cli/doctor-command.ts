import type { Finding } from "../../shared/diagnosis.ts";
import { diagnose } from "../doctor.ts";
import { nodeHost } from "../node-host.ts";
import { noMoreThan } from "./arguments.ts";
import { type Command, ExitCode } from "./command.ts";
import { folderToUse, terminalSettings } from "./session.ts";
import type { Terminal } from "./terminal.ts";

const HELP = `Checks that everything Cairn needs of this machine is there and works, and says which process holds the
index of the folder (the current one unless given).

Usage: cairn doctor [folder] [options]

Options:
  --json         Answer with one JSON object: {"findings": [{"name", "state", "detail", "advice"}]}
  --color WHEN   auto (default), always or never

Exit codes: 0 all is well or could be better, 2 a mistake in what was asked, 3 something does not work.
`;

export const doctorCommand: Command = {
  help: HELP,
  options: {},
  async run(context, given) {
    noMoreThan(given, 1, "doctor");
    const host = nodeHost({ env: context.env });
    const root = host.files.realpath(folderToUse(context, given.positionals[0]));
    const findings = await diagnose(host, terminalSettings(context), [root]);
    if (given.flag("json")) context.terminal.print(`${JSON.stringify({ findings })}\n`);
    else for (const finding of findings) printFinding(context.terminal, finding);
    return findings.some(({ state }) => state === "fail") ? ExitCode.unavailable : ExitCode.ok;
  },
};

function printFinding({ print, style }: Terminal, { name, state, detail, advice }: Finding): void {
  const mark = { ok: style.ok("ok  "), warn: style.warning("warn"), fail: style.failure("fail") }[state];
  print(`${mark}  ${style.bold(name.padEnd(15))}${detail}\n`);
  if (advice) print(`${" ".repeat(21)}${advice}\n`);
}
