import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
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

test("translators are given every string of the extension, its pages, the server and what they share", () => {
  const sources = ["extension", "media", "server", "shared"].flatMap(sourcesIn);
  const template = JSON.parse(read("l10n/bundle.l10n.json"));
  assert.deepEqual(template, translationTemplate(sources), "run `npm run build`, which writes it");
});

test("every text of the search view's page can be translated", () => {
  const page = `say("No"); e.title = f ? "A" : t("B"); button("Go", run, "link"); element("p", "dim", { title: "T" }, "x");`;
  assert.deepEqual(texts(page), ["No", "A", "Go", "x", "T"]);
  const found = sourcesIn("media").flatMap((source) => texts(source).filter((text) => /\p{L}/u.test(text)));
  assert.deepEqual(found, [], "put the text into l10n.t(...)");
});

test("every error that the editor may show can be translated", () => {
  const asks = /new (?:Cairn|Llama)Error\(\s*"?[\w-]+"?,\s*["'`]|new ProviderError\([^,]+,[^,]+,\s*["'`]/;
  for (const source of ['new CairnError("input", `No`)', 'new ProviderError(name, "no-key", "No")']) {
    assert.match(source, asks);
  }
  // What these say is read in a terminal or by a model.
  const inEnglish = /^(?:cli|mcp|assistant|bench)\b/;
  const found = readdirSync(join(root, "server"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !inEnglish.test(name))
    .filter((name) => asks.test(read(`server/${name}`)));
  assert.deepEqual(found, [], "put the text into phrase(...)");
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

/** Literals that the page of this source would show or read out: children of elements, labels, titles. */
function texts(source: string): string[] {
  const file = ts.createSourceFile("page.ts", source, ts.ScriptTarget.Latest);
  const found: string[] = [];
  const collect = (node: ts.Node | undefined): void => {
    if (node === undefined) return;
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    else if (ts.isTemplateExpression(node)) {
      found.push(node.head.text, ...node.templateSpans.map(({ literal }) => literal.text));
    } else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(collect);
    else if (ts.isBinaryExpression(node)) [node.left, node.right].forEach(collect);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { arguments: given, expression } = node;
      const name = ts.isPropertyAccessExpression(expression) ? `.${expression.name.text}` : expression.getText(file);
      if (name === "element") given.slice(3).forEach(collect);
      if (name === ".append" || name === "say") given.forEach(collect);
      if (/^(?:button|link|command)$/.test(name) && given.length > 1) collect(given[0]);
      if (name === ".setAttribute" && READ_OUT.test(given[0].getText(file))) collect(given[1]);
    }
    if (ts.isPropertyAssignment(node) && READ_OUT.test(node.name.getText(file))) collect(node.initializer);
    if (ts.isBinaryExpression(node) && /\.(?:title|textContent|placeholder)$/.test(node.left.getText(file))) {
      collect(node.right);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const READ_OUT = /^"?(?:aria-label|title|placeholder)"?$/;

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => read(`${folder}/${name}`));
}

function read(name: string): string {
  return readFileSync(join(root, name), "utf8");
}
