import ignore, { type Ignore } from "ignore";
import picomatch from "picomatch";
import { type Phrase, phrase, SILENCE } from "../../shared/phrase.ts";
import { isNameless, NameFilter } from "./name-filter.ts";

/** The rule that decides over a path. */
export interface Match {
  /** False for a negation (`!keep.ts`), which keeps the path whatever weaker rules say. */
  leftOut: boolean;
  code: "ignored" | "excluded";
  /** A sentence naming the file and the pattern. */
  reason: Phrase;
}

/** A source of rules. Paths are relative to the root, with forward slashes. */
export interface Rules {
  /** The match that decides, or undefined when no rule speaks about this very path (its parents are not looked at). */
  match(path: string, name: string, isDirectory: boolean): Match | undefined;
  /** These rules for all that lies below `folder`, which is kept although they leave it out. */
  without(folder: string): readonly Rules[];
}

interface Pattern {
  pattern: string;
  /** Line of the file, from 1, as text; the matcher hands it back. */
  mark: string;
}

/** Where rules hold, as seen from the root. */
export interface Place {
  /** Folder of the rules below the root: empty or ending in a slash. Cut off the path before it is matched. */
  below: string;
  /** Folder of the root below the rules: empty or ending in a slash. Put before the path. */
  above: string;
}

/** What a match of a rule file says, before its pattern. */
type Wording = (mark: string, pattern: string) => Phrase;

/** The rules of one file in gitignore syntax, at the place where they hold. */
export class RuleFile implements Rules {
  readonly #place: Place;
  readonly #patterns: readonly Pattern[];
  readonly #wording: Wording;
  readonly #ignoreCase: boolean;
  readonly #matcher: Ignore;
  /** The same for paths whose name no pattern asks for: all that can match them, and what keeps their folders. */
  readonly #nameless: Ignore;
  readonly #filter: NameFilter;

  private constructor(place: Place, patterns: readonly Pattern[], wording: Wording, ignoreCase: boolean) {
    this.#place = place;
    this.#patterns = patterns;
    this.#wording = wording;
    this.#ignoreCase = ignoreCase;
    this.#matcher = ignore({ ignoreCase }).add(patterns);
    this.#nameless = ignore({ ignoreCase }).add(
      patterns.filter(({ pattern }) => pattern.startsWith("!") || isNameless(pattern)),
    );
    this.#filter = new NameFilter(
      patterns.map(({ pattern }) => pattern.replace(/^!/, "")),
      ignoreCase,
    );
  }

  /** `label` is the file as people are told about it. Undefined when the text holds no rule. */
  static parse(label: string, text: string, place: Place, ignoreCase: boolean): RuleFile | undefined {
    const patterns: Pattern[] = [];
    for (const [index, line] of text
      .replace(/^\uFEFF/, "")
      .split("\n")
      .entries()) {
      const pattern = line.replace(/\r$/, "");
      if (pattern.trim() && !pattern.startsWith("#")) patterns.push({ pattern, mark: String(index + 1) });
    }
    if (patterns.length === 0) return undefined;
    return new RuleFile(
      place,
      patterns,
      (mark, pattern) => phrase("matched by {0} line {1}: {2}", label, mark, pattern),
      ignoreCase,
    );
  }

  /** Rules that Cairn brings itself. */
  static builtIn(lines: readonly string[], wording: (pattern: string) => Phrase): RuleFile {
    const patterns = lines.map((pattern) => ({ pattern, mark: "" }));
    return new RuleFile({ below: "", above: "" }, patterns, (_, pattern) => wording(pattern), false);
  }

  match(path: string, name: string, isDirectory: boolean): Match | undefined {
    const relative = this.#relative(path, isDirectory);
    const candidates = this.#filter.candidates(relative, name, isDirectory);
    if (candidates === "none") return undefined;
    return this.#decide(candidates === "all" ? this.#matcher : this.#nameless, relative);
  }

  /** What rules from above the root say about the root itself; undefined when they lie in the root or say nothing. */
  matchRoot(): Match | undefined {
    return this.#place.above === "" ? undefined : this.#decide(this.#matcher, this.#place.above);
  }

  #decide(matcher: Ignore, relative: string): Match | undefined {
    const { rule, unignored } = matcher.test(relative);
    if (rule) return { leftOut: true, code: "ignored", reason: this.#wording(rule.mark ?? "", rule.pattern.trimEnd()) };
    return unignored ? { leftOut: false, code: "ignored", reason: SILENCE } : undefined;
  }

  /**
   * The matcher holds everything below a left-out folder to be left out too, so the rule that names this folder goes.
   * A rule for any depth (`build`, `**\/build`) still holds further down, and is stated again there.
   */
  without(folder: string): readonly Rules[] {
    let patterns = this.#patterns;
    const again: Pattern[] = [];
    for (;;) {
      const rule = ignore({ ignoreCase: this.#ignoreCase }).add(patterns).test(this.#relative(folder, true)).rule;
      if (!rule) break;
      const lifted = patterns.findLast(({ pattern, mark }) => pattern === rule.pattern && mark === rule.mark);
      patterns = patterns.filter((pattern) => pattern !== lifted);
      if (lifted && /^(\*\*\/)?[^/]+\/?\s*$/.test(lifted.pattern)) again.unshift(lifted);
    }
    const here: Place = { below: `${folder}/`, above: "" };
    const below = new RuleFile(here, again, this.#wording, this.#ignoreCase);
    return [below, new RuleFile(this.#place, patterns, this.#wording, this.#ignoreCase)];
  }

  #relative(path: string, isDirectory: boolean): string {
    const relative = this.#place.above + path.slice(this.#place.below.length);
    return isDirectory ? `${relative}/` : relative;
  }
}

/** The editor's `files.exclude` and `search.exclude`: globs relative to the root. */
export class ExcludeGlobs implements Rules {
  readonly #globs: readonly { glob: string; matches: (path: string) => boolean }[];
  readonly #filter: NameFilter;

  constructor(globs: readonly string[], ignoreCase: boolean) {
    const plain = globs.map((glob) => glob.replace(/^\.?\//, "").replace(/\/+$/, "")).filter((glob) => glob !== "");
    this.#globs = plain.map((glob) => ({ glob, matches: picomatch(glob, { dot: true, nocase: ignoreCase }) }));
    this.#filter = new NameFilter(plain, ignoreCase);
  }

  match(path: string, name: string, isDirectory: boolean): Match | undefined {
    if (this.#filter.candidates(path, name, isDirectory) === "none") return undefined;
    const found = this.#globs.find(({ matches }) => matches(path));
    return (
      found && {
        leftOut: true,
        code: "excluded",
        reason: phrase("matched by the editor's exclude setting: {0}", found.glob),
      }
    );
  }

  without(): readonly Rules[] {
    return [this];
  }
}
