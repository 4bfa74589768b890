import picomatch from "picomatch";
import type { Source } from "./source.ts";

/** The sources that may leave the machine. What was given along with the question was given to be sent. */
export function sendable(sources: readonly Source[], neverSend: readonly string[]): Source[] {
  const isWithheld = withheldBy(neverSend);
  return sources.filter(({ path }) => !isWithheld(path));
}

/** Tells of a path, relative to the opened folder, whether its file may not leave the machine. */
export function withheldBy(neverSend: readonly string[]): (path: string) => boolean {
  if (neverSend.length === 0) return () => false;
  // Whether `.ENV` and `.env` are one file depends on the disk; for this they always are.
  return picomatch([...neverSend], { dot: true, nocase: true });
}
