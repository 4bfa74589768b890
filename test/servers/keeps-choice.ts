import { keepChoice } from "../../server/chosen/model-choice.ts";

/** Chooses one model after the other, many times, and says how often that failed. */
const [cacheDirectory] = process.argv.slice(2);
let failed = 0;
for (let i = 0; i < 1_000; i++) {
  try {
    keepChoice(cacheDirectory, { model: `model-${i}` });
  } catch {
    failed++;
  }
}
process.send?.(failed, () => process.disconnect());
