/** Which patterns can match a path: none of them, only those that say nothing about its name, or any of them. */
export type Candidates = "none" | "nameless" | "all";

/**
 * Tells from the look of a path, without running a regular expression, whether any of a list of patterns (gitignore
 * lines without their `!`, or globs) can match it. Nearly all patterns end in a plain name (`dist/`, `/src/gen`) or in a
 * name with fixed ends (`*.log`, `~*.[Tt]mp`), so nearly all paths need no more than this. It may say yes to a path that
 * then does not match, never no to one that does.
 */
export class NameFilter {
  readonly #ignoreCase: boolean;
  readonly #names = new Set<string>();
  readonly #ends: { start: string; end: string; foldersOnly: boolean }[] = [];
  /** Leading folders of the patterns that end in `*` or `**`. */
  readonly #heads: string[] = [];

  constructor(patterns: readonly string[], ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    for (const pattern of patterns) {
      const shape = shapeOf(ignoreCase ? pattern.toLowerCase() : pattern);
      if (shape.name !== undefined) this.#names.add(shape.name);
      else if (shape.start + shape.end !== "") this.#ends.push(shape);
      else this.#heads.push(shape.head);
    }
  }

  /** `path` is relative to where the patterns hold, `name` its last part. */
  candidates(path: string, name: string, isDirectory: boolean): Candidates {
    const plain = this.#ignoreCase ? name.toLowerCase() : name;
    if (this.#names.has(plain)) return "all";
    for (const { start, end, foldersOnly } of this.#ends) {
      if ((isDirectory || !foldersOnly) && plain.endsWith(end) && plain.startsWith(start)) return "all";
    }
    if (this.#heads.length === 0) return "none";
    const plainPath = this.#ignoreCase ? path.toLowerCase() : path;
    return this.#heads.some((head) => plainPath.startsWith(head)) ? "nameless" : "none";
  }
}

/** True for a pattern whose last part says nothing about the name, such as `*`, `out/*` or `gen/**`. */
export function isNameless(pattern: string): boolean {
  const { name, start, end } = shapeOf(pattern);
  return name === undefined && start + end === "";
}

/** Characters that mean something in a gitignore pattern or in a glob. */
const SPECIAL = /[*?[\]{}()!+@|\\]/;

interface Shape {
  /** The whole last part when it is plain. */
  name: string | undefined;
  /** What the last part starts and ends with otherwise. */
  start: string;
  end: string;
  foldersOnly: boolean;
  /** The plain folders in front, with a slash at the end. */
  head: string;
}

function shapeOf(pattern: string): Shape {
  const unpadded = pattern.replace(/ +$/, "").replace(/^\//, "");
  const foldersOnly = unpadded.endsWith("/");
  const parts = unpadded.replace(/\/$/, "").split("/");
  const last = parts[parts.length - 1];
  if (!SPECIAL.test(last)) return { name: last, start: "", end: "", foldersOnly, head: "" };
  const firstSpecial = parts.findIndex((part) => SPECIAL.test(part));
  return {
    name: undefined,
    start: last.slice(0, last.search(SPECIAL)),
    end: SPECIAL.test(last[last.length - 1]) ? "" : last.slice(last.search(/[^*?[\]{}()!+@|\\]*$/)),
    foldersOnly,
    head: parts
      .slice(0, firstSpecial)
      .map((part) => `${part}/`)
      .join(""),
  };
}
