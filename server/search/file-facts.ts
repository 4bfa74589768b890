import type { Segment } from "../store/segment.ts";
import { tokenize } from "../text/tokens.ts";

/** What a path says about a file. */
export interface FileFacts {
  readonly path: string;
  /** Words of the file's name without extension. */
  readonly stemWords: readonly string[];
  /** Folders above the file, counted from the root. */
  readonly depth: number;
  /** Code whose purpose is to try other code. */
  readonly isTest: boolean;
  /** Examples, fixtures, benchmarks, vendored or outdated code, types of code elsewhere: not where something is done. */
  readonly isAside: boolean;
  /** Prose, data and markup, by language. */
  readonly isDocument: boolean;
}

/** Facts of a file of the segment; computed once for each file that ever becomes a candidate. */
export function fileFacts(segment: Segment, file: number): FileFacts {
  const known = factsOfSegments.get(segment) ?? [];
  factsOfSegments.set(segment, known);
  known[file] ??= factsOf(segment.path(file), segment.language(file));
  return known[file];
}

const factsOfSegments = new WeakMap<Segment, FileFacts[]>();

function factsOf(path: string, language: string): FileFacts {
  const folders = path.split("/");
  const name = folders.pop() ?? "";
  let stem = name.replace(/(?<=.)\.[^.]*$/, "");
  if (ENTRY_NAME.test(stem) && folders.length > 0) stem = folders.pop() as string;
  return {
    path,
    stemWords: unique(tokenize(stem)),
    isTest: isTestPath(path),
    depth: path.split("/").length - 1,
    isAside: ASIDE.test(path),
    isDocument: DOCUMENTS.has(language),
  };
}

/** True for code whose purpose is to try other code, as far as its path tells. */
export function isTestPath(path: string): boolean {
  return TEST_FOLDER.test(path) || TEST_NAME.test(path.slice(path.lastIndexOf("/") + 1));
}

/** A file of this name stands for its folder: `ser/mod.rs` is the module `ser`. */
const ENTRY_NAME = /^(?:index|mod|__init__|init|lib|main)$/;
const TEST_FOLDER = /(?:^|\/)(?:tests?|specs?|__tests__|testdata|testing|e2e|test[_-][^/]*|[^/]*[_-]tests?)\//i;
const TEST_NAME =
  /^(?:test_.*|conftest|.*[._-](?:test|tests|spec|specs))\.[^.]+$|^.*[a-z](?:Test|Tests|Spec|TestCase)\.[^.]+$/;
const ASIDE =
  /(?:^|\/)(?:examples?|samples?|demos?|fixtures?|benchmarks?|bench|docs?|compat|_?legacy|vendor|third[_-]party|deps|external|stubs?)\/|(?:^|\/)_?(?:compat|legacy|deprecated|stubs?)\.[^/]+$|\.d\.[cm]?ts$|\.pyi$/i;

const DOCUMENTS = new Set(
  `markdown text json yaml toml restructuredtext asciidoc latex org xml html svg csv ini css less sass diff`.split(" "),
);

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
