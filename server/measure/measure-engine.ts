import { CairnError } from "../../shared/errors.ts";
import { joined, phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import { type ChosenModel, chosenModel } from "../chosen/chosen-model.ts";
import { chosenName } from "../chosen/model-choice.ts";
import { hubPartsOf, namedModel } from "../chosen/named-model.ts";
import type { Host } from "../host.ts";
import { modelOnDisk } from "../hub/installed.ts";
import type { EmbeddingEngine } from "../native/embedding-engine.ts";
import { cacheDirectoryOf } from "../opening.ts";
import type { Limits } from "./rounds.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns, together } from "./section.ts";

const LIMITS: Limits = { warmUp: 1, least: 6, most: 60, ms: 30_000, precision: 0.05 };
const QUICK: Limits = { ...LIMITS, least: 3, most: 10, ms: 5_000 };
/** Each round starts a process. */
const LOADING: Limits = { warmUp: 0, least: 3, most: 6, ms: 20_000, precision: 0.1 };
const LOADING_QUICK: Limits = { ...LOADING, least: 1, most: 3, ms: 3_000 };

/** Tokens of a text, about. */
const LENGTHS = { small: 32, medium: 128, large: 256 } as const;
const BATCHES = [1, 8, 32] as const;
const CHARACTERS_PER_TOKEN = 3;

/**
 * How fast the model that the user chose embeds, by length, batch and precision, and what keeping it loaded gains. A model on
 * another machine is left out: it would be sent code, for money.
 * @param lines of the user's own code, at least one
 */
export async function measureEngines(
  host: Host,
  settings: Settings,
  lines: readonly string[],
  options: MeasureOptions,
): Promise<Section> {
  const named = chosenName(settings, cacheDirectoryOf(settings, host.env));
  if (named === undefined) {
    const reason = phrase("The model in the package searches: `cairn models use` chooses another.");
    return skippedSection("embed", phrase("a chosen model"), reason);
  }
  const sections: Section[] = [];
  for (const name of options.quick ? [named] : precisionsOf(host, settings, named)) {
    if (options.signal.aborted) break;
    sections.push(await ofModel(host, settings, name, lines, options));
  }
  return together(sections);
}

/** The model in every precision that is on this machine. */
function precisionsOf(host: Host, settings: Settings, named: string): string[] {
  try {
    const parts = hubPartsOf(host, cacheDirectoryOf(settings, host.env));
    const { model } = namedModel(parts, named);
    return modelOnDisk(parts, model).precisions.map((precision) => `${model.id}:${precision}`);
  } catch (error) {
    // What is not in the catalogue has one form.
    if (error instanceof CairnError) return [named];
    throw error;
  }
}

async function ofModel(
  host: Host,
  settings: Settings,
  named: string,
  lines: readonly string[],
  options: MeasureOptions,
): Promise<Section> {
  let engine: EmbeddingEngine | undefined;
  try {
    const cacheDirectory = cacheDirectoryOf(settings, host.env);
    const model = await chosenModel({ host, cacheDirectory, settings, signal: options.signal }, named);
    options.note(phrase("embedding with {0}", model.name));
    engine = await model.start(options.signal);
    if (engine.pid === undefined) {
      const reason = phrase("It is not on this machine: measuring it would send code, and may cost money.");
      return skippedSection("embed", phrase("{0}, embedding", model.name), reason);
    }
    const limits = options.quick ? QUICK : LIMITS;
    const throughput = await takeInTurns(
      "embed",
      engineCandidates(engine, model.name, lines, options),
      limits,
      options,
    );
    const loading = await takeInTurns(
      "embed",
      loadingCandidates(engine, model, textOf(lines, LENGTHS.small, 0), options),
      options.quick ? LOADING_QUICK : LOADING,
      options,
    );
    return together([throughput, loading]);
  } catch (error) {
    // What was measured before it is kept.
    if (options.signal.aborted) return together([]);
    if (!(error instanceof CairnError)) throw error;
    return skippedSection("embed", phrase("{0}, embedding", named), joined([error.said, error.advice], " "));
  } finally {
    await engine?.close();
  }
}

/** Texts a second by length and batch, and how long one text takes. */
export function engineCandidates(
  engine: Pick<EmbeddingEngine, "embed">,
  model: string,
  lines: readonly string[],
  { clock }: Pick<MeasureOptions, "clock">,
): Candidate[] {
  return Object.entries(LENGTHS).flatMap(([length, tokens]) => {
    const texts = Array.from({ length: Math.max(...BATCHES) }, (_, i) => textOf(lines, tokens, i));
    const batches = BATCHES.map(
      (batch): Candidate => ({
        id: `embed/${model}/${length}-${batch}`,
        name: phrase("{0}, texts of {1} tokens, {2} at a time", model, tokens, batch),
        unit: "texts/s",
        better: "more",
        async run(round) {
          const own = Array.from({ length: batch }, (_, i) => texts[(i + batch * (round + 1)) % texts.length]);
          const started = clock.steady();
          await engine.embed(own, "passage");
          return batch / ((clock.steady() - started) / 1000);
        },
      }),
    );
    const single: Candidate = {
      id: `embed/${model}/${length}-latency`,
      name: phrase("{0}, one text of {1} tokens", model, tokens),
      unit: "ms",
      better: "less",
      async run(round) {
        await engine.embed([texts[(round + 1) % texts.length]], "passage");
        return undefined;
      },
    };
    return [...batches, single];
  });
}

/** A process for each text, beside one that is kept; and whether the first text after loading takes longer than others. */
function loadingCandidates(
  kept: EmbeddingEngine,
  { name, start }: Pick<ChosenModel, "name" | "start">,
  text: string,
  { clock, signal }: MeasureOptions,
): Candidate[] {
  const id = `embed/${name}`;
  const firsts = new Map<number, Promise<{ load: number; first: number }>>();
  const fresh = async () => {
    const started = clock.steady();
    const engine = await start(signal);
    try {
      const loaded = clock.steady();
      await engine.embed([text], "query");
      return { load: clock.steady() - started, first: clock.steady() - loaded };
    } finally {
      await engine.close();
    }
  };
  const times = (round: number) => {
    const known = firsts.get(round) ?? fresh();
    firsts.set(round, known);
    return known;
  };
  const described = (part: string, title: ReturnType<typeof phrase>, against?: string) =>
    ({
      id: `${id}/${part}`,
      name: title,
      unit: "ms",
      better: "less",
      ...(against && { against: `${id}/${against}` }),
    }) as const;
  return [
    {
      ...described("kept", phrase("{0}, a text, with its process kept", name), "load"),
      async run() {
        await kept.embed([text], "query");
        return undefined;
      },
    },
    {
      ...described("load", phrase("{0}, a text, with a process started for it", name)),
      run: async (round) => (await times(round)).load,
    },
    {
      ...described("first", phrase("{0}, the first text after loading", name), "kept"),
      run: async (round) => (await times(round)).first,
    },
  ];
}

/** A text of about so many tokens, from another line on for each number. */
function textOf(lines: readonly string[], tokens: number, number: number): string {
  const own: string[] = [];
  let characters = 0;
  for (let at = (number * 31) % lines.length; characters < tokens * CHARACTERS_PER_TOKEN; at++) {
    const line = lines[at % lines.length];
    own.push(line);
    characters += line.length + 1;
  }
  return own.join("\n").slice(0, tokens * CHARACTERS_PER_TOKEN);
}
