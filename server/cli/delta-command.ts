import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { RowCounts } from "../../shared/delta-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { BlockWorkers } from "../delta/block-workers.ts";
import { type Compressed, compress } from "../delta/compress.ts";
import { openDelta } from "../delta/delta-file.ts";
import type { DeltaOptions, DeltaProgress } from "../delta/delta-options.ts";
import { type DeltaSummary, describeDelta } from "../delta/describe.ts";
import { type Estimate, estimate } from "../delta/estimate.ts";
import { locate } from "../delta/hub-cache.ts";
import { openModel, openPair } from "../delta/model-files.ts";
import { reconstruct } from "../delta/reconstruct.ts";
import { saveTensor, verify } from "../delta/verify.ts";
import { packageFile } from "../package-files.ts";
import { nearest, noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { download } from "./delta-download.ts";
import { scan, undo } from "./delta-scan.ts";
import { STORE_ACTIONS } from "./delta-store.ts";
import { bytes, count, counted, percent } from "./session.ts";
import { renderLine } from "./terminal.ts";

const HELP = `Stores a fine-tuned model as its difference from the model it was made from, without any loss; and a dataset as its
difference from another.

Usage: cairn delta estimate    FINE --base BASE
       cairn delta compress    FINE --base BASE --out DELTA
       cairn delta reconstruct DELTA --base BASE --out FINE
       cairn delta verify      DELTA --base BASE
       cairn delta info        DELTA
       cairn delta scan        [FOLDER] [--out DELTAS [--replace]]
       cairn delta scan        --watch [--out DELTAS]
       cairn delta undo        DELTAS
       cairn delta push        DELTA --store STORE [--name NAME]
       cairn delta pull        NAME --store STORE --out DELTA
       cairn delta list        --store STORE
       cairn delta remove      NAME --store STORE
       cairn delta gc          --store STORE

BASE and FINE are files or folders, or repositories in the Hub's cache (owner/name, owner/name@revision, and of datasets
datasets/owner/name); one that is not there is downloaded with --download, and never otherwise. Tensors of safetensors files are compared value by value, .jsonl, .ndjson, .csv and .tsv files row by row, all
else in a folder as bytes. What is rebuilt has the SHA-256 of the original, or there is an error and nothing is written.
A run that was killed goes on where it stopped.

\`scan\` finds which models and datasets in a folder (the Hub's cache unless given) were made from which, by their cards,
their tensors and a sample of their weights, or by the rows and cells that they share, and estimates what deltas would
save. With --out it makes them, checks each, and lists them there; with --replace it then removes the originals. With
--watch it goes on with each new download in the Hub's cache. \`undo\` brings all originals back and deletes the deltas.

STORE is a folder, or s3://bucket/folder of any store that speaks Amazon's protocol. Deltas lie there under their SHA-256,
once each, and names refer to them; \`gc\` removes those without a name. Transfers to and from S3 go on where they were
interrupted. Credentials come from where the AWS tools have theirs (AWS_ACCESS_KEY_ID, AWS_PROFILE, ~/.aws).

Options:
  --base BASE      The model that the fine-tune was made from: the very same bytes are needed to rebuild
  --out PATH       Where to write
  --force          Replace what is there, unless it is still needed, or a folder that holds anything else
  --fast           compress, estimate: look for no low-rank changes; several times as fast, but larger
  --check          compress: also rebuild everything in memory and compare, before reporting success
  --threshold N    scan: make deltas that save at least N percent; 60 for models and 70 for datasets unless given
  --replace        scan: remove originals once their deltas are made and checked
  --watch          scan: go on with each new download in the Hub's cache, until interrupted
  --download       Download BASE or FINE from the Hub when it is not in its cache; see \`cairn models --help\` for mirrors
  --tensor NAME    reconstruct: only this tensor, as a safetensors file of its own
  --store STORE    push, pull, list, remove, gc: a folder, or s3://bucket/folder
  --name NAME      push: what to call it; the file's name without .delta unless given
  --endpoint URL   The address of a store that speaks S3 and is not Amazon's; AWS_ENDPOINT_URL unless given
  --grace HOURS    gc: S3 keeps what was stored or found again within so many hours; 24 unless given. 0 is only safe while
                   nobody pushes. A folder needs none
  --threads N      Threads to work with; the number of cores unless given
  --json           Answer with one JSON object
  --color WHEN     auto (default), always or never

Examples:
  cairn delta estimate ./my-fine-tune --base org/base-model
  cairn delta compress ./my-fine-tune --base org/base-model --out my-fine-tune.delta
  cairn delta reconstruct my-fine-tune.delta --base org/base-model --out ./restored
  cairn delta push my-fine-tune.delta --store s3://models/deltas
`;

const MOST_THREADS = 64;
/** Rows of the table of tensors that are shown to people. */
const MOST_ROWS = 40;

/** What every action works with. */
interface Task {
  context: CommandContext;
  given: ParsedArguments;
  /** The path that the action is about. */
  subject: string;
  options: DeltaOptions;
}

const ACTIONS: Readonly<Record<string, (task: Task) => Promise<void>>> = {
  estimate: estimateAction,
  compress: compressAction,
  reconstruct: reconstructAction,
  verify: verifyAction,
  info: infoAction,
  scan: ({ context, given, subject, options }) => scan(context, given, subject || undefined, options, maker()),
  undo: ({ context, given, subject, options }) => undo(context, given, subject, options),
  ...Object.fromEntries(
    Object.entries(STORE_ACTIONS).map(([name, action]) => [
      name,
      ({ context, given, subject }: Task) => action(context, given, subject),
    ]),
  ),
};
/** What is not about a file. */
const WITHOUT_SUBJECT: readonly string[] = ["scan", "list", "gc"];

export const deltaCommand: Command = {
  help: HELP,
  options: {
    base: { type: "string" },
    out: { type: "string" },
    force: { type: "boolean" },
    fast: { type: "boolean" },
    check: { type: "boolean" },
    threshold: { type: "string" },
    replace: { type: "boolean" },
    watch: { type: "boolean" },
    tensor: { type: "string" },
    download: { type: "boolean" },
    store: { type: "string" },
    name: { type: "string" },
    endpoint: { type: "string" },
    grace: { type: "string" },
    threads: { type: "string" },
  },
  async run(context, given) {
    const [name, subject] = given.positionals;
    if (name === undefined || !Object.hasOwn(ACTIONS, name)) {
      const near = name === undefined ? undefined : nearest(name, Object.keys(ACTIONS));
      throw new CairnError(
        "input",
        name === undefined ? "What is to be done?" : `cairn delta does not know "${name}".`,
        `${near ? `Did you mean \`cairn delta ${near}\`? ` : ""}\`cairn delta --help\` tells what it does.`,
      );
    }
    noMoreThan(given, 2, "delta");
    if (subject === undefined && !WITHOUT_SUBJECT.includes(name))
      throw new CairnError("input", `\`cairn delta ${name}\` needs a file.`, "`cairn delta --help` has examples.");
    const workers = new BlockWorkers(given.integer("threads", 1, MOST_THREADS) ?? 0);
    const stop = () => void workers.close();
    context.signal.addEventListener("abort", stop);
    try {
      const onProgress = (progress: DeltaProgress) => context.terminal.progress(progressLine(progress));
      await ACTIONS[name]({
        context,
        given,
        subject: subject ?? "",
        options: { workers, signal: context.signal, onProgress },
      });
      return ExitCode.ok;
    } finally {
      context.signal.removeEventListener("abort", stop);
      context.terminal.progress("");
      await workers.close();
    }
  },
};

