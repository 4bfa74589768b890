import * as vscode from "vscode";
import { pageHtml } from "./page-html.ts";

/**
 * Loads a page of `dist/media` into a webview: its script and its styles, and nothing else, from anywhere.
 *
 * @param name the page's files without their extensions
 * @param makesImages whether the page makes images of what it has drawn
 */
export function loadPage(webview: vscode.Webview, extensionUri: vscode.Uri, name: string, makesImages = false): void {
  const assets = vscode.Uri.joinPath(extensionUri, "dist", "media");
  const asset = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(assets, file)).toString();
  webview.options = { enableScripts: true, localResourceRoots: [assets] };
  webview.html = pageHtml({
    style: asset(`${name}.css`),
    script: asset(`${name}.js`),
    source: webview.cspSource,
    makesImages,
    language: vscode.env.language,
    translation: vscode.l10n.bundle,
  });
}
