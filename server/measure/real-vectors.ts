import { StaticEncoder } from "../embed/static.ts";
import { loadStaticModel } from "../embed/static-model.ts";
import { breathe, FILES_BETWEEN_BREATHS, type FolderIndexer, type SourceText } from "../eval/folder-indexer.ts";
import type { Host } from "../host.ts";
import { packageFile } from "../package-files.ts";
import { tokenize } from "../text/tokens.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { firstSentence } from "../workspace/index-file.ts";
import type { QueryForms, VectorSet } from "./vector-forms.ts";

/** Vectors of real code by the bundled model, and queries of it. */
export interface RealVectors {
  readonly model: string;
  readonly set: VectorSet;
  readonly queries: readonly QueryForms[];
}

export interface RealVectorLimits {
  /** At the most. */
  readonly vectors: number;
  readonly queries: number;
  readonly signal?: AbortSignal;
}

/** A query of fewer words is a name. */
const FEWEST_WORDS = 3;

/**
 * Cuts and embeds texts as the indexer does, and asks for what the code says of itself: the first sentence of a doc
 * comment, or a name of several words. The same texts give the same queries.
 */
export async function realVectors(
  indexer: FolderIndexer,
  texts: readonly SourceText[],
  { files }: Pick<Host, "files">,
  { vectors: most, queries: mostQueries, signal }: RealVectorLimits,
): Promise<RealVectors> {
  const encoder = new StaticEncoder(loadStaticModel(files, packageFile("models", "static"), loadKernels(files)));
  const { dims } = encoder;
  const exact = new Float32Array(most * dims);
  const codes = new Int8Array(most * dims);
  const scales = new Float32Array(most);
  const asked: string[] = [];
  let count = 0;
  for (const [i, text] of texts.entries()) {
    if (i % FILES_BETWEEN_BREATHS === 0) await breathe(signal);
    const chunks = (await indexer.chunk(text)).chunks.slice(0, most - count);
    const path = encoder.path(text.path);
    encoder.place(encoder.bodies(chunks.map((chunk) => chunk.text)), path, codes, scales, count);
    for (const { text, doc, name } of chunks) {
      exact.set(encoder.exact(text, path), count++ * dims);
      const query = [firstSentence(doc), tokenize(name).slice(1).join(" ")].find(
        (words) => words.split(" ").length >= FEWEST_WORDS,
      );
      if (query) asked.push(query);
    }
    if (count === most) break;
  }
  return {
    model: encoder.model,
    set: {
      dims,
      count,
      exact: exact.subarray(0, count * dims),
      codes: codes.subarray(0, count * dims),
      scales: scales.subarray(0, count),
    },
    queries: spread([...new Set(asked)], mostQueries).flatMap((text) => {
      const found = encoder.query(text);
      return found ? [{ exact: encoder.exact(text), codes: found.codes }] : [];
    }),
  };
}

function spread<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, items.length / most);
  return Array.from({ length: Math.min(most, items.length) }, (_, i) => items[Math.floor(i * step)]);
}
