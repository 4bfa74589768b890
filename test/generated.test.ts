import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { configurationSection, settingsPage } from "../shared/settings-pages.ts";

const root = dirname(import.meta.dirname);
const UPDATE = "run `npm run build`, which writes it";

test("package.json offers the settings of the table", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.deepEqual(manifest.contributes.configuration, configurationSection(), UPDATE);
});

test("SETTINGS.md describes the settings of the table", () => {
  assert.equal(readFileSync(join(root, "SETTINGS.md"), "utf8"), settingsPage(), UPDATE);
});
