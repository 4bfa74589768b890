import type { VectorPoint } from "../../shared/bench-types.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Workspace } from "../core-api.ts";
import { estimate } from "../eval/bootstrap.ts";
import { FolderIndexer } from "../eval/folder-indexer.ts";
import type { Host } from "../host.ts";
import { walkOptionsOf } from "../opening.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { realVectors } from "./real-vectors.ts";
import { VECTORS } from "./report.ts";
import type { Limits } from "./rounds.ts";
import { type Candidate, type MeasureOptions, type Section, skippedSection, takeInTurns, together } from "./section.ts";
import { type VectorForm, vectorForms } from "./vector-forms.ts";
import { recallOf } from "./vector-recall.ts";

/** A round is one query, answered from every form. */
const LIMITS: Limits = { warmUp: 5, least: 40, most: 300, ms: 15_000, precision: 0.03 };
const QUICK: Limits = { ...LIMITS, least: 20, most: 40, ms: 3_000 };
/** Files are read and cut anew, on one thread: more takes minutes. */
const MOST_FILES = { quick: 1_000, whole: 20_000 };
/** Each is kept in eight forms at once. */
const MOST_VECTORS = 50_000;
const MOST_QUERIES = { quick: 60, whole: 200 };
/** Of fewer, ten are a large part of all. */
const FEWEST_VECTORS = 500;
const FEWEST_QUERIES = 10;
const WANTED = 10;

/**
 * How many of the closest vectors of the user's own code are found when they are kept in fewer bytes, beside how long a scan
 * takes and how many bytes that is. The truth are the vectors of the bundled model before they become codes.
 */
export async function measureVectors(
  host: Host,
  settings: Settings,
  workspace: Workspace,
  options: MeasureOptions,
): Promise<Section> {
  const size = options.quick ? "quick" : "whole";
  const name = phrase("vectors in fewer bytes");
  const { files, chunks } = await workspace.status();
  if (files > MOST_FILES[size]) {
    return skippedSection("search", name, phrase("The folder has more than {0} files.", MOST_FILES[size]));
  }
  if (chunks < FEWEST_VECTORS) return skippedSection("search", name, tooFew(chunks));
  options.note(phrase("comparing vectors in fewer bytes with exact ones"));
  const { signal } = options;
  const indexer = await FolderIndexer.create();
  try {
    const texts = await indexer.read(host, [{ root: workspace.root }], { walk: walkOptionsOf(settings), signal });
    const { model, set, queries } = await realVectors(indexer, texts, host, {
      vectors: MOST_VECTORS,
      queries: MOST_QUERIES[size],
      signal,
    });
    if (set.count < FEWEST_VECTORS) return skippedSection("search", name, tooFew(set.count));
    if (queries.length < FEWEST_QUERIES) {
      return skippedSection("search", name, phrase("Too few comments and names say in words what code is for."));
    }
    const forms = vectorForms(set, loadKernels(host.files));
    const points = await recallOf(set, forms, queries, WANTED, signal);
    const timed = await takeInTurns("search", forms.map(scan), options.quick ? QUICK : LIMITS, options);
    const figures = {
      model,
      dims: set.dims,
      vectors: set.count,
      queries: queries.length,
      points: points.map(({ form: { id, name, bytes }, shares }): VectorPoint => {
        const { mean, low, high } = estimate(shares);
        return { id, name, bytes, recall10: mean, low, high };
      }),
    };
    return timed.measures.length > 0 ? { ...timed, vectors: figures } : timed;

    function scan(form: VectorForm): Candidate {
      return {
        id: `${VECTORS}${form.id}`,
        name: phrase("Ten closest vectors: {0}", form.name),
        unit: "ms",
        better: "less",
        run(round) {
          form.closest(queries[(round + LIMITS.warmUp) % queries.length], WANTED);
          return undefined;
        },
      };
    }
  } catch (error) {
    // What was measured before it is kept.
    if (signal.aborted) return together([]);
    throw error;
  } finally {
    indexer.close();
  }
}

function tooFew(count: number) {
  return phrase("The code has {0} pieces; of fewer than {1}, ten are too large a part.", count, FEWEST_VECTORS);
}
