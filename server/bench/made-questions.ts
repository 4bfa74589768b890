import { randomNumbers } from "../measure/random-numbers.ts";
import type { LabelledQuestion } from "../route/labelled-questions.ts";

/** A subject: its words, and how likely each model is right. */
const SUBJECTS = [
  ["caches", 0.9, 0.92, "cache entry evicted lifetime hit miss stored key"],
  ["sockets", 0.6, 0.85, "socket connection closed port address handshake packet"],
  ["parsers", 0.7, 0.9, "parser token grammar tree node syntax rule"],
  ["schedules", 0.5, 0.85, "timer queue scheduled delay worker thread lock"],
  ["colours", 0.95, 0.96, "colour theme contrast palette shade border font"],
  ["tests", 0.85, 0.9, "test fixture assertion suite failure mock report"],
  ["storage", 0.75, 0.88, "database table row column index transaction query"],
  ["builds", 0.8, 0.87, "build bundle package target output compiler flag"],
] as const;

const ASKED = ["where is the", "how does the", "what is the", "why does the", "when is the"];
const QUESTIONS = 3_000;
const SEED = 20_261;

/** The same questions each time; the longer, the less often is the weak model right. */
export function madeQuestions(): LabelledQuestion[] {
  const random = randomNumbers(SEED);
  const any = <One>(all: readonly One[]) => all[Math.floor(random() * all.length)];
  return Array.from({ length: QUESTIONS }, () => {
    const [subject, weak, strong, words] = any(SUBJECTS);
    const length = 2 + Math.floor(random() * 20);
    const said = Array.from({ length }, () => any(words.split(" ")));
    return {
      text: `${any(ASKED)} ${said.join(" ")}?`,
      subject,
      weak: random() < weak - length / 60 ? 1 : 0,
      strong: random() < strong ? 1 : 0,
    };
  });
}
