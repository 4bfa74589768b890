import assert from "node:assert/strict";
import { test } from "node:test";
import { createChunker } from "../server/workspace/chunk-file.ts";
import { fineChunker } from "./chunk-fixture.ts";

const NOTEBOOK = JSON.stringify(
  {
    cells: [
      { cell_type: "markdown", metadata: {}, source: ["# Churn\n", "\n", "Who leaves?\n", "\n", "## Data\n"] },
      {
        cell_type: "code",
        metadata: {},
        outputs: [{ data: { "image/png": "aVZCT1J3MEtHZ28=", "text/plain": ["an answer of the kernel"] } }],
        source: [
          "%matplotlib inline\n",
          "import pandas as pd\n",
          "\n",
          "def load(path):\n",
          '    """Reads the file."""\n',
          "    return pd.read_csv(path)",
        ],
      },
      { cell_type: "code", metadata: {}, outputs: [], source: "class Model:\n    def fit(self):\n        pass\n" },
      { cell_type: "markdown", metadata: {}, source: ["# Answer\n", "Nobody."] },
    ],
    metadata: { language_info: { name: "python" } },
    nbformat: 4,
    nbformat_minor: 5,
  },
  null,
  1,
);

/** Where a line of source stands in the file, from 1. */
function lineOf(source: string): number {
  return NOTEBOOK.split("\n").findIndex((line) => line.includes(JSON.stringify(source).slice(1, -1))) + 1;
}

test("a notebook is cut by its cells: headings above, the kernel's syntax, lines of the file", () => {
  const { chunks, degraded } = fineChunker.chunk("churn.ipynb", NOTEBOOK);
  assert.equal(degraded, false);
  assert.deepEqual(
    chunks.map(({ kind, parents, name, startLine, endLine }) => [
      kind,
      [...parents, name].join(" > "),
      startLine,
      endLine,
    ]),
    [
      ["section", "Churn", lineOf("# Churn"), lineOf("Who leaves?")],
      ["section", "Churn > Data", lineOf("## Data"), lineOf("## Data")],
      ["text", "Churn > Data > ", lineOf("%matplotlib"), lineOf("import pandas")],
      ["function", "Churn > Data > load", lineOf("def load"), lineOf("    return pd")],
      ["class", "Churn > Data > Model", lineOf("class Model"), lineOf("class Model")],
      ["section", "Answer", lineOf("# Answer"), lineOf("Nobody.")],
    ],
  );
});

test("a chunk of a notebook has the source as it was typed, and neither outputs nor images", () => {
  const { chunks } = fineChunker.chunk("churn.ipynb", NOTEBOOK);
  const load = chunks.find(({ name }) => name === "load");
  assert.equal(load?.text, 'def load(path):\n    """Reads the file."""\n    return pd.read_csv(path)');
  assert.equal(load.doc, "Reads the file.");
  assert.equal(load.signature, "def load(path)");
  assert.doesNotMatch(chunks.map(({ text }) => text).join("\n"), /answer of the kernel|aVZCT1J3/);
});

test("small cells under one heading are one chunk", async () => {
  const chunker = await createChunker();
  const cells = ["# Plot\n", "plot(a)", "plot(b)"].map((source, i) => ({
    cell_type: i === 0 ? "markdown" : "code",
    metadata: {},
    source: [source],
  }));
  const { chunks } = chunker.chunk("a.ipynb", JSON.stringify({ cells, metadata: {}, nbformat: 4 }, null, 1));
  assert.deepEqual(
    chunks.map(({ name, text }) => [name, text]),
    [["Plot", "# Plot\nplot(a)\nplot(b)"]],
  );
  chunker.close();
});

test("the kernel's language decides: R, and one without a grammar", () => {
  const notebook = (name: string, source: string) =>
    JSON.stringify({ cells: [{ cell_type: "code", source: [source] }], metadata: { language_info: { name } } });
  const names = (name: string, source: string) =>
    fineChunker.chunk("a.ipynb", notebook(name, source)).chunks.map((chunk) => `${chunk.kind} ${chunk.name}`);
  assert.deepEqual(names("R", "area <- function(r) pi * r^2"), ["function area"]);
  assert.deepEqual(names("julia", "area(r) = pi * r^2"), ["function area"]);
});

test("cells for another program are text", () => {
  const cells = [{ cell_type: "code", source: ["%%bash\n", "def=1\n", "echo $def"] }];
  const { chunks } = fineChunker.chunk("a.ipynb", JSON.stringify({ cells, metadata: {} }, null, 1));
  assert.deepEqual(
    chunks.map(({ kind, text }) => [kind, text]),
    [["text", "%%bash\ndef=1\necho $def"]],
  );
});

for (const [what, text] of [
  ["cut off in the middle", NOTEBOOK.slice(0, 400)],
  ["not a notebook", '{ "a": 1 }'],
  ["nested deeper than any stack", "[".repeat(200_000)],
] as const) {
  test(`JSON that is ${what} is cut into windows`, () => {
    const { chunks, lines } = fineChunker.chunk("a.ipynb", text);
    assert.equal(chunks[0]?.startLine, 1);
    assert.equal(chunks.at(-1)?.endLine, lines);
    assert.ok(chunks.every(({ kind }) => kind === "text"));
  });
}
