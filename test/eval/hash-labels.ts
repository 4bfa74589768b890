// For whoever changes the labelled set or updates a package it is about: node test/eval/hash-labels.ts [--write]
// Prints every target whose lines are not what was labelled. When its lines in models/eval/queries.jsonl are right again,
// --write takes their hashes over, and the installed versions into packages.json.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hashOfTarget } from "../../server/eval/labelled-set.ts";
import { readShippedQueries } from "../../server/eval/shipped-set.ts";
import { nodeHost } from "../../server/node-host.ts";

const root = dirname(dirname(import.meta.dirname));
const [labels, versions] = ["queries.jsonl", "packages.json"].map((name) => join(root, "models", "eval", name));

const hashed = readShippedQueries(nodeHost()).map(({ query, category, targets }) => ({
  query,
  category,
  targets: targets.map((target) => {
    const file = join(root, "node_modules", target.path);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const sha256 = hashOfTarget(text, target);
    if (sha256 !== target.sha256) {
      const lines = text.split(/\r\n|\r|\n/).slice((target.startLine ?? 1) - 1, target.endLine);
      console.log(
        `${query}\n  ${target.path}:${target.startLine}-${target.endLine} is now\n    ${lines.join("\n    ")}\n`,
      );
    }
    return { ...target, sha256 };
  }),
}));

if (process.argv.includes("--write")) {
  writeFileSync(labels, hashed.map((query) => `${JSON.stringify(query)}\n`).join(""));
  const packages: [string, { version: string; parts: string[] }][] = Object.entries(
    JSON.parse(readFileSync(versions, "utf8")),
  );
  const lines = packages.map(([name, { parts }]) => {
    const { version } = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
    return `  ${JSON.stringify(name)}: { "version": ${JSON.stringify(version)}, "parts": ${JSON.stringify(parts)} }`;
  });
  writeFileSync(versions, `{\n${lines.join(",\n")}\n}\n`);
}
