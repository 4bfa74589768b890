import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Machine } from "../../shared/bench-types.ts";
import { type Phrase, phrase } from "../../shared/phrase.ts";

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    memoryMB: Math.round(totalmem() / 1e6),
    system: `${process.platform}-${process.arch}`,
    node: process.version,
  };
}

/** Processes that want to run, for each core, from which on figures are not those of a quiet machine. */
const BUSY_LOAD = 0.5;

/**
 * What of the machine's state may disturb figures, in words.
 * @param load processes that wanted to run in the last minute; zeros where the system does not tell (Windows)
 */
export function disturbances(onBattery: boolean, cores: number, [load] = loadavg()): Phrase[] {
  const warnings: Phrase[] = [];
  if (load / cores > BUSY_LOAD) {
    warnings.push(
      phrase(
        "The machine was busy with other work (processes: {0}, cores: {1}): figures are worse than they could be.",
        load.toFixed(1),
        cores,
      ),
    );
  }
  if (onBattery) warnings.push(phrase("The machine ran on its battery: many then run slower."));
  return warnings;
}
