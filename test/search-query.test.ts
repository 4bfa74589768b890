import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LONGEST_QUERY, parseQuery } from "../server/search/query.ts";
import { inWords } from "../shared/phrase.ts";

describe("a query is read", () => {
  it("by kind", () => {
    const kinds = {
      symbol: ["Session", "retry_request", "Rails::Engine", "res.send", "parse_args()", "class Session", "fn main"],
      path: ["src/server.ts", "server.ts", "lib/", "C:\\work\\a.c"],
      question: ["how are retries handled", "where is the cache cleared?", "find the entry point", "retries?"],
      words: ["retry policy", "cookie jar merge", '"event loop"', "C++ templates"],
    };
    for (const [kind, queries] of Object.entries(kinds)) {
      for (const query of queries) assert.equal(parseQuery(query).kind, kind, query);
    }
  });

  it("without the words that say nothing, unless there are no others", () => {
    assert.deepEqual(parseQuery("how are the retries handled?").terms, ["retry", "handled"]);
    assert.deepEqual(parseQuery("how does it do that").terms.slice(0, 2), ["how", "doe"]);
  });

  it("with the names it spells like code", () => {
    assert.deepEqual(parseQuery("how does retryRequest call parse_args() of Foo::Bar and `run`").symbols, [
      "retryrequest",
      "parseargs",
      "bar",
      "run",
    ]);
    assert.deepEqual(parseQuery("Session").symbols, ["session"]);
    assert.deepEqual(parseQuery("how does the session end").symbols, []);
  });

  it("with identifiers whole among its words, in parts among its terms", () => {
    const { words, terms } = parseQuery("retryRequest policy");
    assert.deepEqual(words, ["retryrequest", "policy"]);
    assert.deepEqual(terms, ["retryrequest", "retry", "request", "policy"]);
  });

  it("with its phrases, and the word that is still being typed", () => {
    const query = parseQuery('"event loop" handle timers auth');
    assert.deepEqual(query.required, ["event", "loop"]);
    assert.equal(query.prefix, "auth");
    assert.equal(parseQuery("done. ").prefix, "");
  });

  it("never longer than it can be, nor cut within a character", () => {
    const query = parseQuery(`${"x".repeat(LONGEST_QUERY - 1)}😀 and more`);
    assert.equal(query.text, "x".repeat(LONGEST_QUERY - 1));
    assert.match(inWords(query.note), /cut to its first 2,000 characters/);
    assert.equal(inWords(parseQuery("short").note), "");
    assert.ok(parseQuery(Array.from({ length: 300 }, (_, i) => `w${i}`).join(" ")).terms.length <= 64);
  });
});
