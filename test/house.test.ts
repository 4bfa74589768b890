import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { test } from "node:test";
import ts from "typescript";

const root = dirname(import.meta.dirname);
const MAX_LINES = 600;

const files = ["shared", "extension", "media", "server", "bin", "test"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`.split(sep).join("/"))
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.startsWith("test/fixtures/")),
);

test("a file is one idea: none is longer than 600 lines", () => {
  assert.deepEqual(
    files.filter((file) => content(file).split("\n").length > MAX_LINES),
    [],
  );
});

test("a folder is named after what is in it, and lies at most two deep", () => {
  assert.deepEqual(
    files.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.)/.test(file) || file.split("/").length > 3),
    [],
  );
});

test("no file only passes on what others export", () => {
  assert.deepEqual(
    files.filter((file) => {
      const { statements } = ts.createSourceFile(file, content(file), ts.ScriptTarget.Latest);
      const passedOn = statements.filter((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier);
      return statements.length > 0 && passedOn.length === statements.length;
    }),
    [],
  );
});

test("the lock file names no registry", () => {
  assert.doesNotMatch(content("package-lock.json"), /"resolved":/);
});

test("dependencies are exact versions", () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(content("package.json"));
  assert.deepEqual(
    Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)),
    ),
    [],
  );
});

test("what runs before set-up needs no packages", () => {
  for (const file of ["setup.mjs", "bin/cairn.mjs", "bin/node-runtime.mjs"]) {
    const { importedFiles } = ts.preProcessFile(content(file));
    const foreign = importedFiles.map(({ fileName }) => fileName).filter((name) => !/^(node:|\.)/.test(name));
    assert.deepEqual(foreign, [], file);
  }
});

test("every worker that is started has a bundle", () => {
  const started = files.flatMap((file) =>
    [...content(file).matchAll(/entryFile\("([^"]+)"\)/g)].map(([, name]) => name),
  );
  assert.ok(started.length > 0);
  assert.deepEqual(
    started.filter((name) => !content("build.ts").includes(`"${name}.ts"`)),
    [],
  );
});

function content(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
