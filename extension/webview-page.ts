import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

/**
 * Loads a page of `dist/media` into a webview: its script and its styles, and nothing else, from anywhere.
 *
 * @param name the page's files without their extensions
 */
export function loadPage(webview: vscode.Webview, extensionUri: vscode.Uri, name: string): void {
  const assets = vscode.Uri.joinPath(extensionUri, "dist", "media");
  webview.options = { enableScripts: true, localResourceRoots: [assets] };
  const nonce = randomBytes(16).toString("base64url");
  const asset = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(assets, file)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';`;
  webview.html = `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${asset(`${name}.css`)}">
  <title>Cairn</title>
</head>
<body>
  <script type="module" nonce="${nonce}" src="${asset(`${name}.js`)}"></script>
</body>
</html>`;
}
