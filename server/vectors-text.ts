import type { VectorsStatus } from "../shared/search-types.ts";

/** How the vectors of a model are kept, in what room, and what they find. */
export function vectorsText({ kind, dims, allDims, memoryBytes, diskBytes, recall }: VectorsStatus): string {
  const length = dims === allDims ? `${dims} dimensions` : `${dims} of ${allDims} dimensions`;
  const room =
    memoryBytes === diskBytes
      ? `${diskBytes} bytes a vector`
      : `${memoryBytes} bytes a vector and ${diskBytes} on disk`;
  if (!recall) return `${kind}, ${length}, ${room}`;
  const { recall10, vectors, queries, against } = recall;
  const truth = against === "float" ? "as the model gives them" : "as stored in int8 with all dimensions";
  const share = `${(100 * recall10).toFixed(1)}% of the ten closest`;
  return `${kind}, ${length}, ${room}; finds ${share} of ${vectors} vectors of your code ${truth} (${queries} questions)`;
}
