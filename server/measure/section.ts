import type { BenchArea, Measure, QualityFigures, SkippedMeasure, VectorFigures } from "../../shared/bench-types.ts";
import { type Phrase, phrase, type Wording } from "../../shared/phrase.ts";
import { type Arm, type Clock, type Limits, measureRounds } from "./rounds.ts";

/** How a run is made. */
export interface MeasureOptions {
  /** Fewer rounds and smaller work. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Says what goes on. */
  note(what: Phrase): void;
  /** Called with what one part of a run has so far, after each round. */
  onProgress?(measures: readonly Measure[]): void;
}

/** What one area of a run came to. */
export interface Section {
  readonly measures: readonly Measure[];
  readonly skipped: readonly SkippedMeasure[];
  readonly warnings: readonly Wording[];
  readonly quality?: QualityFigures;
  readonly vectors?: VectorFigures;
}

/** A measure to take, and how. */
export interface Candidate extends Omit<Measure, "area" | "values">, Arm {}

/** Takes measures in turns. What the user ends keeps its whole rounds; without one, there is nothing of it. */
export async function takeInTurns(
  area: BenchArea,
  candidates: readonly Candidate[],
  limits: Limits,
  { signal, clock, onProgress }: MeasureOptions,
): Promise<Section> {
  const named = (values: readonly (readonly number[])[]): Measure[] =>
    candidates.map(({ run: _, ...candidate }, i) => ({ ...candidate, area, values: values[i].map(rounded) }));
  const values: number[][] = candidates.map(() => []);
  const kept = candidates.map(({ run }, i) => ({
    async run(round: number) {
      const started = clock.steady();
      const value = (await run(round)) ?? clock.steady() - started;
      if (round >= 0) values[i].push(value);
      return value;
    },
  }));
  const rounds = await measureRounds(kept, limits, clock, signal, () => onProgress?.(named(values)));
  const whole = rounds.values[0]?.length > 0;
  const warnings =
    rounds.disturbed > 0
      ? [phrase("{0} rounds were thrown away: the machine slept, or its clock was set.", rounds.disturbed)]
      : [];
  return { measures: whole ? named(rounds.values) : [], skipped: [], warnings };
}

export function together(sections: readonly Section[]): Section {
  const quality = sections.find((section) => section.quality)?.quality;
  const vectors = sections.find((section) => section.vectors)?.vectors;
  return {
    ...(quality && { quality }),
    ...(vectors && { vectors }),
    measures: sections.flatMap(({ measures }) => measures),
    skipped: sections.flatMap(({ skipped }) => skipped),
    warnings: sections.flatMap(({ warnings }) => warnings),
  };
}

export function skippedSection(area: BenchArea, name: Phrase, reason: Phrase): Section {
  return { measures: [], skipped: [{ area, name, reason }], warnings: [] };
}

/** Six significant digits: more is noise, and makes records long. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
