import type { VectorsStatus } from "../../shared/search-types.ts";
import { type AskedForm, bytesOf } from "../vectors/stored-form.ts";
import type { KeptRecalls } from "./kept-recalls.ts";

/**
 * How the vectors of a model are kept, and what that was found to keep.
 * @param kept identity of the model, as many dimensions as it gives, and the form
 */
export function vectorsStatus(
  kept: { readonly model: string; readonly dims: number; readonly form: AskedForm },
  recalls: KeptRecalls,
): VectorsStatus {
  const { model, dims, form } = kept;
  const { memory: memoryBytes, disk: diskBytes } = bytesOf(form);
  const recall = recalls.get(model, form);
  return { kind: form.kind, dims: form.dims, allDims: dims, memoryBytes, diskBytes, ...(recall && { recall }) };
}
