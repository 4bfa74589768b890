import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { Memory, type SharedMemory } from "./web-assembly.ts";

const PAGE = 65_536;
const MAX_PAGES = 65_536;

/**
 * A memory of at least `bytes` that threads share without copying and that kernels work on; its first `bytes` belong
 * to the caller. Throws `unavailable` when the system does not give it.
 */
export function createSharedMemory(bytes: number): SharedMemory {
  const initial = Math.max(1, Math.ceil(bytes / PAGE));
  try {
    return new Memory({ initial, maximum: MAX_PAGES, shared: true });
  } catch (error) {
    throw outOfMemory(bytes, error);
  }
}

/**
 * Adds a region of whole pages, at least `bytes` long, and returns its offset. It belongs to the caller alone, even
 * when several threads reserve at once: growing is atomic. Throws `unavailable` when the memory cannot grow.
 */
export function reserve(memory: SharedMemory, bytes: number): number {
  try {
    return memory.grow(Math.ceil(bytes / PAGE)) * PAGE;
  } catch (error) {
    throw outOfMemory(bytes, error);
  }
}

/** How many bytes {@link reserve} really gives for a wish of `bytes`. */
export function reservedSize(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

function outOfMemory(bytes: number, cause: unknown): CairnError {
  const megabytes = Math.ceil(bytes / 2 ** 20);
  return new CairnError(
    "unavailable",
    phrase("There is no memory for {0} MB of vectors.", megabytes),
    phrase("Close other programs, or raise the memory limit of this process, and start again."),
    { cause },
  );
}
