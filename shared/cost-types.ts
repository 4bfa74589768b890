/** What is asked of the costs. */
export interface CostOrder {
  /** Tokens a month; the user's own volume without it, or {@link DEFAULT_TOKENS} when none is recorded. */
  readonly tokens?: number;
  readonly hardware?: Hardware;
}

/** Tokens a month when neither the user nor the record says how many. */
export const DEFAULT_TOKENS = 10_000_000;
export const MOST_TOKENS = 1_000_000_000_000;

/** What a machine that runs models takes; all of it is said by the user, nothing is assumed. */
export interface Hardware {
  readonly watts: number;
  /** A month. */
  readonly hours: number;
  /** US dollars. */
  readonly pricePerKwh: number;
  /** US dollars, spread over so many months. */
  readonly purchase: number;
  readonly months: number;
}

/** What a volume costs a month at one model of one provider, in US dollars. */
export interface CostRow {
  readonly provider: string;
  readonly model: string;
  readonly monthly: number;
  /** The day on which the price was true; empty for the user's own. */
  readonly asOf: string;
  readonly source: string;
}

/** What the user has used, as it would be in a month of thirty days. */
export interface UsedRow {
  readonly provider: string;
  readonly model: string;
  readonly remote: boolean;
  readonly tokens: number;
  /** US dollars; missing when the price is not known. */
  readonly monthly?: number;
  readonly asOf?: string;
}

/** What routing questions between two models has brought, by its record. */
export interface RoutingCost {
  /** Questions that were routed, and those that were kept out of it for comparison. */
  readonly routed: number;
  readonly control: number;
  /** Of the routed, the share that the weaker model was asked, 0 to 1. */
  readonly byWeak: number;
  /** How much less a routed question costs, as a share; missing while the price of one kind of them is not known. */
  readonly saved?: number;
  /** US dollars in a month of thirty days. */
  readonly monthly?: number;
}

export interface CostReport {
  /** Where the volume comes from. */
  readonly basis: "stated" | "recorded";
  /** Days that the record spans, at least 1; 0 without one. */
  readonly days: number;
  /** Tokens a month, of answers. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Where their shares come from: `assumed` are those of a full window with the settings as they come. */
  readonly shares: "recorded" | "assumed";
  /** Tokens a month that are embedded. */
  readonly embeddingTokens: number;
  readonly used: readonly UsedRow[];
  /** The whole volume at each model whose price is known, cheapest first. */
  readonly answers: readonly CostRow[];
  /** What embedding here saves against each of these, cheapest first. */
  readonly embeddings: readonly CostRow[];
  /** US dollars a month that the providers' caches save, as far as the prices of cached tokens are known. */
  readonly cachesSave: number;
  /** US dollars a month that answers have saved which were kept from before, as far as prices are known. */
  readonly keptAnswersSave: number;
  /** Cached tokens a month of whose price nothing is known. */
  readonly cachedUnpriced: number;
  /** Only when questions were routed. */
  readonly routing?: RoutingCost;
  /** US dollars a month; only when the user has said what the machine takes. */
  readonly hardware?: { readonly power: number; readonly purchase: number };
}
