import { type CodedQuery, encodedQuery, formName, type StoredForm } from "../vectors/stored-form.ts";

declare const space: unique symbol;

/**
 * The unit vector of a question by the chosen model, in codes. The compiler takes it for nothing that the vectors of
 * the bundled model, which are plain `Int8Array`s, could be compared with, nor those for this: a dot product of two
 * models' vectors is a number that says nothing.
 */
export interface ChosenCodes {
  readonly [space]: "chosen";
}

/** A question as the chosen model understands it. However few bits the vectors have, it has all of its own. */
export interface ChosenQuery {
  /** The model and the form of vectors that it is for: two that were chosen one after the other have nothing in common. */
  readonly space: string;
  readonly codes: ChosenCodes;
}

/** @param vector floats, of at least as many dimensions as the form */
export function chosenQuery(model: string, form: StoredForm, vector: Float32Array): ChosenQuery {
  return { space: spaceOf(model, form), codes: encodedQuery(vector, form) as unknown as ChosenCodes };
}

/**
 * The numbers behind the codes of a question.
 * @throws TypeError when it was asked of another model, or in another form, than the vectors that it is to be compared with
 */
export function codesFor(model: string, form: StoredForm, query: ChosenQuery): CodedQuery {
  const own = spaceOf(model, form);
  if (query.space !== own) throw new TypeError(`A question to ${query.space} met vectors of ${own}.`);
  return query.codes as unknown as CodedQuery;
}

function spaceOf(model: string, form: StoredForm): string {
  return `${model} in ${formName(form)}`;
}
