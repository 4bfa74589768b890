import { availableParallelism, totalmem } from "node:os";
import type { FitHere } from "../../shared/local-llm-types.ts";
import { phrase } from "../../shared/phrase.ts";
import { type CatalogLlm, fileBytes } from "../hub/llm-catalog.ts";
import { hardwareHere } from "../native/hardware.ts";

/** What of a machine decides how a language model runs on it. */
export interface Machine {
  readonly memoryBytes: number;
  /** That programs can take now without another having to give some back. */
  readonly freeBytes: number;
  readonly cores: number;
  /** A graphics processor that the engine in Cairn's package runs models on. */
  readonly graphics: boolean;
}

/** Of a window when none is set, as the process that runs the model has it. */
const USUAL_WINDOW = 8_192;
/** What the engine takes besides weights and window: its code and the values of one batch. */
const ENGINE_BYTES = 300e6;
/**
 * Parameters that each token may go through for each core, where the processor does the work. A core wrote 37 tokens a
 * second through 1.1 billion, so 2 billion for each leave some 20 a second, about as fast as one reads.
 */
const PARAMETERS_A_CORE = 2e9;

export function thisMachine(): Machine {
  return {
    memoryBytes: totalmem(),
    freeBytes: process.availableMemory(),
    cores: availableParallelism(),
    // CUDA and Vulkan need an engine that the user installs.
    graphics: hardwareHere().graphics.includes("Metal"),
  };
}

/**
 * How a model would run on a machine.
 * @param window tokens of question and answer together; 0 for what is usual
 */
export function fitOn(machine: Machine, llm: CatalogLlm, window: number): FitHere {
  const { memoryBytes, freeBytes, cores, graphics } = machine;
  const tokens = Math.min(window || USUAL_WINDOW, llm.contextTokens);
  const neededBytes = fileBytes(llm) + tokens * llm.bytesPerToken + ENGINE_BYTES;
  const needed = gigabytes(neededBytes);
  if (neededBytes > memoryBytes) {
    const why = phrase("it needs {0} GB of memory, and this machine has {1}", needed, gigabytes(memoryBytes));
    return { fit: "no", neededBytes, why };
  }
  if (neededBytes > freeBytes) {
    const why = phrase(
      "it needs {0} GB of memory, and {1} are free: close other programs",
      needed,
      gigabytes(freeBytes),
    );
    return { fit: "tight", neededBytes, why };
  }
  if (!graphics && (llm.activeParameters ?? llm.parameters) > cores * PARAMETERS_A_CORE) {
    const why = phrase(
      "it needs {0} of {1} GB that are free, but {2} cores are slow with it",
      needed,
      gigabytes(freeBytes),
      cores,
    );
    return { fit: "tight", neededBytes, why };
  }
  const why = phrase("it needs {0} of {1} GB that are free; {2} cores", needed, gigabytes(freeBytes), cores);
  return { fit: "yes", neededBytes, why };
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
