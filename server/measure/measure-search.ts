import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { BUNDLED } from "../chosen/model-choice.ts";
import { createCore } from "../core.ts";
import type { Workspace } from "../core-api.ts";
import type { Host } from "../host.ts";
import { ripgrepPath } from "../package-files.ts";
import { measureVectors } from "./measure-vectors.ts";
import type { Limits } from "./rounds.ts";
import type { SampleQueries } from "./sample-queries.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns, together } from "./section.ts";

/** A round is one query of each kind. */
const LIMITS: Limits = { warmUp: 10, least: 60, most: 600, ms: 20_000, precision: 0.03 };
const QUICK: Limits = { ...LIMITS, least: 20, most: 60, ms: 5_000 };
/** A round indexes everything from nothing. */
const INDEXING: Limits = { warmUp: 0, least: 2, most: 5, ms: 60_000, precision: 0.05 };
/** More files take minutes. */
const MOST_FILES = 20_000;

/** How long answers take on the user's own code base, by the kind of query, beside ripgrep, and how fast it is indexed. */
export async function measureSearch(
  host: Host,
  settings: Settings,
  workspace: Workspace,
  sample: SampleQueries,
  options: MeasureOptions,
): Promise<Section> {
  options.note(phrase("searching"));
  if (sample.names.length === 0) {
    return skippedSection(
      "search",
      phrase("latency"),
      phrase("The index has no names of several words to search for."),
    );
  }
  const limits = options.quick ? QUICK : LIMITS;
  const latencies = await takeInTurns("search", [...queryKinds(workspace, sample, options.signal)], limits, options);
  const vectors = await measureVectors(host, settings, workspace, options);
  return together([latencies, vectors, await coldIndex(host, settings, workspace, options)]);
}

/** Ten hits with previews, as the editor asks for them. */
function queryKinds(workspace: Workspace, sample: SampleQueries, signal: AbortSignal): Candidate[] {
  const { names, descriptions, paths, places } = sample;
  const ask = (query: string) => workspace.search({ query, limit: 10 }, signal).then(nothing);
  const kind = (id: string, name: Phrase, run: Candidate["run"], against?: string): Candidate => ({
    id: `search/${id}`,
    name,
    unit: "ms",
    better: "less",
    ...(against && { against }),
    run,
  });
  const program = ripgrep();
  const search =
    program === undefined
      ? undefined
      : kind("ripgrep", phrase("ripgrep looks for a name"), lookFor(program, workspace.root, names));
  return [
    kind("name", phrase("A name"), (round) => ask(of(names, round)), search?.id),
    kind("description", phrase("A description in words"), (round) => ask(of(descriptions, round))),
    kind("path", phrase("The end of a path"), (round) => ask(of(paths, round))),
    kind("typing", phrase("A word that is being typed"), (round) => ask(of(names, round).slice(0, 4))),
    kind("similar", phrase("Code like that at a place"), async (round) => {
      const { path, line } = of(places, round);
      const { text, startLine, endLine } = await workspace.read({ path, line }, signal);
      await workspace.similar({ text, path, startLine, endLine, limit: 10 }, signal);
      return undefined;
    }),
    ...(search ? [search] : []),
  ];
}

async function coldIndex(
  host: Host,
  settings: Settings,
  workspace: Workspace,
  options: MeasureOptions,
): Promise<Section> {
  if (options.quick) return skippedSection("search", phrase("indexing from nothing"), phrase("Not in a quick run."));
  const { files } = await workspace.status();
  if (files > MOST_FILES) {
    return skippedSection(
      "search",
      phrase("indexing from nothing"),
      phrase("The folder has more than {0} files.", MOST_FILES),
    );
  }
  options.note(phrase("indexing from nothing, into a folder of its own"));
  const run = async () => {
    const cacheDirectory = mkdtempSync(join(tmpdir(), "cairn-bench-"));
    const own = { ...settings, cacheDirectory, "embedding.model": BUNDLED };
    const core = createCore(host, own, { role: "terminal" });
    try {
      const started = options.clock.steady();
      const opened = await core.open(workspace.root);
      const status = await opened.idle(options.signal);
      if (status.phase === "failed") throw new CairnError("unavailable", status.message);
      return status.files / ((options.clock.steady() - started) / 1000);
    } finally {
      await core.close();
      rmSync(cacheDirectory, { recursive: true, force: true });
    }
  };
  const candidate: Candidate = {
    id: "search/index",
    name: phrase("Indexing from nothing"),
    unit: "files/s",
    better: "more",
    run,
  };
  return takeInTurns("search", [candidate], INDEXING, options);
}

function of<Item>(items: readonly Item[], round: number): Item {
  return items[(round + items.length * LIMITS.warmUp) % items.length];
}

function nothing(): undefined {
  return undefined;
}

function ripgrep(): string | undefined {
  try {
    return ripgrepPath();
  } catch (error) {
    if (error instanceof CairnError) return undefined;
    throw error;
  }
}

/** Every file is read again, its ignore rules heeded, and lines with the name are counted. */
function lookFor(program: string, root: string, names: readonly string[]): Candidate["run"] {
  return async (round) => {
    const args = ["--count", "--fixed-strings", "--regexp", of(names, round), "."];
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    child.stdout.resume();
    await once(child, "close");
    return undefined;
  };
}
