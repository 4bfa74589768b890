import picomatch from "picomatch";
import type { Source } from "./source.ts";

/** The sources that may leave the machine. What was given along with the question was given to be sent. */
export function sendable(sources: readonly Source[], neverSend: readonly string[]): Source[] {
  if (neverSend.length === 0) return [...sources];
  // Whether `.ENV` and `.env` are one file depends on the disk; for this they always are.
  const forbidden = picomatch([...neverSend], { dot: true, nocase: true });
  return sources.filter(({ path }) => !forbidden(path));
}
