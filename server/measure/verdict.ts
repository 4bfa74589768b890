import type { BenchRun, Measure } from "../../shared/bench-types.ts";
import { type Comparison, differences, withinRun } from "./compare.ts";
import { shownTimes, shownValue } from "./shown.ts";
import { summarise } from "./statistics.ts";

/** What a run says, in one sentence or two; it claims nothing that the bounds of the figures do not bear. */
export function verdictOf(run: BenchRun): string {
  const compared = withinRun(run);
  const found = (id: string) => run.measures.find((measure) => measure.id === id);
  const against = (id: string) => compared.find(({ measure }) => measure.id === id);
  const parts: string[] = [];
  const name = found("search/name");
  if (name) parts.push(`a name is found in ${shown(name)}${besidePeer(against("search/name"), "ripgrep")}`);
  const quoted = found("answer/quoted");
  if (quoted) parts.push(`passages are quoted in ${shown(quoted)}`);
  const words = firstWords(run);
  if (words) parts.push(words);
  const texts = found("embed/medium-8");
  if (texts) parts.push(`${shown(texts).replace("texts/s", "texts a second")} become vectors`);
  const best = run.quality?.points.find(({ id }) => id === "whole");
  const bestTime = found("quality/whole");
  if (best && bestTime) parts.push(`queries score ${best.ndcg10.toFixed(3)} (NDCG@10) in ${shown(bestTime)}`);
  const saved = found("delta/saved");
  const zstd = found("delta/zstd-saved");
  if (saved) parts.push(`a delta saves ${shown(saved)}${zstd ? `, zstd ${shown(zstd)}` : ""}`);
  if (parts.length === 0) return run.cancelled ? "It was ended before anything was measured." : "Nothing was measured.";
  const [first, ...rest] = parts;
  const sentence = [first, ...rest].join("; ");
  return `${sentence[0].toUpperCase()}${sentence.slice(1)}.`;
}

/** What has changed between two runs, in one sentence; why they cannot be compared when they cannot. */
export function verdictBetween(later: BenchRun, earlier: BenchRun, compared: readonly Comparison[]): string {
  const unlike = differences(later, earlier);
  if (unlike.length > 0) return `The two cannot be compared: ${unlike.join("; ")}.`;
  if (compared.length === 0) return "The two have no measure in common.";
  const better = compared.filter(({ verdict }) => verdict === "better");
  const worse = compared.filter(({ verdict }) => verdict === "worse");
  if (better.length + worse.length === 0) return `No difference was found in ${compared.length} measures.`;
  const counts = `Of ${compared.length} measures ${better.length} are better, ${worse.length} worse`;
  const most = [...better, ...worse].sort((a, b) => strength(b) - strength(a))[0];
  return `${counts}; the most: ${most.measure.name}, ${shownTimes(most)}.`;
}

function strength({ ratio }: Comparison): number {
  return Math.abs(Math.log(ratio.ratio));
}

function besidePeer(comparison: Comparison | undefined, peer: string): string {
  if (comparison?.verdict === "better") return `, ${times(1 / comparison.ratio.ratio)} as fast as ${peer} finds it`;
  if (comparison?.verdict === "worse") return `, slower than ${peer} finds it`;
  return "";
}

/** Providers by their first words, fastest first. */
function firstWords({ measures }: BenchRun): string {
  const own = measures.filter(({ id }) => /^answer\/.+-medium-first$/.test(id)).sort((a, b) => mid(a) - mid(b));
  return own.map((measure) => `${measure.name.split(",")[0]} begins to answer after ${shown(measure)}`).join(", ");
}

function mid({ values }: Measure): number {
  return summarise(values).median;
}

function shown(measure: Measure): string {
  return shownValue(mid(measure), measure.unit);
}

function times(ratio: number): string {
  return `${ratio >= 10 ? Math.round(ratio) : ratio.toPrecision(2)} times`;
}
