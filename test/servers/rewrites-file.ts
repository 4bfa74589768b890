import { writeFileSync } from "node:fs";

/** Rewrites a file a few hundred times, saying so now and then, and leaves a last version. */
const [path] = process.argv.slice(2);
for (let version = 0; version < 400; version++) {
  writeFileSync(path, `export const version${version} = "${"x".repeat(version * 50)}";\n`);
  if (version % 10 === 0) await new Promise((resolve) => process.send?.(version, resolve));
}
writeFileSync(path, "export const lastVersion = true;\n");
process.disconnect();
