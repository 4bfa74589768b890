import { quantise } from "../vectors/int8.ts";

declare const space: unique symbol;

/**
 * The unit vector of a question by the chosen model, as int8 codes. The compiler takes it for nothing that the vectors of
 * the bundled model, which are plain `Int8Array`s, could be compared with, nor those for this: a dot product of two
 * models' vectors is a number that says nothing.
 */
export interface ChosenCodes {
  readonly [space]: "chosen";
}

/** A question as the chosen model understands it. */
export interface ChosenQuery {
  /** Identity of the model: two that were chosen one after the other have nothing in common either. */
  readonly model: string;
  readonly codes: ChosenCodes;
}

/** @param vector floats of any length but zero */
export function chosenQuery(model: string, vector: Float32Array): ChosenQuery {
  const codes = new Int8Array(vector.length);
  quantise(vector, codes);
  return { model, codes: codes as unknown as ChosenCodes };
}

/**
 * The numbers behind the codes of a question.
 * @throws TypeError when it was asked of another model than the vectors that it is to be compared with
 */
export function codesFor(model: string, query: ChosenQuery): Int8Array {
  if (query.model !== model) throw new TypeError(`A question to ${query.model} met vectors of ${model}.`);
  return query.codes as unknown as Int8Array;
}
