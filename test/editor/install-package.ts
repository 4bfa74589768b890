import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EditorInstall, installEditor } from "./editor-install.ts";

/** Where the editor's processes find their things. */
export interface EditorFolders {
  /** Of the user; it is made. */
  readonly user: string;
  readonly extensions: string;
}

/** The arguments of Node that start code-server on these folders and on no others. */
export function editorCommand(install: EditorInstall, { user, extensions }: EditorFolders): string[] {
  const config = `${user}.yaml`;
  writeFileSync(config, "{}\n");
  return [install.codeServer, "--config", config, "--user-data-dir", user, "--extensions-dir", extensions];
}

/** Installs packages as a user does who has them as files. */
export function installPackages(command: readonly string[], packages: readonly string[], env: NodeJS.ProcessEnv): void {
  const named = packages.flatMap((path) => ["--install-extension", path]);
  execFileSync(process.execPath, [...command, ...named, "--force"], { env, stdio: "pipe" });
}

// `node test/editor/install-package.ts PACKAGE FOLDER`: for all workbenches of a run, which copy the folder.
if (import.meta.main) {
  const [path, extensions] = process.argv.slice(2);
  const install = installEditor();
  if (typeof install !== "string") {
    const folder = mkdtempSync(join(tmpdir(), "cairn-install-"));
    rmSync(extensions, { recursive: true, force: true });
    const env = { ...process.env, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    installPackages(editorCommand(install, { user: join(folder, "user"), extensions }), [path], env);
    rmSync(folder, { recursive: true });
  }
}
