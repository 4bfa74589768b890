/**
 * `npm run train:routing -- --data DIR [--out FILE]`: learns the parameters of routing from labelled questions (see
 * {@link labelledQuestions}). The same questions give the same file, byte for byte.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CairnError } from "../../shared/errors.ts";
import { nodeHost } from "../node-host.ts";
import { packageFile } from "../package-files.ts";
import { labelledQuestions } from "../route/labelled-questions.ts";
import { questionEncoder } from "../route/load-gain-model.ts";
import { prepared, trainGain } from "../route/train-gain.ts";

try {
  const { values } = parseArgs({ options: { data: { type: "string" }, out: { type: "string" } } });
  if (values.data === undefined) {
    throw new CairnError("input", "No questions were given.", "npm run train:routing -- --data DIR [--out FILE]");
  }
  const encoder = questionEncoder(nodeHost());
  const questions = labelledQuestions(resolve(values.data)).map((one) => prepared(one, encoder));
  const out = resolve(values.out ?? packageFile("models", "routing", "parameters.json"));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(trainGain(questions, encoder), null, 1)}\n`);
  process.stdout.write(`Learned from ${questions.length} questions: ${out}\n`);
} catch (error) {
  if (!(error instanceof CairnError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint}\n`);
  process.exitCode = 1;
}
