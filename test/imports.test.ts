import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { test } from "node:test";
import ts from "typescript";

/** One row of a table in ARCHITECTURE.md: what it is about, and the paths it names. */
interface Row {
  subject: string;
  paths: readonly string[];
}

const root = dirname(import.meta.dirname);
const architecture = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
const mayImport = tableUnder("| from | may import |", architecture);
const onlyIn = tableUnder("| module | only in |", architecture);
const files = sourceFiles();

test("every file of the project has a row in the table", () => {
  assert.deepEqual(
    files.filter((file) => !mayImport.some(({ subject }) => covers(subject, file))),
    [],
  );
});

test("every row of the table is about something that exists", () => {
  const paths = mayImport
    .flatMap(({ subject, paths }) => [subject, ...paths])
    .concat(onlyIn.flatMap((row) => row.paths));
  assert.deepEqual(
    paths.filter((path) => !files.some((file) => covers(path, file))),
    [],
  );
});

test("files import only what the table allows", () => {
  const violations = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => files.includes(imported) && !allowed(file, imported))
      .map((imported) => `${file} imports ${imported}`),
  );
  assert.deepEqual(violations, []);
});

test("what has its places is imported only there", () => {
  const violations = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !inItsPlace(file, imported))
      .map((imported) => `${file} imports ${imported}`),
  );
  assert.deepEqual(violations, []);
});

test("the reader of tables finds imports that the table forbids", () => {
  assert.equal(allowed("server/search/rank.ts", "server/workspace/walk.ts"), false);
  assert.equal(allowed("server/workspace/walk.ts", "server/search/rank.ts"), false);
  assert.equal(allowed("shared/errors.ts", "server/core.ts"), false);
  assert.equal(allowed("server/search/rank.ts", "server/store/segment.ts"), true);
  assert.equal(allowed("server/search/rank.ts", "server/store/sqlite.ts"), false);
  assert.equal(inItsPlace("server/core.ts", "server/lsp/serve.ts"), false);
  assert.equal(inItsPlace("server/search/rank.ts", "node:fs/promises"), false);
  assert.equal(inItsPlace("server/node-host.ts", "node:fs"), true);
});

function allowed(file: string, imported: string): boolean {
  if (room(file) === room(imported)) return true;
  const rows = mayImport.filter(({ subject }) => covers(subject, file));
  return rows.some(({ paths }) => paths.some((path) => covers(path, imported)));
}

function inItsPlace(file: string, imported: string): boolean {
  const rows = onlyIn.filter(({ subject }) => covers(subject, imported) || imported.startsWith(`${subject}/`));
  return rows.every(({ paths }) => paths.some((path) => covers(path, file)));
}

/** Files in one folder are one room; `server/` itself is a corridor, each of whose files stands for itself. */
function room(file: string): string {
  const [first, second] = file.split("/");
  if (second === undefined) return file;
  return first === "server" ? `${first}/${second}` : first;
}

function covers(path: string, file: string): boolean {
  return path.endsWith("/") ? file.startsWith(path) : file === path;
}

function tableUnder(heading: string, text: string): Row[] {
  const lines = text.slice(text.indexOf(heading)).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end).map((line) => {
    const [subject, paths] = line.split("|").slice(1, 3);
    return { subject: codeIn(subject)[0], paths: codeIn(paths) };
  });
}

function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
}

function sourceFiles(): string[] {
  const folders = ["shared", "extension", "media", "server", "bin", "test"];
  const below = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  );
  return ["build.ts", "setup.mjs", ...below]
    .map((path) => path.split(sep).join("/"))
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.startsWith("test/fixtures/"));
}

/** Static, dynamic and type imports, as TypeScript sees them: paths from the root, or names of modules. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), "utf8"), true, true);
  return importedFiles.map(({ fileName }) => (fileName.startsWith(".") ? join(dirname(file), fileName) : fileName));
}
