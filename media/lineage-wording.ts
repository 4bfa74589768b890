import type { Proposal, ScanPicture } from "../shared/delta-panel-messages.ts";
import type { CandidateBase, DeltaKinship } from "../shared/delta-types.ts";
import { joined, type Phrase, phrase, SILENCE } from "../shared/phrase.ts";
import { changeInWords, percent, sizeInWords } from "./delta-wording.ts";

/** What speaks for a model or a dataset being made from another, in words. */
export function evidence({ kind, declared, sameArchitecture, shared, distance }: DeltaKinship): Phrase {
  if (kind === "dataset") {
    const named = declared ? phrase("named as the source by its card") : SILENCE;
    return joined([named, phrase("{0} of its rows or cells are there", percent(shared))], ", ");
  }
  return joined(
    [
      declared ? phrase("named as the base by the model itself") : SILENCE,
      sameArchitecture === undefined
        ? SILENCE
        : sameArchitecture
          ? phrase("the same architecture")
          : phrase("another architecture"),
      shared === 1 ? phrase("all tensors of the same shape") : phrase("{0} of the tensors alike", percent(shared)),
      distanceInWords(distance),
    ],
    ", ",
  );
}

function distanceInWords(distance: number | undefined): Phrase {
  if (distance === undefined) return SILENCE;
  return distance === 0
    ? phrase("the same weights in a sample")
    : phrase("weights that differ by {0}", changeInWords(distance));
}

/** What to make of a candidate. */
export function verdictOnBase({ standing }: CandidateBase): Phrase {
  switch (standing) {
    case "likely":
      return phrase("Likely the base");
    case "after":
      return phrase("Rather made later, by what it says or the dates of the files");
    case "unrelated":
      return phrase("Other weights, not the base");
    case "little":
      return phrase("Too little to compare");
  }
}

/** What a delta would save of a model, by its estimate, 0 to 1; undefined while that is not known. */
export function estimatedShare({ bytes, estimate }: Proposal): number | undefined {
  return estimate && bytes > 0 ? Math.max(0, 1 - estimate.deltaBytes / bytes) : undefined;
}

/** What became of a proposal, or what would. */
export function proposalInWords(proposal: Proposal): Phrase {
  const { bytes, estimate, made, problem } = proposal;
  if (made) {
    const share = percent(bytes === 0 ? 0 : Math.max(0, 1 - made.deltaBytes / bytes));
    return phrase("{0} saved, {1} in {2}", share, sizeInWords(bytes), sizeInWords(made.deltaBytes));
  }
  const share = estimatedShare(proposal);
  if (estimate && share !== undefined)
    return phrase("about {0} saved, {1} in {2}", percent(share), sizeInWords(bytes), sizeInWords(estimate.deltaBytes));
  return problem === undefined ? phrase("not estimated yet") : phrase("no estimate");
}

/** What a scan has found, in one sentence. */
export function scanInWords({ folder, models, datasets, proposals }: ScanPicture): Phrase {
  const counts = [
    models === 1 ? phrase("1 model") : phrase("{0} models", models.toLocaleString("en")),
    datasets === 0
      ? SILENCE
      : datasets === 1
        ? phrase("1 dataset")
        : phrase("{0} datasets", datasets.toLocaleString("en")),
  ];
  const found = phrase("{0} in {1}", joined(counts, ", "), folder);
  if (proposals.length === 0) return phrase("{0}, none made from another.", found);
  return phrase("{0}, {1} made from another.", found, proposals.length);
}

/** What the chosen ones would save together. */
export function choiceInWords(chosen: readonly Proposal[]): Phrase {
  if (chosen.length === 0) return phrase("None is chosen.");
  const bytes = chosen.reduce((sum, one) => sum + one.bytes, 0);
  const stored = chosen.reduce((sum, one) => sum + Math.min(one.bytes, one.estimate?.deltaBytes ?? one.bytes), 0);
  const sizes = [sizeInWords(bytes), sizeInWords(stored), sizeInWords(bytes - stored)] as const;
  return phrase("{0} chosen: {1} would take about {2}, {3} less.", chosen.length, ...sizes);
}
