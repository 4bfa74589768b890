import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Workspace } from "../server/core-api.ts";
import { openCore, temporaryFolder } from "./open-core.ts";

/** More symbols than any workspace of a test has. */
const ALL_SYMBOLS = 100_000;
const HITS = 20;
/** Scores are sums whose parts come in another order. */
const ROUNDING = 1e-9;
const NO_DIFFERENCE = { wrong: [], missing: [] };

/**
 * The index is what a fresh one of the same folder in a cache of its own is: the same files, chunks and symbols, the
 * same files left out for the same reasons, and the same answers to some queries.
 * @param when says in a failure what was done before.
 */
export async function agreesWithFresh(
  test: TestContext,
  root: string,
  workspace: Workspace,
  when: string,
  queries: readonly string[] = [],
): Promise<void> {
  const fresh = await openCore(test, root, temporaryFolder(test));
  const expected = await contents(fresh.workspace);
  const actual = await contents(workspace);
  const only = (some: readonly string[], others: readonly string[]) => {
    const known = new Set(others);
    return some.filter((line) => !known.has(line));
  };
  assert.deepEqual({ wrong: only(actual, expected), missing: only(expected, actual) }, NO_DIFFERENCE, when);
  assert.deepEqual(actual, expected, when);
  for (const query of queries) {
    const [answer, freshAnswer] = [await scores(workspace, query), await scores(fresh.workspace, query)];
    const difference = { wrong: better(answer, freshAnswer), missing: better(freshAnswer, answer) };
    assert.deepEqual(difference, NO_DIFFERENCE, `${when}: "${query}"`);
  }
  await fresh.core.close();
}

/** All that can be found, in lines. */
async function contents(workspace: Workspace): Promise<string[]> {
  const { phase, files, chunks } = await workspace.idle();
  const symbols = await workspace.symbols("", ALL_SYMBOLS);
  const skipped = await workspace.skipped();
  return [
    `${phase}: ${files} files, ${chunks} chunks`,
    ...(await filesBelow(workspace, "")),
    ...skipped.map(({ path, code, reason }) => `left out: ${path}${isLink(reason) ? "" : ` (${code}, ${reason})`}`),
    ...symbols.map(({ path, name, startLine, endLine }) => `${path}:${startLine}-${endLine} ${name}`).sort(),
  ];
}

/** What a link leads to is looked at with the link, not whenever that changes: why it is left out may be out of date. */
function isLink(reason: string): boolean {
  return reason.startsWith("a symbolic link");
}

async function filesBelow(workspace: Workspace, folder: string): Promise<string[]> {
  const { folders, files } = await workspace.indexedIn(folder);
  const prefix = folder === "" ? "" : `${folder}/`;
  const deeper = await Promise.all(folders.map(({ name }) => filesBelow(workspace, prefix + name)));
  const here = files.map(({ name, language, shape, chunks }) => `${prefix}${name}: ${language}, ${chunks} by ${shape}`);
  return [...here, ...deeper.flat()];
}

/** What answers a query, with its score. */
async function scores(workspace: Workspace, query: string): Promise<Map<string, number>> {
  const { hits, complete } = await workspace.search({ query, limit: HITS });
  assert.ok(complete, `not all files could be searched for "${query}"`);
  return new Map(
    hits.map(({ path, startLine, endLine, name, kind, score }) => [
      `${path}:${startLine}-${endLine} ${kind} ${name}`,
      score,
    ]),
  );
}

/** The hits of one answer that the other lacks or scores otherwise. */
function better(answer: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): string[] {
  return [...answer]
    .filter(([line, score]) => !(Math.abs(score - (other.get(line) ?? Number.NaN)) < ROUNDING))
    .map(([line, score]) => `${score} ${line}`);
}
