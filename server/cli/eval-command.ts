import { CairnError } from "../../shared/errors.ts";
import { docQueries } from "../eval/doc-queries.ts";
import { type Configuration, type EvalReport, evaluateSet } from "../eval/eval-report.ts";
import { bounded, verdictOf } from "../eval/eval-verdict.ts";
import { FEWEST_FOR_VERDICT, type Measured } from "../eval/evaluation.ts";
import { FolderIndexer, type IndexingOptions } from "../eval/folder-indexer.ts";
import { labelledLines } from "../eval/labelled-lines.ts";
import { type LabelledSet, labelledSet } from "../eval/labelled-set.ts";
import { MEASURES } from "../eval/scores.ts";
import { shippedSet } from "../eval/shipped-set.ts";
import { nodeHost } from "../node-host.ts";
import { walkOptionsOf } from "../opening.ts";
import { RANK_TERMS } from "../search/rank.ts";
import { nearest, noMoreThan, type ParsedArguments } from "./arguments.ts";
import { type Command, type CommandContext, ExitCode } from "./command.ts";
import { readQueryFile } from "./query-file.ts";
import { count, counted, folderToUse, terminalSettings } from "./session.ts";

const HELP = `Measures how well searches find what was asked for.

Usage: cairn eval [folder] --queries FILE [options]
       cairn eval [folder] --self [options]
       cairn eval [folder] [options]

  --queries FILE   Asks your own queries: one JSON object a line (- for the standard input), for example
                   {"query": "where are retries handled?", "category": "question",
                    "targets": [{"path": "src/retry.ts", "startLine": 10, "endLine": 42}]}
                   Paths are relative to the folder; lines and category may be left out.
  --self           Asks queries made of your code: the first sentences of doc comments, up to 200 of them, with these
                   comments hidden. Compares the ranking with one that does without search by meaning, unless
                   --disable names something else, and says whether that is worth it on this code.
  neither          Asks the queries that come with Cairn. They are about packages of npm: those among them that are
                   installed in the folder's node_modules, in the versions that were labelled. In a checkout of Cairn
                   all are.

The files are read anew and indexed in memory; nothing is written, and files on disk are not changed. Figures are means
over the queries with bounds (95 %): NDCG@10 (targets, better the higher they stand among the first ten hits), recall@10
(share of the targets among these), MRR (one over the rank of the first hit that is a target).

Options:
  --disable TERM   Also measure the ranking without this term, and compare; may be given again. Terms:
                   ${RANK_TERMS.join(", ")}
  --json           Answer with one JSON object, with the scores of each query
  --color WHEN     auto (default), always or never

Exit codes: 0 measured, 2 a mistake in what was asked, 3 something does not work.

Examples:
  cairn eval --self
  cairn eval ../app --queries questions.jsonl --disable file-name
`;

export const evalCommand: Command = {
  help: HELP,
  options: {
    queries: { type: "string" },
    self: { type: "boolean" },
    disable: { type: "list" },
  },
  async run(context, given) {
    noMoreThan(given, 1, "eval");
    const self = given.flag("self");
    if (self && given.text("queries") !== undefined) {
      throw new CairnError("input", "--self makes its own queries: it goes without --queries.");
    }
    const disable = termsIn(given);
    const folder = folderToUse(context, given.positionals[0]);
    const indexer = await FolderIndexer.create();
    try {
      const set = await setFor(context, given, indexer, folder);
      if (set.queries.length === 0) throw nothingToAsk(self);
      const options = progressing(context, "Indexing");
      const report = await evaluateSet(indexer, set, self && disable.length === 0 ? ["semantic"] : disable, options);
      context.terminal.progress("");
      if (given.flag("json")) context.terminal.print(`${JSON.stringify(asJson(folder, set, report))}\n`);
      else print(context, set, report);
      return ExitCode.ok;
    } finally {
      context.terminal.progress("");
      indexer.close();
    }
  },
};

