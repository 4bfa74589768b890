import type { Segment, SegmentView, Snapshot } from "./segment.ts";

/** Where a path lies in the segments of a snapshot. */
export interface Location {
  readonly segment: Segment;
  readonly file: number;
}

/**
 * The snapshot with other versions of some files: each segment holds one file and hides what the snapshot has of its
 * path. The snapshot itself stays as it is.
 */
export function overlaid(
  snapshot: Snapshot,
  segments: readonly Segment[],
  locate: (path: string) => Location | undefined,
): Snapshot {
  if (segments.length === 0) return snapshot;
  const hidden = new Map<Segment, Uint8Array>();
  const views: SegmentView[] = [];
  let { fileCount, chunkCount } = snapshot;
  for (const segment of segments) {
    const below = locate(segment.path(0));
    const view = below && snapshot.views.find((one) => one.segment === below.segment);
    if (below && view && view.dead[below.file] === 0) {
      const dead = hidden.get(below.segment) ?? view.dead.slice();
      hidden.set(below.segment, dead);
      dead[below.file] = 1;
      fileCount--;
      chunkCount -= below.segment.firstChunk[below.file + 1] - below.segment.firstChunk[below.file];
    }
    views.push(viewOf(segment));
    fileCount++;
    chunkCount += segment.chunkCount;
  }
  const below = snapshot.views.map((view): SegmentView => {
    const dead = hidden.get(view.segment);
    return dead ? { segment: view.segment, dead, dots: (query) => view.dots(query), signs: view.signs } : view;
  });
  return { views: [...below, ...views], fileCount, chunkCount };
}

/** One file is too little to bring into the memory of the vector kernel. */
function viewOf(segment: Segment): SegmentView {
  return {
    segment,
    dead: new Uint8Array(1),
    dots(query) {
      const { chunkCount, vectorCodes } = segment;
      const dots = new Int32Array(chunkCount);
      for (let chunk = 0, at = 0; chunk < chunkCount; chunk++) {
        let sum = 0;
        for (let d = 0; d < query.length; d++) sum += vectorCodes[at++] * query[d];
        dots[chunk] = sum;
      }
      return dots;
    },
  };
}
