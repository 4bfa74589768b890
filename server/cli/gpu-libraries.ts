import { CairnError } from "../../shared/errors.ts";
import type { GpuLibrary, GpuReport } from "../../shared/gpu-types.ts";
import { inWords } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { getLibraries, removeLibraries } from "../gpu/get-libraries.ts";
import { gpuReport, libraryNamed } from "../gpu/gpu-libraries.ts";
import { packageRegistry } from "../gpu/package-registry.ts";
import { nodeHost } from "../node-host.ts";
import type { ParsedArguments } from "./arguments.ts";
import { type CommandContext, ExitCode } from "./command.ts";
import { answersYes } from "./sending-notice.ts";
import { bytes } from "./session.ts";

interface Task {
  readonly context: CommandContext;
  readonly given: ParsedArguments;
  readonly settings: Settings;
  readonly cacheDirectory: string;
  /** `vulkan`, `cuda` or `remove`; undefined to list, and to get what is best. */
  readonly named: string | undefined;
}

/** `cairn models gpu`: libraries for the graphics processor, listed, downloaded once the user agrees, and removed. */
export async function gpuLibraries({ context, given, settings, cacheDirectory, named }: Task): Promise<number> {
  const { terminal, signal } = context;
  if (named === "remove") {
    const freedBytes = removeLibraries(cacheDirectory);
    if (given.flag("json")) terminal.print(`${JSON.stringify({ freedBytes })}\n`);
    else terminal.print(freedBytes === 0 ? "There were none.\n" : `Removed, ${bytes(freedBytes)} freed\n`);
    return ExitCode.ok;
  }
  const report = gpuReport(cacheDirectory);
  const wanted = named === undefined ? report.best && libraryNamed(report, report.best) : namedIn(report, named);
  const isAsked = named !== undefined || given.flag("yes");
  if (!isAsked) {
    if (given.flag("json")) {
      terminal.print(`${JSON.stringify(report)}\n`);
      return ExitCode.ok;
    }
    terminal.print(reportText(context, report));
  }
  const nobodyToAsk = !process.stdin.isTTY || !process.stderr.isTTY;
  if (!wanted || (!isAsked && nobodyToAsk)) return ExitCode.ok;
  if (wanted.onDisk) {
    if (given.flag("json")) terminal.print(`${JSON.stringify({ name: wanted.name, downloadedBytes: 0 })}\n`);
    else terminal.print(`${wanted.name} is on this machine already.\n`);
    return ExitCode.ok;
  }
  const registry = await packageRegistry(settings, context.env, signal);
  terminal.note(planText(wanted, registry));
  if (!given.flag("yes")) {
    if (nobodyToAsk) {
      throw new CairnError("input", "Nothing was downloaded: nobody could be asked.", "Add --yes to agree.");
    }
    if (!(await answersYes(signal, "Download it? [y/N] "))) return ExitCode.ok;
  }
  const transfer = { host: nodeHost({ env: context.env }), registry, cacheDirectory };
  const gotten = await getLibraries(transfer, wanted, {
    signal,
    onProgress: (done, total) =>
      terminal.progress(`Downloading ${Math.floor((100 * done) / total)}%  ${bytes(done)} of ${bytes(total)}`),
  });
  terminal.progress("");
  if (given.flag("json")) terminal.print(`${JSON.stringify(gotten)}\n`);
  else {
    const earlier = gotten.resumedBytes > 0 ? `, ${bytes(gotten.resumedBytes)} were there from an earlier run` : "";
    const { style } = terminal;
    terminal.print(
      `${style.ok("ok")}  ${style.bold(wanted.name)}  ${bytes(gotten.downloadedBytes)}${earlier}; every SHA-512 as it must be\n    ${style.path(gotten.folder)}\n`,
    );
  }
  return ExitCode.ok;
}

function namedIn(report: GpuReport, name: string): GpuLibrary {
  const found = libraryNamed(report, name);
  if (found) return found;
  const names = report.libraries.map((library) => library.name);
  throw new CairnError(
    "input",
    `There are no GPU libraries "${name}" for this machine.`,
    names.length > 0 ? `There are: ${names.join(", ")}.` : "`cairn models gpu` says what comes with Cairn.",
  );
}

function reportText({ terminal: { style } }: CommandContext, report: GpuReport): string {
  const { graphics, onnxDevices, own, libraries, best } = report;
  const found = graphics.length > 0 ? graphics.join(", ") : "no graphics processor that an engine could use";
  const onnx = onnxDevices.length > 0 ? `the processor, ${onnxDevices.join(", ")}` : "the processor";
  const lines = libraries.map(({ name, about, packages, obstacle, onDisk }) => {
    const size = bytes(packages.reduce((sum, one) => sum + one.bytes, 0));
    const room = bytes(packages.reduce((sum, one) => sum + one.unpackedBytes, 0));
    const state = onDisk ? style.ok(`on disk, ${room}`) : `${size} to download, ${room} on disk`;
    const warning = obstacle ? `  ${style.warning(inWords(obstacle))}\n` : "";
    return `${style.bold(name.padEnd(8))}${state}${name === best ? style.ok(", suits this machine best") : ""}\n  ${style.dim(inWords(about))}\n${warning}`;
  });
  // They are not among npm's packages, and nobody has said what their hash must be.
  const onnxCuda = libraries.length > 0 ? "ONNX Runtime's own libraries for CUDA are not offered.\n" : "";
  const none = "There are no other libraries for this platform.\n";
  const next = libraries.some(({ onDisk }) => !onDisk) ? "`cairn models gpu NAME` downloads one.\n" : "";
  return `Found here: ${found}
With what comes with Cairn, models in ONNX form run on ${onnx}; model files (GGUF) on ${own === "metal" ? "Metal" : "the processor"}.

${lines.length > 0 ? lines.join("") : none}${onnxCuda}${next}`;
}

function planText({ name, packages, obstacle }: GpuLibrary, registry: string): string {
  const lines = packages.map(
    (one) =>
      `  ${one.name}@${one.version}  ${bytes(one.bytes)}, ${bytes(one.unpackedBytes)} unpacked\n    ${one.integrity}\n`,
  );
  const warning = obstacle ? `They may not work here: ${inWords(obstacle)}.\n` : "";
  return `${name}, from ${registry}, checked before anything is unpacked:\n${lines.join("")}${warning}`;
}
