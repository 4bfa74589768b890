/** Whose machine a text comes from. */
export interface Owner {
  /** Absolute path of the home folder; empty when unknown. */
  home: string;
  /** Login name; empty when unknown. */
  user: string;
}

/**
 * A text that can be shown to others: without the passwords, keys and tokens that can be told by their shape or by what
 * stands before them, without e-mail addresses, with `~` for the home folder and `<user>` for names in paths.
 */
export function redact(text: string, owner: Owner): string {
  let redacted = text;
  for (const [pattern, replacement] of SECRETS) redacted = redacted.replace(pattern, replacement);
  return withoutNames(redacted, owner);
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "<private key>"],
  // https://name:password@host
  [/([a-z][a-z\d+.-]*:\/\/)[^\s/@]+@/gi, "$1<redacted>@"],
  [/\b(Bearer|Basic)\s+[\w+/=.~-]{8,}/gi, "$1 <redacted>"],
  // password = "...", API_KEY: ..., "authToken": "..."
  [
    /((?:pass(?:word|wd|phrase)|secret|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key)[\w-]*["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;}\]]+)/gi,
    "$1<redacted>",
  ],
  [/--(?:password|token|secret|api-key)\s+\S+/gi, "<redacted>"],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, "<redacted>"],
  [
    /\b(?:gh[opsur]_|github_pat_|glpat-|npm_|hf_|pypi-|xox[abeprs]-|sk-|csk-|pk_live_|sk_live_|rk_live_)[\w-]{10,}/g,
    "<redacted>",
  ],
  [/\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, "<redacted>"],
  [/\bAIza[\w-]{35}/g, "<redacted>"],
  // Long and random: letters and digits mixed, as nobody names a file or a symbol.
  [/(?<![\w-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{40,}(?![\w-])/g, "<redacted>"],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, "<e-mail>"],
];

function withoutNames(text: string, { home, user }: Owner): string {
  let redacted = text;
  for (const form of home.length > 1 ? formsOf(home) : []) {
    redacted = redacted.replace(new RegExp(`(?<![\\w.-])${literally(form)}(?![\\w.-])`, "gi"), "~");
  }
  redacted = redacted.replace(/([\\/](?:home|Users)(?:[\\/]|%5C|\\\\))[^\\/\s"'<>|:*?]+/gi, "$1<user>");
  if (user.length < 3 || NOBODY.has(user.toLowerCase())) return redacted;
  return redacted.replace(new RegExp(`(?<=[\\\\/@:-])${literally(user)}(?=[\\\\/@:-]|$)`, "gim"), "<user>");
}

/** A path as it stands in messages, in JSON and in URIs. */
function formsOf(path: string): string[] {
  const forward = path.replaceAll("\\", "/");
  return [
    ...new Set([
      path.replaceAll("\\", "\\\\"),
      path,
      forward,
      encodeURI(forward),
      encodeURI(forward).replace(":", "%3A"),
    ]),
  ];
}

/** Accounts that tell nothing of a person, and are words that occur elsewhere. */
const NOBODY: ReadonlySet<string> = new Set(["root", "user", "admin", "administrator", "node", "vscode", "coder"]);

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
