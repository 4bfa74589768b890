/** The scripts of a component, in the place where they stand. */
export interface ScriptBlocks {
  /** Id of the scripts' language. */
  language: "javascript" | "typescript" | "tsx";
  /** The file's text with a space for every character outside the scripts: offsets and lines are the file's. */
  text: string;
}

/** The `<script>` blocks of a Vue or Svelte component; undefined when it has none. */
export function scriptBlocks(text: string): ScriptBlocks | undefined {
  let language: ScriptBlocks["language"] | undefined;
  let scripts = "";
  for (const block of text.matchAll(SCRIPT)) {
    const [, opening, attributes, script] = block;
    const start = block.index + opening.length;
    scripts += blank(text.slice(scripts.length, start)) + script;
    language ??= LANGUAGES[/\blang\s*=\s*["']?(\w+)/.exec(attributes)?.[1] ?? ""] ?? "javascript";
  }
  return language && { language, text: scripts + blank(text.slice(scripts.length)) };
}

const SCRIPT = /(<script\b((?:"[^"]*"|'[^']*'|[^"'>])*)>)([\s\S]*?)<\/script\s*>/gi;

const LANGUAGES: Readonly<Record<string, ScriptBlocks["language"]>> = {
  ts: "typescript",
  typescript: "typescript",
  tsx: "tsx",
};

function blank(text: string): string {
  return text.replace(/[^\r\n]/g, " ");
}
