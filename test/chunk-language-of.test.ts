import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, languageById, languageOf } from "../server/workspace/languages.ts";

function check(expected: Record<string, string>): void {
  for (const [path, id] of Object.entries(expected)) assert.equal(languageOf(path).id, id, path);
}

test("by extension, in any case, the longest first", () => {
  check({
    "src/a.ts": "typescript",
    "src/a.d.ts": "typescript",
    "A.JSX": "javascript",
    "view.blade.php": "blade",
    "view.php": "php",
    "C:\\code\\main.CPP": "cpp",
    "a.test.mjs": "javascript",
    "notes.v1.md": "markdown",
    "main.kt": "kotlin",
    "a.tf": "terraform",
    "x.unknown": "text",
    "no-extension": "text",
  });
});

test("by name, also with a variant after it", () => {
  check({
    Dockerfile: "dockerfile",
    "deploy/Dockerfile.production": "dockerfile",
    "CMakeLists.txt": "cmake",
    Makefile: "makefile",
    Gemfile: "ruby",
    Jenkinsfile: "groovy",
    ".bashrc": "bash",
  });
});

test("by the interpreter of the first line when the name says nothing", () => {
  assert.equal(languageOf("bin/run", "#!/bin/sh").id, "bash");
  assert.equal(languageOf("bin/run", "#!/usr/bin/env python3.12").id, "python");
  assert.equal(languageOf("bin/run", "#!/usr/bin/env -S NODE_ENV=x node --flag").id, "javascript");
  assert.equal(languageOf("bin/run.rb", "#!/bin/sh").id, "ruby");
  assert.equal(languageOf("bin/run", "#!").id, "text");
  assert.equal(languageOf("bin/run", "python").id, "text");
});

test("ids, extensions, names and interpreters belong to one language each", () => {
  for (const part of ["extensions", "files", "interpreters"] as const) {
    const all = LANGUAGES.flatMap((language) => language[part] ?? []);
    assert.deepEqual(all.toSorted(), [...new Set(all)].sort());
    assert.deepEqual(
      all,
      all.map((text) => text.toLowerCase()),
    );
  }
  for (const language of LANGUAGES) assert.equal(languageById(language.id), language);
});
