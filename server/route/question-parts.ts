/** A question whose points are listed below it, as in "Which one? A. this B. that", each on a line of its own. */
export interface QuestionParts {
  readonly stem: string;
  /** None unless there are two. */
  readonly points: readonly string[];
}

/** Longer questions are judged by their beginning: a log that was pasted is not what makes a question hard. */
const LONGEST = 8_000;

/** What stands before a listed point: its letter or number. */
const MARK = /\n[ \t]*(?:[A-Ha-h]|[1-9])[.)][ \t]+/;
/** What asks for the answer below the points. */
const PROMPT = /\n[ \t]*\w+:\s*$/;

export function partsOf(question: string): QuestionParts {
  const text = question.slice(0, LONGEST);
  const [stem, ...points] = `\n${text.replace(PROMPT, "")}`.split(MARK);
  return points.length < 2
    ? { stem: text, points: [] }
    : { stem: stem.trim(), points: points.map((one) => one.trim()) };
}