async function setFor(
  context: CommandContext,
  given: ParsedArguments,
  indexer: FolderIndexer,
  folder: string,
): Promise<LabelledSet> {
  const { signal } = context;
  const host = nodeHost({ env: context.env });
  const file = given.text("queries");
  if (file === undefined && !given.flag("self")) return shippedSet(indexer, host, folder, { signal });
  const walk = walkOptionsOf(terminalSettings(context));
  if (file === undefined) {
    const texts = await indexer.read(host, [{ root: folder }], { walk, signal });
    return docQueries(indexer, texts, progressing(context, "Reading comments"));
  }
  const { name, content } = await readQueryFile(context, file);
  const queries = labelledLines(content, name);
  return labelledSet(queries, await indexer.read(host, [{ root: folder }], { walk, signal }));
}

function progressing({ terminal, signal }: CommandContext, what: string): IndexingOptions {
  return {
    signal,
    onFile: (done, total) => terminal.progress(`${what}  ${count(done)} of ${count(total)} files`),
  };
}

function termsIn(given: ParsedArguments): readonly string[] {
  const terms = [...new Set(given.list("disable"))];
  for (const term of terms) {
    if (RANK_TERMS.includes(term)) continue;
    const near = nearest(term, RANK_TERMS);
    const hint = `${near ? `Did you mean ${near}? ` : ""}There are: ${RANK_TERMS.join(", ")}.`;
    throw new CairnError("input", `The ranking has no term "${term}".`, hint);
  }
  return terms;
}

function nothingToAsk(self: boolean): CairnError {
  if (!self)
    return new CairnError("input", "No query is left: what they ask for has changed since they were labelled.");
  return new CairnError(
    "input",
    "There is nothing to ask: no function, method or class has a doc comment that says in a sentence what it is for.",
    "Write queries of your own: `cairn eval --help` tells how.",
  );
}

function print({ terminal }: CommandContext, { notes }: LabelledSet, report: EvalReport): void {
  const { style } = terminal;
  const { first, second, difference, files, chunks } = report;
  terminal.print(`${style.bold(verdictOf(report))}\n\n`);
  terminal.print(`${counted(files, "file")}, ${counted(chunks, "chunk")}\n`);
  for (const note of notes) terminal.note(`${style.warning(note)}\n`);
  if (first.overall.queries < FEWEST_FOR_VERDICT) {
    terminal.note(`${style.warning(`Fewer than ${FEWEST_FOR_VERDICT} queries: the bounds mean little.`)}\n`);
  }
  for (const configuration of second ? [first, second] : [first]) table(terminal, configuration);
  if (!difference) return;
  const same = difference.queries - difference.better - difference.worse;
  terminal.print(`\n${row("difference", difference)}\n`);
  terminal.print(style.dim(`${difference.better} queries better, ${difference.worse} worse, ${same} the same\n`));
}

function table({ style, print }: CommandContext["terminal"], { name, overall, byCategory }: Configuration): void {
  print(`\n${style.bold(name.padEnd(NAME))}${["queries", "NDCG@10", "recall@10", "MRR"].map(cell).join("")}\n`);
  print(`${row("all", overall)}\n`);
  const categories = Object.entries(byCategory);
  if (categories.length > 1) for (const [category, measured] of categories) print(`${row(category, measured)}\n`);
}

const NAME = 24;

function row(name: string, measured: Measured): string {
  const cells = [count(measured.queries), ...MEASURES.map((measure) => bounded(measured[measure]))];
  return `${name.padEnd(NAME)}${cells.map(cell).join("")}`;
}

function cell(text: string, column: number): string {
  return text.padStart(column === 0 ? 8 : 26);
}

function asJson(folder: string, { queries, notes }: LabelledSet, report: EvalReport): object {
  const { first, second, difference, files, chunks } = report;
  const configurations = second ? [first, second] : [first];
  return {
    folder,
    files,
    chunks,
    verdict: verdictOf(report),
    configurations: configurations.map(({ scores, ...figures }) => figures),
    difference,
    queries: queries.map(({ query, category, targets }, i) => ({
      query,
      category,
      targets: targets.map(({ path, startLine, endLine }) => ({ path, startLine, endLine })),
      scores: configurations.map(({ scores }) => {
        const { ndcg10, recall10, mrr } = scores[i];
        return { ndcg10, recall10, mrr };
      }),
    })),
    notes,
  };
}
