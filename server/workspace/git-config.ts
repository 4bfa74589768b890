import type { Host } from "../host.ts";

/** What Cairn wants to know of git's configuration. */
export interface GitConfig {
  /** Absolute path of the user's excludes file, whether it exists or not; undefined when the user has no home. */
  excludesFile: string | undefined;
  /** True when patterns match without regard to case, as git sets it on macOS and Windows. */
  ignoreCase: boolean;
}

/**
 * Reads `core.excludesFile` and `core.ignoreCase` the way git does, from the user's files and then from the
 * repository's own, without starting git. `gitFolder` is the repository's common folder, if there is one.
 */
export function readGitConfig(host: Host, gitFolder: string | undefined): GitConfig {
  const home = host.env.HOME || host.env.USERPROFILE;
  const folder = host.env.XDG_CONFIG_HOME || (home && `${home}/.config`);
  const core = new Map<string, string>();
  const ownFiles = host.env.GIT_CONFIG_GLOBAL
    ? [host.env.GIT_CONFIG_GLOBAL]
    : [folder && `${folder}/git/config`, home && `${home}/.gitconfig`];
  for (const file of ["/etc/gitconfig", ...ownFiles, gitFolder && `${gitFolder}/config`]) {
    const text = file && readSmallText(host, file);
    if (text) for (const [key, value] of coreSettings(text)) core.set(key, value);
  }
  const named = core.get("excludesfile");
  return {
    excludesFile: named ? inHome(named, home) : folder && `${folder}/git/ignore`,
    ignoreCase: core.has("ignorecase") ? isTrue(core.get("ignorecase")) : false,
  };
}

/** Text of a small file that may well be missing: undefined when it cannot be read. */
export function readSmallText(host: Host, path: string): string | undefined {
  try {
    return new TextDecoder().decode(host.files.read(path, 1 << 20));
  } catch {
    return undefined;
  }
}

function inHome(path: string, home: string | undefined): string {
  return home && path.startsWith("~/") ? `${home}/${path.slice(2)}` : path;
}

function isTrue(value: string | undefined): boolean {
  return ["true", "yes", "on", "1", ""].includes((value ?? "").toLowerCase());
}

function* coreSettings(text: string): Generator<[key: string, value: string]> {
  let inCore = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*([^\]\s"]+)\s*("[^"]*")?\s*\]/.exec(line);
    if (section) {
      inCore = section[1].toLowerCase() === "core" && !section[2];
      continue;
    }
    const setting = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$/.exec(line);
    if (inCore && setting) yield [setting[1].toLowerCase(), unquote(setting[2] ?? "")];
  }
}

/** Quotes keep blanks and comment signs, a backslash quotes the next character, anything after `#` or `;` is a comment. */
function unquote(raw: string): string {
  let value = "";
  let quoted = false;
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i];
    if (char === "\\") value += raw[++i] ?? "";
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === "#" || char === ";")) break;
    else value += char;
  }
  return value.trim();
}
