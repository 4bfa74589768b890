import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BENCH_AREAS, BENCH_RECORD, type BenchRun } from "../../shared/bench-types.ts";
import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";

/** The runs of this user, oldest first, and the files that could not be read. */
export interface History {
  readonly runs: readonly BenchRun[];
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
}

/** One file a run, in a folder that holds nothing else. */
export class BenchHistory {
  readonly #folder: string;

  /** @param cacheDirectory absolute */
  constructor(cacheDirectory: string) {
    this.#folder = join(cacheDirectory, "benchmarks");
  }

  /** A damaged file, or one of a later version, takes nothing from the others. */
  read(): History {
    const runs: BenchRun[] = [];
    const unreadable: { file: string; reason: string }[] = [];
    for (const name of this.#names()) {
      const file = join(this.#folder, name);
      try {
        runs.push(readRun(file));
      } catch (error) {
        if (!(error instanceof CairnError)) throw error;
        unreadable.push({ file, reason: error.message });
      }
    }
    return { runs, unreadable };
  }

  /** @throws {CairnError} `input` when there is no such run, or it cannot be read */
  run(id: string): BenchRun {
    const name = `${id}.json`;
    if (this.#names().includes(name)) return readRun(join(this.#folder, name));
    throw new CairnError("input", phrase('There is no run "{0}".', id));
  }

  /**
   * Keeps a run; one of the same id is replaced.
   * @throws {CairnError} `unavailable` when it cannot be written
   */
  add(run: BenchRun): string {
    const file = join(this.#folder, `${run.id}.json`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.incomplete`, `${JSON.stringify(run)}\n`);
      renameSync(`${file}.incomplete`, file);
    } catch (error) {
      rmSync(`${file}.incomplete`, { force: true });
      const { code, message } = error as NodeJS.ErrnoException;
      throw new CairnError(
        "unavailable",
        phrase("The figures could not be kept in {0} ({1}).", this.#folder, code ?? message),
        phrase("Free some space or make the folder writable; --json gives them without it."),
      );
    }
    return file;
  }

  /** Says whether there was such a run. */
  remove(id: string): boolean {
    const name = `${id}.json`;
    if (!this.#names().includes(name)) return false;
    rmSync(join(this.#folder, name));
    return true;
  }

  /** In the order of their ids, which is that of time. */
  #names(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith(".json"))
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw new CairnError("unavailable", phrase("{0} cannot be read: {1}.", this.#folder, String(error)));
    }
  }
}

/** A run takes some 100 kB. */
const LARGEST_RECORD = 50_000_000;

/**
 * Reads a run that was exported or kept.
 * @throws {CairnError} `input` when it is none, is damaged, or comes from a later Cairn
 */
export function readRun(file: string): BenchRun {
  let parsed: unknown;
  try {
    if (statSync(file).size > LARGEST_RECORD) throw notARun(file, "it is too large");
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof CairnError) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw notARun(
      file,
      isMissing ? "it is not there" : error instanceof SyntaxError ? "it is not JSON" : String(error),
    );
  }
  const record = (parsed as { record?: unknown } | null)?.record;
  if (typeof record === "number" && record > BENCH_RECORD) {
    throw new CairnError("input", phrase("{0} comes from a later Cairn.", file), phrase("Update Cairn to read it."));
  }
  const { data, error } = runSchema.safeParse(parsed);
  if (data) return data;
  const [issue] = error.issues;
  throw notARun(file, `${issue.path.join(".") || "it"}: ${issue.message}`);
}

function notARun(file: string, why: string): CairnError {
  return new CairnError(
    "input",
    phrase("{0} is no run of the benchmark: {1}.", file, why),
    phrase("`cairn bench --json` makes one."),
  );
}

const count = z.number().nonnegative();
const share = z.number().min(0).max(1);
const area = z.enum(BENCH_AREAS);

const said: z.ZodType<Phrase> = z.lazy(() =>
  z.object({ text: z.string(), values: z.array(z.union([z.string(), z.number(), said])) }),
);
const wording = z.union([z.string(), said]);

const runSchema = z.object({
  record: z.union([z.literal(1), z.literal(BENCH_RECORD)]),
  // It becomes the name of a file.
  id: z.string().regex(/^[\w-]{1,64}$/),
  cairn: z.string(),
  started: z.iso.datetime(),
  seconds: count,
  quick: z.boolean(),
  machine: z.object({
    processor: z.string(),
    cores: count,
    memoryMB: count,
    system: z.string(),
    node: z.string(),
  }),
  subject: z.object({ folder: z.string(), files: count, chunks: count }).optional(),
  measures: z.array(
    z.object({
      id: z.string(),
      area,
      name: wording,
      unit: z.string(),
      better: z.enum(["less", "more"]),
      values: z.array(z.number()).min(1),
      against: z.string().optional(),
    }),
  ),
  quality: z
    .object({
      set: wording,
      queries: count,
      points: z.array(
        z.object({
          id: z.string(),
          name: wording,
          ndcg10: share,
          low: share,
          high: share,
          recall10: share,
          mrr: share,
        }),
      ),
    })
    .optional(),
  vectors: z
    .object({
      model: z.string(),
      dims: count,
      vectors: count,
      queries: count,
      points: z.array(
        z.object({ id: z.string(), name: wording, bytes: count, recall10: share, low: share, high: share }),
      ),
    })
    .optional(),
  skipped: z.array(z.object({ area, name: wording, reason: wording })),
  warnings: z.array(wording),
  cancelled: z.boolean(),
});
