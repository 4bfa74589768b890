import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeHost } from "../node-host.ts";
import { classifyContent } from "../workspace/classify.ts";
import { decode } from "../workspace/decode.ts";
import { walk } from "../workspace/walk.ts";
import { benchFolder, bringCorpus, type Corpus, measured } from "./corpus.ts";

/** Raise it when other copies are made of the same sources. */
const MAKING = 1;

/** Larger files are left out of an index, and repeating them would only fill the disk. */
const MOST_FILE_BYTES = 1_000_000;

/**
 * A code base of any size: the `large` corpus over and over, each copy in a folder of its own and about other things.
 * In every copy half of the words are others of the same frequency, and rare ones are new, always the same for the
 * same: what was `WebGLRenderer` here may be `WebFXScheduler` there, wherever it is used. So no text, no name and no
 * vector of one copy repeats another's, and the vocabulary grows as that of a company's code does; the first copy is
 * the original. The syntax stays, for keywords are words of their own right.
 */
export function bringCopies(copies: number): Corpus {
  const { root: original, name } = bringCorpus("large");
  const root = benchFolder("corpus", `copies-${copies}-${MAKING}`);
  if (!existsSync(root)) {
    const incomplete = mkdtempSync(benchFolder("corpus", "incomplete-"));
    // A repository of its own: otherwise the ignore rules of the folders above would apply.
    mkdirSync(join(incomplete, ".git"));
    const files = textsBelow(original);
    const words = wordsByFrequency(files);
    for (let copy = 0; copy < copies; copy++) writeCopy(files, join(incomplete, `part-${copy}`), renaming(words, copy));
    renameSync(incomplete, root);
  }
  return { name, root, ...measured(root) };
}

interface TextFile {
  path: string;
  text: string;
}

/** What an index holds of the folder. */
function textsBelow(root: string): TextFile[] {
  const files: TextFile[] = [];
  for (const batch of walk(nodeHost(), root, { exclude: [], maxFileBytes: MOST_FILE_BYTES })) {
    for (const { path } of batch.files) {
      const text = decode(readFileSync(join(root, path)))?.text;
      if (text !== undefined && classifyContent(path, text) === undefined) files.push({ path, text });
    }
  }
  return files;
}

/** Pieces of identifiers and words of prose, of four letters or more; not what a backslash makes of a letter. */
const WORD = /(?<!\\)(?:[A-Z]?[a-z]{3,}|[A-Z]{4,})(?![a-z])/g;

function wordsByFrequency(files: readonly TextFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { text } of files) {
    for (const [word] of text.matchAll(WORD)) {
      const plain = word.toLowerCase();
      counts.set(plain, (counts.get(plain) ?? 0) + 1);
    }
  }
  const known = [...counts].filter(([word]) => !KEYWORDS.has(word));
  return known.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([word]) => word);
}

/** The most frequent words are those of the language and of English: they stay. */
const FIRST_RENAMED = 128;
/** Words of about the same frequency stand for each other within bands of so many. */
const BAND = 64;
/** From this rank on a word belongs to one part of a code base, and another part has others. */
const FIRST_RARE = 6_000;

/** What each word becomes in a copy; words that stay are not in it. */
function renaming(words: readonly string[], copy: number): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  if (copy === 0) return renamed;
  const random = lcg(copy);
  for (let from = FIRST_RENAMED; from < words.length; from += BAND) {
    const changing = words.slice(from, from + BAND).filter(() => random() < 0.5);
    const others = shuffled(changing, random);
    changing.forEach((word, i) => {
      const other = others[i];
      renamed.set(word, from < FIRST_RARE ? other : word.slice(0, word.length >> 1) + other.slice(other.length >> 1));
    });
  }
  return renamed;
}

function writeCopy(files: readonly TextFile[], folder: string, renamed: ReadonlyMap<string, string>): void {
  const rename = (word: string) => {
    const other = renamed.get(word.toLowerCase());
    if (other === undefined) return word;
    if (word === word.toUpperCase()) return other.toUpperCase();
    return word[0] === word[0].toUpperCase() ? other[0].toUpperCase() + other.slice(1) : other;
  };
  for (const { path, text } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text.replace(WORD, rename));
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** The same numbers in [0, 1) for the same seed. */
function lcg(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Words of four letters or more that the grammars of the corpus give a meaning, and names that every program uses. */
const KEYWORDS = new Set(
  `abstract alignas asserts async attribute auto await bool boolean break byte case catch char class companion const
  constexpr continue converter copyright data debugger declare decltype default define delete dispatch double each elif
  else endif enum eval except exec explicit export extends extern false final finally float friend from func function
  generated global goto highp ifdef ifndef implements implementation import include infer inline inout instanceof
  interface internal keyof lambda layout license long lookup lowp main mediump module mutable namespace native noexcept
  none nonlocal null number object open operator override package pass pragma precision print private property protected
  protocol public pure raise readonly register reinterpret require restrict return sampler satisfies sealed self
  shared short signed sizeof static string struct super suspend switch symbol synchronized template then this throw
  throws transient true type typedef typeid typename typeof undefined uniform union unique unknown unsigned using
  varying vector virtual void volatile when where while with yield`.split(/\s+/),
);
