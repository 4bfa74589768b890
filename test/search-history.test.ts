import assert from "node:assert/strict";
import { test } from "node:test";
import { remember } from "../extension/search-history.ts";
import { HistoryWalk } from "../media/history-walk.ts";

test("the newest query comes first, each is there once, and an empty one is none", () => {
  const history = ["one", "two", "one ", "  "].reduce<string[]>(remember, []);
  assert.deepEqual(history, ["one", "two"]);
});

test("the oldest of very many queries are forgotten", () => {
  const history = Array.from({ length: 80 }, (_, index) => `query ${index}`).reduce<string[]>(remember, []);
  assert.equal(history.length, 50);
  assert.deepEqual([history[0], history[49]], ["query 79", "query 30"]);
});

test("a walk goes back query by query and returns to what was being typed", () => {
  const walk = new HistoryWalk(["newest", "older"], "typing");
  assert.equal(walk.inPast, false);
  assert.deepEqual([walk.older(), walk.older(), walk.older()], ["newest", "older", undefined]);
  assert.equal(walk.inPast, true);
  assert.deepEqual([walk.newer(), walk.newer(), walk.newer()], ["newest", "typing", undefined]);
  assert.equal(walk.inPast, false);
});

test("a walk passes over the query that is on screen already", () => {
  assert.equal(new HistoryWalk(["newest", "older"], "newest").older(), "older");
});
