import type { ChunkedFile } from "./chunk.ts";
import { chunkNotebook } from "./chunk-notebook.ts";
import { chunkProse } from "./chunk-prose.ts";
import { CHUNK_SIZES, type ChunkSizes } from "./chunk-sizes.ts";
import { chunkWindows } from "./chunk-windows.ts";
import { DECLARATION_PATTERNS } from "./declaration-patterns.ts";
import { createGrammars } from "./grammars.ts";
import { asciidocProse, markdownProse, type Prose, restProse } from "./headings.ts";
import { type Language, languageById, languageOf } from "./languages.ts";
import { type GrammarFiles, nodeGrammarFiles } from "./node-grammar-files.ts";
import { readNotebook } from "./notebook.ts";
import { type Outline, outline } from "./outline.ts";
import { outlineByPatterns } from "./outline-patterns.ts";
import { packChunks } from "./pack-chunks.ts";
import { scriptBlocks } from "./script-blocks.ts";
import { SourceLines } from "./source-lines.ts";
import type { Syntax } from "./syntax.ts";
import { c, cpp } from "./syntax-c.ts";
import { csharp } from "./syntax-csharp.ts";
import { css } from "./syntax-css.ts";
import { dart } from "./syntax-dart.ts";
import { elixir } from "./syntax-elixir.ts";
import { go } from "./syntax-go.ts";
import { haskell } from "./syntax-haskell.ts";
import { java } from "./syntax-java.ts";
import { javascript, typescript } from "./syntax-javascript.ts";
import { kotlin } from "./syntax-kotlin.ts";
import { lua } from "./syntax-lua.ts";
import { php } from "./syntax-php.ts";
import { python } from "./syntax-python.ts";
import { r } from "./syntax-r.ts";
import { ruby } from "./syntax-ruby.ts";
import { rust } from "./syntax-rust.ts";
import { scala } from "./syntax-scala.ts";
import { bash, powershell } from "./syntax-shell.ts";
import { solidity } from "./syntax-solidity.ts";
import { swift } from "./syntax-swift.ts";
import { type SyntaxTable, syntaxTable } from "./syntax-table.ts";
import { terraform } from "./syntax-terraform.ts";
import { zig } from "./syntax-zig.ts";

export interface ChunkerOptions {
  /** Where the parser and its grammars come from; by default the files that ship with Cairn. */
  grammarFiles?: GrammarFiles;
  /** Milliseconds, for the limit of a parse; by default what this thread has computed. */
  clock?: () => number;
  sizes?: ChunkSizes;
}

/** Cuts files into chunks. One per thread: it holds a parser and the grammars loaded so far (2 to 10 MB each). */
export interface Chunker {
  /**
   * The chunks of one file, in file order; every line that is not blank is in one. Never throws for any text: a file
   * whose parser is missing, fails or takes too long is cut by line patterns or windows and `degraded`.
   * @param path only its name counts
   */
  chunk(path: string, text: string): ChunkedFile;
  /**
   * Resolves at once, unless a parser crashed on the last file: then when a new one runs. Await it between files or
   * batches; without it the files after a crash are degraded.
   */
  ready(): Promise<void>;
  close(): void;
}