async function estimateAction(task: Task): Promise<void> {
  const { context, given, options } = task;
  const { base, fine } = await pairOf(task);
  const result = await estimate(base, fine, { ...options, fast: given.flag("fast") });
  if (given.flag("json")) printJson(context, result);
  else printEstimate(context, result);
}

async function compressAction(task: Task): Promise<void> {
  const { context, given, options } = task;
  const { base, fine } = await pairOf(task);
  const started = performance.now();
  const done = await compress(base, fine, outOf(task), {
    ...options,
    force: given.flag("force"),
    made: maker(),
    fast: given.flag("fast"),
    check: given.flag("check"),
  });
  if (given.flag("json")) {
    const { manifest, ...figures } = done;
    printJson(context, { ...figures, saved: savedShare(done.originalBytes, done.bytes), files: manifest.files.length });
  } else printCompressed(context, done, (performance.now() - started) / 1000, given.flag("check"));
}

async function reconstructAction(task: Task): Promise<void> {
  const { context, given, subject, options } = task;
  const delta = openDelta(resolve(context.cwd, subject));
  const base = await baseOf(task);
  const started = performance.now();
  const tensor = given.text("tensor");
  const force = given.flag("force");
  const done =
    tensor === undefined
      ? await reconstruct(delta, base, outOf(task), { ...options, force })
      : await saveTensor(delta, base, tensor, outOf(task), { ...options, force });
  if (given.flag("json")) printJson(context, done);
  else {
    const seconds = (performance.now() - started) / 1000;
    const { print, style } = context.terminal;
    print(
      `${style.bold(safe(context, done.path))}  ${bytes(done.bytes)} in ${seconds.toFixed(1)} s, SHA-256 as in the delta\n`,
    );
    if (done.resumedBytes > 0) print(`  ${bytes(done.resumedBytes)} were there from an earlier run\n`);
  }
}

