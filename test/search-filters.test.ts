import assert from "node:assert/strict";
import { test } from "node:test";
import { filterLabel, filtersOfRequest, takeFilters, withFilter } from "../shared/search-filters.ts";

/** The chips that a text gives, and the text that is left. */
function check(typed: string, expected: string, { finished = false } = {}): void {
  const { filters, rest } = takeFilters(typed, finished);
  assert.equal([...filters.map((filter) => `[${filterLabel(filter)}]`), rest].join(" "), expected);
}

test("a filter that is written in the query becomes a chip once a space follows it", () => {
  check("lang:python", "lang:python");
  check("lang:python ", "[lang: python] ");
  check("retry lang:python with backoff", "[lang: python] retry with backoff");
  check("retry path:src/** ", "[path: src/**] retry ");
  check("kind:Function Language:TypeScript sort ", "[kind: function] [lang: TypeScript] sort ");
});

test("Enter ends a filter too", () => {
  check("retry lang:python", "[lang: python] retry ", { finished: true });
});

test("a path with spaces stands in quotes", () => {
  check('path:"my folder/*.ts" retry', "[path: my folder/*.ts] retry");
  check('path:"my fol', 'path:"my fol', { finished: true });
});

test("what only looks like a filter stays in the query", () => {
  check("kind:banana split", "kind:banana split");
  check("std::path:join it", "std::path:join it");
  check("lang: python", "lang: python");
  check("two  spaces are kept ", "two  spaces are kept ");
});

test("a filter is there once", () => {
  const python = { type: "language", value: "python" } as const;
  assert.deepEqual(withFilter(withFilter([], python), python), [python]);
});

test("a request carries the filters by type", () => {
  const { filters } = takeFilters("path:src path:test lang:ts kind:class ", false);
  assert.deepEqual(filtersOfRequest(filters), { paths: ["src", "test"], languages: ["ts"], kinds: ["class"] });
});
