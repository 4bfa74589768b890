import { createHash } from "node:crypto";
import type { AnswerRecord, Routing, RoutingReason, Tier, Turn } from "../../shared/answer-types.ts";
import type { Settings } from "../../shared/settings.ts";
import type { GainEstimate } from "./gain-model.ts";
import type { RouteRecord } from "./route-record.ts";

/** What is routed. */
export interface RoutedQuestion {
  readonly text: string;
  /** Earlier turns of its conversation, oldest first. */
  readonly history?: readonly Turn[];
}

export type RoutingSettings = Pick<
  Settings,
  "answer.routing.quality" | "answer.routing.costPriority" | "answer.routing.latency" | "answer.routing.rolloutPercent"
>;

/** Decides which of two models a question goes to, and remembers what came of it. */
export class Router {
  readonly #settings: RoutingSettings;
  readonly #estimate: (question: string) => GainEstimate;
  readonly #record: RouteRecord;

  /** @param estimate what is to be expected of both models, for a question */
  constructor(settings: RoutingSettings, estimate: (question: string) => GainEstimate, record: RouteRecord) {
    this.#settings = settings;
    this.#estimate = estimate;
    this.#record = record;
  }

  /** Takes about a tenth of a millisecond; the first call loads what the estimate needs. */
  decide(question: RoutedQuestion): Routing {
    const { quality, novelty } = this.#estimate(question.text);
    const leastQuality = this.#leastQuality();
    const verdict = (tier: Tier, reason: RoutingReason) => ({ tier, reason, quality, leastQuality, novelty });
    if (!isRolledOut(question, this.#settings["answer.routing.rolloutPercent"])) return verdict("strong", "control");
    if (novelty > 1) return verdict("strong", "unfamiliar");
    return quality < leastQuality ? verdict("strong", "better") : verdict("weak", "good-enough");
  }

  /** Writes down how a routed question was answered; nothing of what was asked but its hash. */
  remember(question: RoutedQuestion, { routing, ...record }: AnswerRecord): void {
    if (!routing) return;
    const { tier, reason, quality, novelty } = routing;
    const { provider, model, finish, firstTokenMs, totalMs, usage, cost, citations, removed, unsupported } = record;
    this.#record.add({
      at: new Date().toISOString(),
      question: hashOf(question.text),
      conversation: hashOf(beginningOf(question)),
      ...{ tier, reason, quality, novelty },
      ...{ provider, model, finish, firstTokenMs, totalMs, cost, citations, removed, unsupported },
      inputTokens: usage?.inputTokens,
      outputTokens: usage?.outputTokens,
      failed: record.attempts.length,
    });
  }

  /** What the weak model may lose, less than all: `quality` says how much, the others make it more or less. */
  #leastQuality(): number {
    let loss = (1 - this.#settings["answer.routing.quality"]) * 2 * this.#settings["answer.routing.costPriority"];
    if (this.#settings["answer.routing.latency"] === "fast" && this.#isWeakFaster()) loss *= 1.5;
    return Math.max(0, 1 - loss);
  }

  #isWeakFaster(): boolean {
    const [strong, weak] = (["strong", "weak"] as const).map((tier) => this.#record.firstWordMs(tier));
    return strong !== undefined && weak !== undefined && weak < strong;
  }
}

/** The same for every question of a conversation, which its first one stands for. */
function isRolledOut(question: RoutedQuestion, percent: number): boolean {
  return Number.parseInt(hashOf(beginningOf(question)).slice(0, 8), 16) / 2 ** 32 < percent / 100;
}

function beginningOf({ text, history = [] }: RoutedQuestion): string {
  return history[0]?.question ?? text;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