async function verifyAction(task: Task): Promise<void> {
  const { context, given, subject, options } = task;
  const delta = openDelta(resolve(context.cwd, subject));
  const done = await verify(delta, await baseOf(task), options);
  if (given.flag("json")) printJson(context, { ok: true, ...done });
  else {
    const { print, style } = context.terminal;
    print(
      `${style.ok("ok")}  ${counted(done.files, "file")}, ${counted(done.tensors, "tensor")}, ${bytes(done.bytes)}: all as they were\n`,
    );
  }
}

async function infoAction({ context, given, subject }: Task): Promise<void> {
  const summary = describeDelta(openDelta(resolve(context.cwd, subject)));
  if (given.flag("json")) printJson(context, summary);
  else printSummary(context, summary);
}

/** What a manifest says of who made it. */
function maker(): string {
  return `cairn ${JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version}`;
}

async function pairOf(task: Task) {
  const fine = await pathOf(task, task.subject);
  return openPair(await basePathOf(task), fine);
}

async function baseOf(task: Task) {
  return openModel(await basePathOf(task));
}

async function basePathOf(task: Task): Promise<string> {
  const base = task.given.text("base");
  if (base === undefined) throw new CairnError("input", "Which base?", "Give the model it was made from with --base.");
  return pathOf(task, base);
}

/** What is named, which is downloaded first when that was asked for and it is not there. */
async function pathOf({ context, given, options }: Task, named: string): Promise<string> {
  if (given.flag("download")) await download(context, named, options.signal);
  return locate(named, context.cwd, context.env);
}

function outOf({ context, given }: Task): string {
  const out = given.text("out");
  if (out === undefined) throw new CairnError("input", "Where should the result go?", "Give a path with --out.");
  return resolve(context.cwd, out);
}

function printCompressed({ terminal }: CommandContext, done: Compressed, seconds: number, checked: boolean): void {
  const { print, style } = terminal;
  const { originalBytes, resumedBlocks } = done;
  const saved = savedShare(originalBytes, done.bytes);
  const smaller = `${bytes(originalBytes)} -> ${bytes(done.bytes)}, ${savedInWords(saved)}`;
  print(`${style.bold(renderLine(done.path, [], style))}  ${smaller}, ${seconds.toFixed(1)} s\n`);
  if (resumedBlocks > 0) print(`  ${counted(resumedBlocks, "block")} were there from an earlier run\n`);
  if (checked) print(`  ${style.ok("checked")}: rebuilt in memory, every SHA-256 as it was\n`);
}

