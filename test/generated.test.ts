import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { storedReport, withFigures } from "../server/bench/readme-figures.ts";
import { keptBenchmarks, withTables } from "../server/bench/readme-tables.ts";
import { GRAMMAR_PACKAGES } from "../server/workspace/grammar-packages.ts";
import { languagesPage } from "../server/workspace/languages-page.ts";
import { ASSISTANT_TOOLS, languageModelTools } from "../shared/assistant-tools.ts";
import { configurationSection, restrictedSettings, settingsPage } from "../shared/settings-pages.ts";

const root = dirname(import.meta.dirname);
const UPDATE = "run `npm run build`, which writes it";

test("package.json offers the settings of the table", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.deepEqual(manifest.contributes.configuration, configurationSection(), UPDATE);
});

test("package.json offers the editor's assistants the tools of the table", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.deepEqual(manifest.contributes.languageModelTools, languageModelTools(), UPDATE);
  assert.equal(languageModelTools().length, Object.values(ASSISTANT_TOOLS).filter((tool) => "inEditor" in tool).length);
});

test("settings that a folder may bring along do not hold before its workspace is trusted", () => {
  const { untrustedWorkspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).capabilities;
  assert.deepEqual(untrustedWorkspaces.restrictedConfigurations, restrictedSettings(), UPDATE);
});

test("SETTINGS.md describes the settings of the table", () => {
  assert.equal(readFileSync(join(root, "SETTINGS.md"), "utf8"), settingsPage(), UPDATE);
});

test("README.md tells of the run of the benchmark that is kept, and where and when it was made", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const { run } = storedReport();
  assert.equal(
    readme,
    withFigures(readme, storedReport()),
    "run `npm run bench -- --readme RUN.json`, which writes it",
  );
  assert.ok(readme.includes(run.started.slice(0, 10)) && readme.includes(run.machine.processor));
  assert.throws(() => withFigures("no marks", storedReport()), /no place for figures/);
});

test("README.md tells of the benchmarks that are kept, each with its command, its day and its machine", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const kept = keptBenchmarks();
  const update = "run `npm run bench -- --readme MEASURED.json`, which writes it";
  assert.equal(readme, withTables(readme, kept), update);
  assert.ok(kept.length > 0);
  for (const { name, date } of kept) {
    assert.match(readme, new RegExp(`\\x60npm run bench -- ${name}\\x60: [^\n]+, ${date.slice(0, 10)}: `));
  }
  assert.throws(() => withTables("no marks", kept), /no place for tables/);
});

test("docs/languages.md describes the tables of languages", () => {
  assert.equal(readFileSync(join(root, "docs", "languages.md"), "utf8"), languagesPage(), UPDATE);
});

test("the licences of grammars are those of the installed packages", () => {
  for (const { name, licence } of GRAMMAR_PACKAGES) {
    const manifest = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
    assert.equal(manifest.license, licence, name);
  }
});
