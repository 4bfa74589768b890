import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { translatableStrings, translationTemplate } from "../shared/translatable-strings.ts";

const root = dirname(import.meta.dirname);
const manifest = JSON.parse(read("package.json"));

test("the strings of a source are found, across lines and with quotes in them", () => {
  const source = `say(vscode.l10n.t("One {0}", 1)); l10n.t(\n  "Two \\"2\\".",\n  more,\n);`;
  assert.deepEqual(translatableStrings(source), ["One {0}", 'Two "2".']);
});

test("a string that is put together cannot be translated, and is refused", () => {
  for (const source of ['l10n.t("One " + 1)', "l10n.t(`One`)", "l10n.t(name)"]) {
    assert.throws(() => translatableStrings(source), /plain string/, source);
  }
});

test("translators are given every string of the extension", () => {
  const sources = readdirSync(join(root, "extension")).map((name) => read(`extension/${name}`));
  const template = JSON.parse(read("l10n/bundle.l10n.json"));
  assert.deepEqual(template, translationTemplate(sources), "run `npm run build`, which writes it");
});

test("every title and description that the editor shows is in package.nls.json, and nothing else", () => {
  const { commands, views, viewsContainers, walkthroughs } = manifest.contributes;
  const shown: string[] = [
    manifest.description,
    manifest.capabilities.untrustedWorkspaces.description,
    manifest.capabilities.virtualWorkspaces.description,
    ...commands.map(({ title }: { title: string }) => title),
    ...Object.values<{ name: string }[]>(views).flatMap((list) => list.map(({ name }) => name)),
    ...Object.values<{ title: string }[]>(viewsContainers).flatMap((list) => list.map(({ title }) => title)),
    ...walkthroughs.flatMap(({ title, description, steps }: Walkthrough) => [
      title,
      description,
      ...steps.flatMap((step) => [step.title, step.description, step.media.altText]),
    ]),
  ];
  assert.deepEqual(
    shown.filter((text) => !/^%[\w.]+%$/.test(text)),
    [],
    "put the text into package.nls.json and its %key% here",
  );
  const used = [...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(JSON.parse(read("package.nls.json"))).sort());
});

interface Walkthrough {
  title: string;
  description: string;
  steps: { title: string; description: string; media: { altText: string } }[];
}

function read(name: string): string {
  return readFileSync(join(root, name), "utf8");
}
