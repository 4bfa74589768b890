import { z } from "zod";
import { FORMAT, type KeptAnswer } from "./kept-answer-format.ts";

const count = z.number().nonnegative();

const keptAnswerSchema: z.ZodType<KeptAnswer> = z.object({
  format: z.literal(FORMAT),
  madeAt: count,
  // Without anything that a terminal would take for a command.
  model: z.string().regex(/^\P{Cc}*$/u),
  text: z.string().min(1),
  sources: z.array(z.object({ source: z.string(), from: count, to: count })).min(1),
  inputTokens: count.optional(),
  outputTokens: count.optional(),
});

/** What was kept, or undefined for anything else: it lies where others may write. */
export function keptAnswerIn(text: string): KeptAnswer | undefined {
  try {
    return keptAnswerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
