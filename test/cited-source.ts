/** A passage as an answer cites it. */
export const SOURCE = {
  number: 1,
  rootUri: "file:///app",
  rootName: "",
  path: "src/retry.ts",
  startLine: 3,
  endLine: 11,
  focusLine: 4,
  firstLine: "/** Sends it again. */",
  symbol: "retryRequest",
  language: "typescript",
};
