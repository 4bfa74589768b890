import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Machine } from "../../shared/bench-types.ts";

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
export function disturbances(onBattery: boolean, cores: number, [load] = loadavg()): string[] {
  const warnings: string[] = [];
  if (load / cores > BUSY_LOAD) {
    const busy = `${load.toFixed(1)} processes for ${cores === 1 ? "one core" : `${cores} cores`}`;
    warnings.push(`The machine was busy with other work (${busy}): figures are worse than they could be.`);
  }
  if (onBattery) warnings.push("The machine ran on its battery: many then run slower.");
  return warnings;
}