/** Starts the parser; grammars are loaded when their first file comes (5 to 100 ms each). */
export async function createChunker(options: ChunkerOptions = {}): Promise<Chunker> {
  const files = options.grammarFiles ?? nodeGrammarFiles();
  const grammars = await createGrammars({ files, clock: options.clock });
  const sizes = options.sizes ?? CHUNK_SIZES;
  const tables = new WeakMap<object, SyntaxTable>();

  /** @param code what is parsed of the text; it is as long, and all its lines are where they are in the text */
  function outlineSyntax(language: Language, lines: SourceLines, code: string): Outline | undefined {
    const syntax = SYNTAXES[language.id];
    const grammar = language.grammar === undefined ? undefined : grammars.load(language.grammar);
    if (!grammar || !syntax) return undefined;
    const table = tables.get(grammar) ?? syntaxTable(grammar, syntax);
    tables.set(grammar, table);
    return grammars.parse(grammar, code, (tree) => outline(tree, table, lines, sizes));
  }

  function chunkCode(language: Language, lines: SourceLines): Cut {
    const scripts = SCRIPTED.has(language.id) ? scriptBlocks(lines.text) : undefined;
    const spoken = scripts ? (languageById(scripts.language) ?? language) : language;
    const needsSyntax = spoken.grammar !== undefined && lines.count > 0;
    const found = needsSyntax ? outlineSyntax(spoken, lines, scripts?.text ?? lines.text) : undefined;
    const outlined = found ?? outlinePatterns(language, lines, sizes);
    return {
      degraded: needsSyntax && !found,
      chunks: outlined ? packChunks(outlined, lines, sizes) : chunkWindows(lines, sizes),
    };
  }

  function chunkCells(lines: SourceLines): Cut {
    const notebook = readNotebook(lines.text);
    if (!notebook) return { degraded: false, chunks: chunkWindows(lines, sizes) };
    const { language } = notebook;
    let degraded = false;
    const outlineCell = (cell: SourceLines, code: string): Outline | undefined => {
      const found = language && outlineSyntax(language, cell, code);
      if (language?.grammar && !found) degraded = true;
      return found ?? (language && outlinePatterns(language, cell, sizes));
    };
    const chunks = chunkNotebook(notebook, outlineCell, sizes);
    return { degraded, chunks };
  }

  return {
    chunk(path, text) {
      const language = fileLanguage(path, text);
      const lines = new SourceLines(text);
      const file = { language: language.id, lines: lines.count };
      const prose = PROSE[language.id];
      if (prose) return { ...file, degraded: false, chunks: chunkProse(lines, prose(lines), sizes) };
      return { ...file, ...(language.id === "notebook" ? chunkCells(lines) : chunkCode(language, lines)) };
    },
    ready: () => grammars.ready(),
    close: () => grammars.close(),
  };
}

type Cut = Pick<ChunkedFile, "chunks" | "degraded">;

function outlinePatterns(language: Language, lines: SourceLines, sizes: ChunkSizes): Outline | undefined {
  const patterns = DECLARATION_PATTERNS[language.id];
  return patterns && outlineByPatterns(lines, patterns, sizes);
}

/** Components whose scripts are in a language of their own. */
const SCRIPTED: ReadonlySet<string> = new Set(["vue", "svelte"]);

const SYNTAXES: Readonly<Record<string, Syntax>> = {
  typescript,
  tsx: typescript,
  javascript,
  python,
  go,
  rust,
  java,
  c,
  cpp,
  csharp,
  ruby,
  php,
  bash,
  powershell,
  kotlin,
  swift,
  scala,
  elixir,
  haskell,
  lua,
  zig,
  dart,
  terraform,
  css,
  solidity,
  r,
};

const PROSE: Readonly<Record<string, (lines: SourceLines) => Prose>> = {
  markdown: markdownProse,
  restructuredtext: restProse,
  asciidoc: asciidocProse,
};

/** The language by name, corrected by content where a name is shared. */
function fileLanguage(path: string, text: string): Language {
  const language = languageOf(path, text.startsWith("#!") ? text.slice(0, 200).split(/[\r\n]/, 1)[0] : "");
  const isCppHeader = language.id === "c" && /\.h$/i.test(path) && CPP_LINE.test(text.slice(0, 50_000));
  return isCppHeader ? (languageById("cpp") ?? language) : language;
}

/** A line that C++ has and C has not. */
const CPP_LINE =
  /^[ \t]*(?:(?:class|namespace) [\w:]+[^;()]*$|namespace \{|template ?<|(?:public|private|protected) ?:|using \w|#include <(?:string|vector|memory|map|utility|functional|iostream|cstd\w+)>)/m;
