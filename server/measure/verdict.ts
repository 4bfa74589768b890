import type { BenchRun, Measure } from "../../shared/bench-types.ts";
import { asPhrase, joined, type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import { type Comparison, differences, withinRun } from "./compare.ts";
import { shownNumber, shownTimes, shownValue } from "./shown.ts";
import { summarise } from "./statistics.ts";

/** What a run says, in one sentence; it claims nothing that the bounds of the figures do not bear. */
export function verdictOf(run: BenchRun): Phrase {
  const found = (id: string) => run.measures.find((measure) => measure.id === id);
  const parts = [
    searchVerdict(run, found("search/name")),
    vectorVerdict(run),
    said(found("answer/quoted"), (ms) => phrase("passages are quoted in {0}", ms)),
    firstWords(run),
    textsVerdict(found("embed/medium-8")),
    qualityVerdict(run, found("quality/whole")),
    deltaVerdict(found("delta/saved"), found("delta/zstd-saved")),
  ].filter((part) => part !== SILENCE);
  if (parts.length > 0) return joined(parts, "; ");
  return run.cancelled ? phrase("it was ended before anything was measured") : phrase("nothing was measured");
}

/** What has changed between two runs, in one sentence; why they cannot be compared when they cannot. */
export function verdictBetween(later: BenchRun, earlier: BenchRun, compared: readonly Comparison[]): Phrase {
  const unlike = differences(later, earlier);
  if (unlike.length > 0) return phrase("the two cannot be compared: {0}", joined(unlike, "; "));
  if (compared.length === 0) return phrase("the two have no measure in common");
  const better = compared.filter(({ verdict }) => verdict === "better");
  const worse = compared.filter(({ verdict }) => verdict === "worse");
  if (better.length + worse.length === 0) return phrase("no difference was found in {0} measures", compared.length);
  const most = [...better, ...worse].sort((a, b) => strength(b) - strength(a))[0];
  return phrase(
    "of {0} measures {1} are better, {2} worse; the most: {3}, {4}",
    compared.length,
    better.length,
    worse.length,
    asPhrase(most.measure.name),
    shownTimes(most),
  );
}

function strength({ ratio }: Comparison): number {
  return Math.abs(Math.log(ratio.ratio));
}

function searchVerdict(run: BenchRun, name: Measure | undefined): Phrase {
  const beside = withinRun(run).find(({ measure }) => measure.id === name?.id);
  return said(name, (ms) => {
    if (beside?.verdict === "better") {
      return phrase("a name is found in {0}, {1} times as fast as ripgrep finds it", ms, times(1 / beside.ratio.ratio));
    }
    if (beside?.verdict === "worse") return phrase("a name is found in {0}, slower than ripgrep finds it", ms);
    return phrase("a name is found in {0}", ms);
  });
}

function vectorVerdict({ vectors }: BenchRun): Phrase {
  const used = vectors?.points.find(({ id }) => id === "int8");
  if (!used) return SILENCE;
  return phrase("vectors of {0} bytes keep {1} % of the ten closest", used.bytes, shownNumber(100 * used.recall10));
}

/** Providers by their first words, fastest first. */
function firstWords({ measures }: BenchRun): Phrase {
  const own = measures.filter(({ id }) => /^answer\/.+-medium-first$/.test(id)).sort((a, b) => mid(a) - mid(b));
  const parts = own.map((measure) => {
    const [, provider = ""] = /^answer\/(.+)-medium-first$/.exec(measure.id) ?? [];
    return phrase("{0} begins to answer after {1}", provider, shown(measure));
  });
  return parts.length > 0 ? joined(parts, ", ") : SILENCE;
}

function textsVerdict(texts: Measure | undefined): Phrase {
  return texts ? phrase("{0} texts a second become vectors", shownNumber(mid(texts))) : SILENCE;
}

function qualityVerdict({ quality }: BenchRun, time: Measure | undefined): Phrase {
  const whole = quality?.points.find(({ id }) => id === "whole");
  if (!whole || !time) return SILENCE;
  return phrase("queries score {0} (NDCG@10) in {1}", whole.ndcg10.toFixed(3), shown(time));
}

function deltaVerdict(saved: Measure | undefined, zstd: Measure | undefined): Phrase {
  if (saved && zstd) return phrase("a delta saves {0}, zstd {1}", shown(saved), shown(zstd));
  return said(saved, (share) => phrase("a delta saves {0}", share));
}

function said(measure: Measure | undefined, words: (value: string) => Phrase): Phrase {
  return measure ? words(shown(measure)) : SILENCE;
}

function mid({ values }: Measure): number {
  return summarise(values).median;
}

function shown(measure: Measure): string {
  return shownValue(mid(measure), measure.unit);
}

function times(ratio: number): string {
  return ratio >= 10 ? String(Math.round(ratio)) : ratio.toPrecision(2);
}
