import { randomBytes } from "node:crypto";
import type { Translation } from "../shared/phrase.ts";

export interface SearchPageOptions {
  /** Addresses of what the page loads, and the policy's name of where they are. */
  style: string;
  script: string;
  source: string;
  /** The editor's language, as a tag of BCP 47. */
  language: string;
  /** The texts in that language; undefined when there are none, and the page is in English. */
  translation: Translation | undefined;
}

/** The html of the search view: the script makes the rest, in the words of the translation. */
export function searchPage({ style, script, source, language, translation }: SearchPageOptions): string {
  const nonce = randomBytes(16).toString("base64url");
  const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}';`;
  // Within a script element only "<" could end it.
  const texts = JSON.stringify(translation ?? {}).replaceAll("<", "\\u003c");
  return `<!DOCTYPE html>
<html lang="${translation ? language : "en"}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${style}">
  <title>Cairn</title>
</head>
<body>
  <script type="application/json" id="translation">${texts}</script>
  <script type="module" nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
