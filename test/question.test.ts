import assert from "node:assert/strict";
import { test } from "node:test";
import { questionFrom } from "../extension/question.ts";

for (const [name, question] of [
  ["retryWithBackoff", "retry with backoff"],
  ["read_file_header", "read file header"],
  ["parseHTTPHeaders", "parse http headers"],
  ["ColourPalette", undefined],
  ["testRetryWithBackoff", undefined],
  ["mkTmpDirIdx", undefined],
  ["aVeryLongNameThatNobodyWouldAskFor", undefined],
]) {
  test(`${name} makes ${question ? `the question "${question}"` : "no question"}`, () => {
    assert.equal(questionFrom([name ?? ""]), question);
  });
}

test("the first name that says enough is taken", () => {
  assert.equal(questionFrom(["main", "fooBarBazQuxQuux1", "openSearchView", "closeSearchView"]), "open search view");
});
