import { statSync } from "node:fs";
import { asCairnError, CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** For the driver alone; some compile their programs first. */
const DRIVER_MS = 60_000;
/** Slower no disk reads a model: 100 MB a second. */
const BYTES_PER_MS = 100_000;

/** Milliseconds, a whole number, in which a model file must be loaded on a graphics processor. */
export function graphicsStartMs(weights: string): number {
  const bytes = statSync(weights, { throwIfNoEntry: false })?.size ?? 0;
  return DRIVER_MS + Math.ceil(bytes / BYTES_PER_MS);
}

/** A device at which an engine has ended so often in the middle of its work is left alone until the next start of Cairn. */
export const MOST_DEATHS = 2;

export interface GraphicsStart {
  /** Milliseconds after which the driver hangs, and its process is ended. */
  readonly limitMs: number;
  /** Told why the processor is used instead. */
  readonly onFailure: (reason: string) => void;
}

/**
 * Starts an engine on a graphics device. A driver that ends its process, hangs or cannot load the model is said once, and
 * the engine is started on the processor, for which there is no limit.
 *
 * @param start must end the process when its signal fires
 * @throws {CairnError} what the start on the processor throws; the signal's reason
 */
export async function startOnGraphics<E>(
  start: (on: "graphics" | "processor", signal: AbortSignal | undefined) => Promise<E>,
  { limitMs, onFailure }: GraphicsStart,
  signal?: AbortSignal,
): Promise<E> {
  const tooLong = AbortSignal.timeout(limitMs);
  try {
    return await start("graphics", signal ? AbortSignal.any([signal, tooLong]) : tooLong);
  } catch (error) {
    signal?.throwIfAborted();
    onFailure(tooLong.aborted ? didNotStart(limitMs).message : asCairnError(error).message);
    return start("processor", signal);
  }
}

/** An engine was ended that should have been running for long. */
export function didNotStart(limitMs: number): CairnError {
  return new CairnError(
    "unavailable",
    phrase("It did not start within {0} s, and was ended.", (limitMs / 1000).toLocaleString("en")),
    phrase("It is started again by itself. A driver that hangs may want an update."),
  );
}
