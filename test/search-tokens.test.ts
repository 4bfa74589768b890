import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { locateTerms, tokenize } from "../server/text/tokens.ts";

/** The text's terms, as one line. */
function terms(text: string, expected: string): void {
  assert.equal(tokenize(text).join(" "), expected);
}

describe("terms of a text", () => {
  it("an identifier is itself and its parts, whatever its style", () => {
    terms("retryRequest retry_request RETRY_REQUEST", "retryrequest retry request ".repeat(3).trim());
    terms("getHTTPResponse HTTPServer", "gethttpresponse get http response httpserver http server");
    terms("kebab-case file.name a::b", "kebab case file name");
    terms("__init__ $scope _private", "init scope private");
  });

  it("plurals and singulars meet", () => {
    terms("queries query", "query query");
    terms("classes class boxes box matches match", "class class box box match match");
    terms("routes caches cookies URLs URL getURLs", "route cache cookie url url geturl get url");
    terms("status analysis alias https", "status analysis alia http");
  });

  it("digits stay with their word and stand alone", () => {
    terms("utf8 sha256 base64url v2", "utf8 utf sha256 sha 256 base64url base 64 url v2");
    terms("404 x 7", "404");
  });

  it("accents, widths and ligatures do not matter", () => {
    terms("café naïve Ｆｕｌｌ ﬁle Größe", "cafe naive full file große");
  });

  it("scripts without spaces become pairs", () => {
    terms("如何处理", "如何 何处 处理");
    terms("がっこう 서버", "がっ っこ こう 서버");
    terms("读取config文件", "读取 config 文件");
  });

  it("what is no word gives nothing", () => {
    terms("", "");
    terms("{} => // !== ;", "");
    terms("x".repeat(65), "");
    terms(`${"x".repeat(600)} end`, "end");
    terms("\ud800 \u0000 ok", "ok");
  });

  it("a name too long for a term keeps its parts", () => {
    const name = `test_that_${"very_".repeat(20)}long_names_work`;
    assert.deepEqual([...new Set(tokenize(name))], ["test", "that", "very", "long", "name", "work"]);
  });
});

describe("where terms lie", () => {
  it("gives the whole word and each part", () => {
    const line = "let retryCount = getURLs()";
    const found = locateTerms(line).map(({ start, end, term }) => `${line.slice(start, end)}=${term}`);
    assert.deepEqual(found.slice(2, 5), ["retryCount=retrycount", "retry=retry", "Count=count"]);
    assert.ok(found.includes("URLs=url"));
  });

  it("knows every term that the tokeniser gives", () => {
    for (const text of ["retryCount HTTPServer", "sha256 café", "如何处理 서버", "queries of_the_classes"]) {
      const located = new Set(locateTerms(text).map(({ term }) => term));
      for (const term of tokenize(text)) assert.ok(located.has(term), `${term} in ${text}`);
    }
  });
});
