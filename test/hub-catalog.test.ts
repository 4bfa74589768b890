import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { filesOf, isCommit, precisionsOf, readCatalog } from "../server/hub/catalog.ts";
import { packageFile } from "../server/package-files.ts";
import { temporaryFolder } from "./open-core.ts";

describe("the catalogue of models", () => {
  it("has the models that Cairn promises, with their lengths, pooling and prefixes", () => {
    assert.deepEqual(
      readCatalog().map(({ id, dims, pooling, queryPrefix, passagePrefix }) => [
        id,
        dims,
        pooling,
        queryPrefix,
        passagePrefix,
      ]),
      [
        ["all-MiniLM-L6-v2", 384, "mean", "", ""],
        ["bge-base-en-v1.5", 768, "cls", "Represent this sentence for searching relevant passages: ", ""],
        ["all-mpnet-base-v2", 768, "mean", "", ""],
        ["bge-large-en-v1.5", 1024, "cls", "Represent this sentence for searching relevant passages: ", ""],
        ["e5-base-v2", 768, "mean", "query: ", "passage: "],
        ["multilingual-e5-base", 768, "mean", "query: ", "passage: "],
        ["jina-embeddings-v2-base-code", 768, "mean", "", ""],
        ["nomic-embed-text-v1.5", 768, "mean", "search_query: ", "search_document: "],
        ["CodeRankEmbed", 768, "cls", "Represent this query for searching relevant code: ", ""],
      ],
    );
  });

  it("offers each in fp32 and int8, and pins every file of the default model", () => {
    for (const model of readCatalog()) {
      for (const precision of ["fp32", "int8"] as const) assert.ok(precisionsOf(model).includes(precision), model.id);
    }
    const [first] = readCatalog();
    assert.ok(isCommit(first.revision));
    assert.ok([...filesOf(first, "fp32"), ...filesOf(first, "int8")].every(({ sha256 }) => sha256));
  });

  it("all are under licences that permit their use anywhere", () => {
    assert.deepEqual(new Set(readCatalog().map(({ licence }) => licence)), new Set(["Apache-2.0", "MIT"]));
  });

  const damages: [string, (model: Record<string, unknown>) => unknown, RegExp][] = [
    [
      "a path out of the repository",
      (model) => ({ files: [{ path: "../secrets", bytes: 1 }], weights: model.weights }),
      /path/,
    ],
    ["a path of Windows", (model) => ({ files: [{ path: "C:\\x", bytes: 1 }], weights: model.weights }), /path/],
    ["a hash that is none", () => ({ files: [{ path: "a.json", bytes: 1, sha256: "abc" }] }), /sha256/],
    ["a hash at a branch", () => ({ revision: "main" }), /needs a commit/],
    ["longer vectors as shorter ones", () => ({ matryoshka: [512] }), /shorter/],
    ["no weights", () => ({ weights: {} }), /no weights/],
    ["a field that it does not know", () => ({ poling: "mean" }), /poling/],
  ];
  for (const [what, damage, said] of damages) {
    it(`with ${what} it is refused`, (test) => {
      const content = JSON.parse(readFileSync(packageFile("models", "catalog.json"), "utf8"));
      Object.assign(content.models[0], damage(content.models[0]));
      const path = join(temporaryFolder(test), "catalog.json");
      writeFileSync(path, JSON.stringify(content));
      assert.throws(() => readCatalog(path), { name: "CairnError", kind: "corrupt", message: said });
    });
  }

  it("that is cut off is refused", (test) => {
    const path = join(temporaryFolder(test), "catalog.json");
    writeFileSync(path, readFileSync(packageFile("models", "catalog.json"), "utf8").slice(0, 500));
    assert.throws(() => readCatalog(path), { name: "CairnError", kind: "corrupt" });
  });
});