function printEstimate(context: CommandContext, result: Estimate): void {
  const { print, style } = context.terminal;
  const range = result.error < 0.0005 ? "" : ` ± ${(100 * result.error).toFixed(1)} points`;
  print(
    `${style.bold(`${savedInWords(result.saved)}${range}`)}  ${bytes(result.bytes)} -> about ${bytes(result.deltaBytes)}\n`,
  );
  const rows = result.tensors
    .slice(0, MOST_ROWS)
    .map((tensor) => [
      percent(tensor.saved).padStart(6),
      bytes(tensor.bytes).padStart(9),
      (tensor.change === undefined ? "" : `changed ${(100 * tensor.change).toPrecision(2)}%`).padStart(14),
      tensor.codec.padEnd(16),
      safe(context, tensor.name),
    ]);
  printRows(context, result.rows, "about ");
  for (const row of rows) print(`  ${row.join("  ")}\n`);
  more(context, result.tensors.length);
}

function printRows({ terminal }: CommandContext, rows: RowCounts | undefined, about = ""): void {
  if (!rows) return;
  const all = rows.kept + rows.changed + rows.added;
  const share = (part: number) => `${about}${count(part)} (${percent(all === 0 ? 0 : part / all)})`;
  terminal.print(`  rows  ${share(rows.kept)} kept, ${share(rows.changed)} changed, ${share(rows.added)} new\n`);
}

function printSummary(context: CommandContext, summary: DeltaSummary): void {
  const { print, style } = context.terminal;
  const saved = savedShare(summary.bytes, summary.deltaBytes);
  print(
    `${style.bold(`${bytes(summary.bytes)} in ${bytes(summary.deltaBytes)}, ${savedInWords(saved)}`)}  made by ${safe(context, summary.made)}\n`,
  );
  for (const base of summary.base.filter(({ used }) => used)) {
    print(`  base  ${safe(context, base.name)}  ${bytes(base.bytes)}  SHA-256 ${base.sha256}\n`);
  }
  printRows(context, summary.rows);
  for (const [codec, coded] of Object.entries(summary.byCodec))
    print(`  ${codec.padEnd(16)}  ${bytes(coded).padStart(9)}\n`);
  const largest = summary.tensors.toSorted((a, b) => b.storedBytes - a.storedBytes);
  for (const tensor of largest.slice(0, MOST_ROWS)) {
    const share = tensor.bytes === 0 ? "" : percent(savedShare(tensor.bytes, tensor.storedBytes));
    print(
      `  ${share.padStart(6)}  ${bytes(tensor.storedBytes).padStart(9)} of ${bytes(tensor.bytes).padStart(9)}  ${safe(context, tensor.name)}\n`,
    );
  }
  more(context, summary.tensors.length);
}

function more({ terminal }: CommandContext, tensors: number): void {
  if (tensors > MOST_ROWS)
    terminal.print(`  ${terminal.style.dim(`and ${count(tensors - MOST_ROWS)} more: --json has all`)}\n`);
}

function printJson({ terminal }: CommandContext, value: object): void {
  terminal.print(`${JSON.stringify(value)}\n`);
}

/** A name from a file, safe to print. */
function safe({ terminal }: CommandContext, text: string): string {
  return renderLine(text, [], terminal.style);
}

function progressLine({ phase, done, total }: DeltaProgress): string {
  if (phase === "looking") return `Looking for models and datasets: ${count(done)}`;
  if (phase === "relating") return `Comparing them: ${count(done)} of ${count(total)}`;
  const share = total === 0 ? 100 : Math.floor((100 * done) / total);
  return `${PHASES[phase]} ${share}%  ${bytes(done)} of ${bytes(total)}`;
}

const PHASES: Readonly<Record<Exclude<DeltaProgress["phase"], "looking" | "relating">, string>> = {
  coding: "Comparing",
  hashing: "Hashing",
  rebuilding: "Rebuilding",
  checking: "Checking",
  sampling: "Sampling",
};

function savedInWords(share: number): string {
  return share > 0 ? `${percent(share)} saved` : "nothing saved";
}

function savedShare(original: number, stored: number): number {
  return original === 0 ? 0 : 1 - stored / original;
}
