import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Workspace } from "../core-api.ts";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import type { Host } from "../host.ts";
import { packageFile } from "../package-files.ts";
import { VectorDatabase } from "../store/vector-database.ts";
import { quantise } from "../vectors/int8.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { measureEngines } from "./measure-engine.ts";
import type { Limits } from "./rounds.ts";
import type { SampleQueries } from "./sample-queries.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns, together } from "./section.ts";

const LIMITS: Limits = { warmUp: 3, least: 30, most: 300, ms: 8_000, precision: 0.02 };
const QUICK: Limits = { ...LIMITS, least: 10, most: 30, ms: 2_000 };

/** Tokens of a text. */
const LENGTHS = { small: 32, medium: 128, large: 256 } as const;
const BATCHES = [1, 8, 32] as const;
/** Texts embedded in a round, whatever the batch: less would be lost in the noise of the clock. */
const TEXTS = 64;
/** Dimensions that the model was trained to be cut to. */
const SMALLER = [128, 64] as const;
/** Files read for their texts. */
const FILES = 40;

/** How fast texts become vectors, by their length and the batch; and what was gained by each thing that was done. */
export async function measureEmbedding(
  host: Host,
  settings: Settings,
  workspace: Workspace,
  sample: SampleQueries,
  options: MeasureOptions,
): Promise<Section> {
  options.note(phrase("embedding"));
  const kernels = loadKernels(host.files);
  const loadModel = (simd: boolean) =>
    loadStaticModel(host.files, packageFile("models", "static"), simd ? kernels : undefined);
  const load = (simd: boolean) => new StaticEncoder(loadModel(simd));
  const model = loadModel(true);
  const encoder = new StaticEncoder(model);
  const lines = await linesOf(workspace, sample, options.signal);
  if (lines.length === 0)
    return skippedSection("embed", phrase("throughput"), phrase("There is no text in the index to embed."));
  const limits = options.quick ? QUICK : LIMITS;

  const throughput = await takeInTurns(
    "embed",
    Object.entries(LENGTHS).flatMap(([length, tokens]) => {
      const texts = textsOf(lines, tokens, encoder);
      return BATCHES.map((batch) => textsPerSecond(encoder, length, tokens, batch, texts, options));
    }),
    limits,
    options,
  );
  const queries = sample.descriptions;
  const plain = kernels && load(false);
  const texts = textsOf(lines, LENGTHS.medium, encoder);
  const cache = keptVectors(encoder, texts);
  const gains = await takeInTurns(
    "embed",
    [
      ...Object.entries(LENGTHS).map(([length, tokens]) => {
        const own = textsOf(lines, tokens, encoder);
        const name = phrase("One text of {0} tokens", tokens);
        return single(`${length}-latency`, name, (round) => void encoder.bodies([of(own, round)]));
      }),
      single(
        "query",
        phrase("A query becomes a vector"),
        (round) => void encoder.query(queries[round % queries.length] ?? ""),
      ),
      single(
        "kept",
        phrase("A text, with the model kept in memory"),
        (round) => void encoder.bodies([of(texts, round)]),
        "load",
      ),
      single(
        "load",
        phrase("A text, with the model loaded for it"),
        (round) => void load(true).bodies([of(texts, round)]),
      ),
      single("cached", phrase("{0} texts whose vectors are known", TEXTS), cache.find, "again"),
      single("again", phrase("{0} texts, embedded again", TEXTS), () => void encoder.bodies(texts)),
      single("fused", phrase("{0} texts, codes in one pass", TEXTS), () => void encoder.bodies(texts), "apart"),
      single("apart", phrase("{0} texts, floats first and then codes", TEXTS), () => codesApart(encoder, texts)),
      ...SMALLER.map((dims) => {
        const smaller = new StaticEncoder(model, dims);
        const name = phrase("{0} texts, in {1} dimensions", TEXTS, dims);
        return single(`dims-${dims}`, name, () => void smaller.bodies(texts), "again");
      }),
      ...(plain
        ? [
            single("simd", phrase("{0} texts, with SIMD", TEXTS), () => void encoder.bodies(texts), "plain"),
            single("plain", phrase("{0} texts, without", TEXTS), () => void plain.bodies(texts)),
          ]
        : []),
    ],
    limits,
    options,
  ).finally(cache.close);
  const engines = options.signal.aborted ? [] : [await measureEngines(host, settings, lines, options)];
  const simd = plain
    ? []
    : [skippedSection("embed", phrase("SIMD beside plain"), phrase("This processor has no SIMD for it."))];
  return together([throughput, gains, ...engines, ...simd]);
}

function textsPerSecond(
  encoder: StaticEncoder,
  length: string,
  tokens: number,
  batch: number,
  texts: readonly string[],
  { clock }: MeasureOptions,
): Candidate {
  return {
    id: `embed/${length}-${batch}`,
    name: phrase("Texts of {0} tokens, {1} at a time", tokens, batch),
    unit: "texts/s",
    better: "more",
    run() {
      const started = clock.steady();
      for (let from = 0; from < texts.length; from += batch) encoder.bodies(texts.slice(from, from + batch));
      return texts.length / ((clock.steady() - started) / 1000);
    },
  };
}

function single(id: string, name: Phrase, run: (round: number) => void, against?: string): Candidate {
  return {
    id: `embed/${id}`,
    name,
    unit: "ms",
    better: "less",
    ...(against && { against: `embed/${against}` }),
    run(round) {
      run(round);
      return undefined;
    },
  };
}

/** The texts' vectors in a store of their own, found as the indexer finds those that it knows. */
function keptVectors(encoder: StaticEncoder, texts: readonly string[]): { find(): void; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), "cairn-bench-"));
  const database = new VectorDatabase(join(folder, "vectors.db"));
  const { model, dims } = encoder;
  const hashes = () => Buffer.from(texts.map((text) => hash("sha256", text, "hex").slice(0, 32)).join(""), "hex");
  const { codes, scales } = encoder.bodies(texts);
  database.add({ model, hashes: hashes(), codes, scales });
  return {
    find: () => void database.find({ model, dims, hashes: hashes() }),
    close() {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the fused kernel does, one thing after the other. */
function codesApart(encoder: StaticEncoder, texts: readonly string[]): void {
  const codes = new Int8Array(encoder.dims);
  for (const text of texts) quantise(encoder.exact(text), codes);
}

/** Lines of the user's own code that are not empty. */
async function linesOf(workspace: Workspace, { places }: SampleQueries, signal: AbortSignal): Promise<string[]> {
  const paths = [...new Set(places.map(({ path }) => path))].slice(0, FILES);
  const read = await Promise.all(paths.map((path) => workspace.read({ path }, signal)));
  return read.flatMap(({ text }) => text.split("\n")).filter((line) => line.trim() !== "");
}

/** Texts of about so many tokens each, one after the other through all lines, and round again. */
function textsOf(lines: readonly string[], tokens: number, encoder: StaticEncoder): string[] {
  const texts: string[] = [];
  for (let at = 0; texts.length < TEXTS; ) {
    const own: string[] = [];
    for (let count = 0; count < tokens; at++) {
      const line = lines[at % lines.length];
      own.push(line);
      // A line of signs alone has no token, and there may be no other.
      count += Math.max(1, encoder.tokens(line).length);
    }
    texts.push(own.join("\n"));
  }
  return texts;
}

function of<Item>(items: readonly Item[], round: number): Item {
  return items[(round + items.length * LIMITS.warmUp) % items.length];
}
