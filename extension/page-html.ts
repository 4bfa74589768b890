import { randomBytes } from "node:crypto";
import type { Translation } from "../shared/phrase.ts";

export interface PageOptions {
  /** Addresses of what the page loads, and the policy's name of where they are. */
  style: string;
  script: string;
  source: string;
  /** The page makes images of what it has drawn; from elsewhere it loads none. */
  makesImages?: boolean;
  /** The editor's language, as a tag of BCP 47. */
  language: string;
  /** The texts in that language; undefined when there are none, and the page is in English. */
  translation: Translation | undefined;
}

/** The html of a webview: the script makes the rest, in the words of the translation. */
export function pageHtml({ style, script, source, makesImages, language, translation }: PageOptions): string {
  const nonce = randomBytes(16).toString("base64url");
  const images = makesImages ? " img-src data:;" : "";
  const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}';${images}`;
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
