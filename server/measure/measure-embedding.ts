import { phrase } from "../../shared/phrase.ts";
import type { Workspace } from "../core-api.ts";
import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import type { Host } from "../host.ts";
import { packageFile } from "../package-files.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
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
/** Files read for their texts. */
const FILES = 40;

/** How fast texts become vectors, by their length and the batch; and what was gained by each thing that was done. */
export async function measureEmbedding(
  host: Host,
  workspace: Workspace,
  sample: SampleQueries,
  options: MeasureOptions,
): Promise<Section> {
  options.note(phrase("embedding"));
  const kernels = loadKernels(host.files);
  const load = (simd: boolean) =>
    new StaticEncoder(loadStaticModel(host.files, packageFile("models", "static"), simd ? kernels : undefined));
  const encoder = load(true);
  const lines = await linesOf(workspace, sample, options.signal);
  if (lines.length === 0) return skippedSection("embed", "throughput", "There is no text in the index to embed.");
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
  const gains = await takeInTurns(
    "embed",
    [
      single("query", "A query becomes a vector", (round) => void encoder.query(queries[round % queries.length] ?? "")),
      single(
        "kept",
        "A text, with the model kept in memory",
        (round) => void encoder.bodies([of(texts, round)]),
        "load",
      ),
      single("load", "A text, with the model loaded for it", (round) => void load(true).bodies([of(texts, round)])),
      ...(plain
        ? [
            single("simd", `${TEXTS} texts, with SIMD`, () => void encoder.bodies(texts), "plain"),
            single("plain", `${TEXTS} texts, without`, () => void plain.bodies(texts)),
          ]
        : []),
    ],
    limits,
    options,
  );
  const simd = plain ? [] : [skippedSection("embed", "SIMD beside plain", "This processor has no SIMD for it.")];
  return together([throughput, gains, ...simd]);
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
    name: `Texts of ${tokens} tokens, ${batch} at a time`,
    unit: "texts/s",
    better: "more",
    run() {
      const started = clock.steady();
      for (let from = 0; from < texts.length; from += batch) encoder.bodies(texts.slice(from, from + batch));
      return texts.length / ((clock.steady() - started) / 1000);
    },
  };
}

function single(id: string, name: string, run: (round: number) => void, against?: string): Candidate {
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
