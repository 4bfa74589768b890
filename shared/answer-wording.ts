import { type AnswerRecord, type Attempt, EXTRACTIVE, type Routing } from "./answer-types.ts";
import type { Exchange, Reply } from "./conversation.ts";
import { joined, type Phrase, phrase, SILENCE, verbatim } from "./phrase.ts";

/** Puts a whole number into the reader's form. */
type Count = (number: number) => string;

/** What the user can do about a failure besides reading its hint. */
export function remedyOf({
  provider,
  failure,
}: Pick<Attempt, "provider" | "failure">): "key" | "local-llm" | undefined {
  if (failure === "no-key" || failure === "bad-key") return "key";
  return failure === "model-gone" && (provider === "llama" || provider === "local") ? "local-llm" : undefined;
}

/** How an answer came about, in one line: who, how fast, how much. */
export function footerInWords(record: AnswerRecord, count: Count): Phrase {
  const { provider, model, firstTokenMs, totalMs, ownMs, usage, cost, priceAsOf, timing, device, keptFrom } = record;
  const byModel = provider !== EXTRACTIVE;
  const ms = (value: number) => count(Math.round(value));
  return joined(
    [
      byModel ? verbatim([provider, model].filter(Boolean).join(" ")) : phrase("no model"),
      keptFrom ? phrase("kept answer of {0} UTC", keptFrom.slice(0, 16).replace("T", " ")) : SILENCE,
      byModel && !keptFrom && firstTokenMs !== undefined
        ? phrase("first word after {0} ms", ms(firstTokenMs))
        : SILENCE,
      phrase("{0} ms in all", ms(totalMs)),
      byModel && !keptFrom ? phrase("{0} ms of them ours", ms(ownMs)) : SILENCE,
      timing && !device ? phrase("{0} ms by its own clock", ms(timing.totalMs)) : SILENCE,
      usage ? phrase("{0} + {1} tokens", count(usage.inputTokens), count(usage.outputTokens)) : SILENCE,
      usage && timing && device
        ? phrase("{0} tokens/s on {1}", perSecond(usage.outputTokens, timing.completionMs), device)
        : SILENCE,
      costInWords(record),
      sourcesInWords(record, count),
      removedInWords(record, count),
    ],
    " · ",
  );

  function costInWords({ usage }: AnswerRecord): Phrase {
    // What Cairn runs itself, on a device that it names, has no price.
    if (cost === undefined) return byModel && usage && !device ? phrase("price not known") : SILENCE;
    const amount = `$${cost.toFixed(4)}`;
    return priceAsOf ? phrase("{0} by prices of {1}", amount, priceAsOf) : verbatim(amount);
  }
}

/** How many of something were made in a second. */
export function perSecond(amount: number, ms: number): string {
  return ms > 0 ? ((1000 * amount) / ms).toFixed(1) : "?";
}

function removedInWords({ removed }: AnswerRecord, count: Count): Phrase {
  if (removed === 0) return SILENCE;
  if (removed === 1) return phrase("1 citation did not hold and was removed");
  return phrase("{0} citations did not hold and were removed", count(removed));
}

function sourcesInWords({ sources, provider }: AnswerRecord, count: Count): Phrase {
  if (provider === EXTRACTIVE) return sources === 1 ? phrase("1 passage") : phrase("{0} passages", count(sources));
  return sources === 1 ? phrase("1 source") : phrase("{0} sources", count(sources));
}

/** Why it was this one who answered. */
export function whyInWords(record: AnswerRecord, { question, wished }: Exchange): Phrase {
  const failed = record.attempts.map(({ provider }) => provider).join(", ");
  if (record.provider !== EXTRACTIVE) {
    if (record.keptFrom)
      return phrase("The same was asked before, about the same code; Regenerate asks the model anew.");
    if (failed) return phrase("Asked because {0} did not answer.", failed);
    if (wished) return phrase("Asked because you chose it for this question.");
    if (record.routing) return routingInWords(record.routing);
    return phrase("Asked because it is the provider that is set.");
  }
  if (failed) return phrase("Quoted because {0} did not answer.", failed);
  if (question.quoteOnly || wished) return phrase("Quoted, as you asked; nothing was sent anywhere.");
  return phrase("Quoted, because no provider is set; nothing was sent anywhere.");
}

/** Why this one of the two models that questions are routed between. */
function routingInWords({ tier, reason, quality, leastQuality }: Routing): Phrase {
  const [expected, least] = [quality, leastQuality].map((share) => `${Math.round(100 * share)} %`);
  if (reason === "control") return phrase("The strong model, because this conversation is not routed, for comparison.");
  if (reason === "unfamiliar") return phrase("The strong model, because the question is unlike those that are known.");
  if (tier === "strong") {
    return phrase(
      "The strong model: the weak one is expected to reach {0} of its quality, less than {1}.",
      expected,
      least,
    );
  }
  return phrase(
    "The weak model: it is expected to reach {0} of the strong one's quality, at least {1}.",
    expected,
    least,
  );
}

/** What is to be said of how an answer ended, when it did not simply end. */
export function endInWords({ end }: Reply): { text: Phrase; next: Phrase } {
  if (end?.kind === "stopped") return { text: phrase("Stopped."), next: SILENCE };
  if (end?.kind === "failed") return { text: verbatim(end.message), next: verbatim(end.hint) };
  const finish = end?.kind === "answered" ? end.record.finish : "complete";
  switch (finish) {
    case "nothing":
      return {
        text: phrase("Nothing was found that says something about this."),
        next: phrase("Other words may help, or fewer of the attached files and folders."),
      };
    case "interrupted":
      return { text: phrase("The answer breaks off here."), next: phrase("Regenerate it for another.") };
    case "length":
      return {
        text: phrase("The answer was cut at its limit of tokens."),
        next: phrase("The setting cairn.answer.maxOutputTokens raises it."),
      };
    default:
      return { text: SILENCE, next: SILENCE };
  }
}
