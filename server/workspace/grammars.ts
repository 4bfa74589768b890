import type { Language as Grammar, Parser, Tree } from "web-tree-sitter";
import { compileGrammar } from "./compile-grammar.ts";
import type { GrammarFiles } from "./node-grammar-files.ts";

export interface GrammarsOptions {
  files: GrammarFiles;
  /** Milliseconds, only differences count; by default what this thread has computed. */
  clock?: () => number;
}

/**
 * The tree-sitter runtime of one thread: one parser, and the grammars loaded as they are first asked for. A parse that
 * takes too long is cancelled, a trap costs one file and the runtime, which {@link Grammars.ready} replaces.
 */
export interface Grammars {
  /** The grammar of this file name, or undefined when it cannot be loaded. */
  load(name: string): Grammar | undefined;
  /**
   * Parses a text, hands the tree to `visit` and frees it. Returns undefined, without throwing, when the parser failed,
   * was cancelled, or its runtime is down.
   */
  parse<Result>(grammar: Grammar, text: string, visit: (tree: Tree) => Result): Result | undefined;
  /** Resolves when the runtime can parse again after a trap; at once when nothing happened. */
  ready(): Promise<void>;
  close(): void;
}

/** Starts the runtime. Without its files every parse fails and files are cut without syntax. */
export async function createGrammars(options: GrammarsOptions): Promise<Grammars> {
  const clock = options.clock ?? threadTime;
  let runtime = await startRuntime(options.files);
  let restarts = 0;

  return {
    load(name) {
      return runtime?.load(name);
    },
    parse(grammar, text, visit) {
      if (!runtime || runtime.broken || text.length > LONGEST_TEXT) return undefined;
      const deadline = clock() + Math.min(PARSE_BASE_MS + text.length / PARSE_CHARS_PER_MS, PARSE_MOST_MS);
      return runtime.parse(grammar, text, () => clock() > deadline, visit);
    },
    async ready() {
      if (!runtime?.broken || restarts === MOST_RESTARTS) return;
      restarts++;
      runtime = await startRuntime(options.files);
    },
    close() {
      runtime?.close();
      runtime = undefined;
    },
  };
}

/** A tree takes some twenty bytes of memory per character of source. */
const LONGEST_TEXT = 4_000_000;
/** Generous: parsing runs at 1,000 characters a millisecond and more. */
const PARSE_BASE_MS = 1_500;
const PARSE_CHARS_PER_MS = 100;
const PARSE_MOST_MS = 6_000;
/** A file set that kills the runtime more often than this gets windows for the rest of the thread's life. */
const MOST_RESTARTS = 20;

/**
 * What this thread has computed, in milliseconds. Time on the wall goes on while other programs have the processor, and
 * a busy machine must not cost an honest file its syntax, which would stay lost with what is stored of its content. An
 * editor's Node 22 knows no other time.
 */
function threadTime(): number {
  if (typeof process.threadCpuUsage !== "function") return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

interface Runtime {
  readonly broken: boolean;
  load(name: string): Grammar | undefined;
  parse<Result>(
    grammar: Grammar,
    text: string,
    cancelled: () => boolean,
    visit: (tree: Tree) => Result,
  ): Result | undefined;
  close(): void;
}

async function startRuntime(files: GrammarFiles): Promise<Runtime | undefined> {
  let library: typeof import("web-tree-sitter");
  let parser: Parser;
  try {
    library = files.runtime();
    await library.Parser.init({ wasmBinary: files.read("web-tree-sitter.wasm") });
    parser = new library.Parser();
  } catch {
    return undefined;
  }
  const grammars = new Map<string, Grammar | undefined>();
  let broken = false;

  function loadGrammar(name: string): Grammar | undefined {
    try {
      return library.Language.loadSync(compileGrammar(files.read(name)));
    } catch {
      return undefined;
    }
  }

  return {
    get broken() {
      return broken;
    },
    load(name) {
      if (!broken && !grammars.has(name)) grammars.set(name, loadGrammar(name));
      return grammars.get(name);
    },
    parse(grammar, text, cancelled, visit) {
      try {
        if (parser.language !== grammar) parser.setLanguage(grammar);
        const tree = parser.parse(text, null, { progressCallback: cancelled });
        if (tree) {
          try {
            return visit(tree);
          } finally {
            tree.delete();
          }
        }
        parser.reset();
      } catch {
        // Whatever was thrown, the runtime's memory is in an unknown state from here on.
        broken = true;
      }
      return undefined;
    },
    close() {
      if (!broken) parser.delete();
    },
  };
}
