import { CairnError } from "../../shared/errors.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";
import { ProviderError } from "../answer/provider-error.ts";

/** The answer to a request for vectors, in whatever shape it came. */
export interface EmbeddingResponse {
  readonly data?: unknown;
  readonly usage?: { readonly prompt_tokens?: unknown; readonly total_tokens?: unknown } | null;
}

/** What a request for vectors was about. */
export interface Expected {
  readonly provider: string;
  readonly texts: number;
  /** Numbers of a vector; undefined before the first answer. */
  readonly dims: number | undefined;
}

/**
 * The vectors of an answer at unit length, in the order of the texts: a server may number them and send them in another.
 * Each comes as numbers, or as the bytes of its 32-bit floats in base64, whichever the server likes.
 *
 * @throws ProviderError `output` for an answer that is not of this shape
 * @throws {CairnError} `output` for a vector that points nowhere: the text is at fault, or the server at this text
 */
export function unitVectors({ data }: EmbeddingResponse, { provider, texts, dims }: Expected): Float32Array[] {
  if (!Array.isArray(data) || data.length !== texts) {
    const message = Array.isArray(data)
      ? phrase("it gave {0} vectors for {1} texts.", data.length, texts)
      : phrase("it gave no vectors for {0} texts.", texts);
    throw unusable(provider, message);
  }
  const vectors: Float32Array[] = new Array(texts);
  data.forEach((entry: { index?: unknown; embedding?: unknown } | null, i) => {
    const index = typeof entry?.index === "number" ? entry.index : i;
    if (!(index in data) || vectors[index]) {
      throw unusable(provider, phrase("it numbers its vectors wrongly ({0}).", index));
    }
    vectors[index] = floatsOf(entry?.embedding, provider);
  });
  const wanted = dims ?? vectors[0].length;
  const other = vectors.find(({ length }) => length !== wanted);
  if (other) {
    throw unusable(provider, phrase("it gave a vector of {0} numbers, not of {1}.", other.length, wanted));
  }
  for (const vector of vectors) normalise(vector);
  return vectors;
}

/** As the server counts them; undefined when it does not. */
export function tokensIn({ usage }: EmbeddingResponse): number | undefined {
  const counted = usage?.prompt_tokens ?? usage?.total_tokens;
  return typeof counted === "number" && counted >= 0 ? counted : undefined;
}

function floatsOf(embedding: unknown, provider: string): Float32Array {
  if (typeof embedding === "string") {
    const bytes = Buffer.from(embedding, "base64");
    if (bytes.length > 0 && bytes.length % 4 === 0) {
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    }
  } else if (Array.isArray(embedding) && embedding.length > 0) {
    // JSON has no NaN: servers write null for it.
    return Float32Array.from(embedding, (value) => (typeof value === "number" ? value : Number.NaN));
  }
  throw unusable(provider, phrase("what it gave is no vector."));
}

function normalise(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  if (!(length > 0 && Number.isFinite(length))) {
    throw new CairnError("output", phrase("The server gave a vector that points nowhere."));
  }
  for (let d = 0; d < vector.length; d++) vector[d] /= length;
}

function unusable(provider: string, message: Phrase): ProviderError {
  return new ProviderError(provider, "output", message, phrase("Is it an embedding model, and the address right?"));
}
