import { readFileSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { packageFile } from "../package-files.ts";

/** What a million tokens of a model cost, in US dollars. */
export interface ModelPrice {
  /** Empty: of whichever provider. */
  readonly provider: string;
  readonly model: string;
  readonly kind: "answer" | "embedding";
  readonly input: number;
  /** 0 for embeddings. */
  readonly output: number;
  /** Of input tokens that the provider had from an earlier request; missing when that is not known. */
  readonly cachedInput?: number;
  /** The day on which it was true; empty for what the user says. */
  readonly asOf: string;
  /** Who says so. */
  readonly source: string;
}

/** The prices that come with Cairn (models/prices.json), below those that the user gives. */
export class PriceTable {
  readonly #own: readonly ModelPrice[];
  readonly #shipped: readonly ModelPrice[];

  /**
   * @param overrides as `cairn.answer.prices` has them
   * @throws CairnError("input") that names an entry that is no price
   */
  constructor(overrides: readonly string[], shipped: readonly ModelPrice[] = shippedPrices()) {
    this.#own = overrides.map(priceIn);
    this.#shipped = shipped;
  }

  /** Undefined when nobody has said what it costs. A version by its date costs what its model does. */
  find(provider: string, model: string): ModelPrice | undefined {
    const undated = model.replace(/-\d{4}-\d{2}-\d{2}$/, "");
    return (
      this.#own.find((price) => price.model === model) ??
      this.#shipped.find((price) => price.provider === provider && price.model === model) ??
      this.#shipped.find((price) => price.provider === provider && price.model === undated)
    );
  }

  /** All of a kind; the user's take the place of those of the same model. */
  all(kind: ModelPrice["kind"]): readonly ModelPrice[] {
    const own = new Map(this.#own.map((price) => [price.model, price]));
    const shipped = this.#shipped.map((price) => {
      const other = own.get(price.model);
      own.delete(price.model);
      return other ? { ...other, provider: price.provider } : price;
    });
    return [...own.values(), ...shipped].filter((price) => price.kind === kind);
  }
}

function shippedPrices(): readonly ModelPrice[] {
  const { prices } = JSON.parse(readFileSync(packageFile("models", "prices.json"), "utf8"));
  return prices.map((price: ModelPrice) => ({ ...price, output: price.output ?? 0 }));
}

/** `MODEL=INPUT/OUTPUT` of a model that answers, `MODEL=INPUT` of one that embeds. */
function priceIn(entry: string): ModelPrice {
  const [, model, input, output] = /^(.+?)\s*=\s*(\d*\.?\d+)(?:\s*\/\s*(\d*\.?\d+))?$/.exec(entry) ?? [];
  if (model === undefined) {
    throw new CairnError(
      "input",
      phrase('"{0}" is no price.', entry),
      phrase("Write MODEL=INPUT/OUTPUT, in US dollars per million tokens: gpt-4o=2.5/10."),
    );
  }
  const kind = output === undefined ? "embedding" : "answer";
  const source = "cairn.answer.prices";
  return { provider: "", model, kind, input: Number(input), output: Number(output ?? 0), asOf: "", source };
}
