/** An npm package that ships grammars, and the terms under which their authors publish them. */
export interface GrammarPackage {
  readonly name: string;
  /** SPDX expression. */
  readonly licence: string;
  /** Folder of the grammars within the package, with a slash at its end. */
  readonly folder: string;
  /** Names of the grammars, as in `tree-sitter-NAME.wasm`. */
  readonly grammars: readonly string[];
  /**
   * Packages of prebuilt grammars carry their own licence only: whose works these are, by grammar. The terms are the
   * MIT licence for all.
   */
  readonly authors?: Readonly<Record<string, string>>;
}

/** Where every grammar comes from. */
export const GRAMMAR_PACKAGES: readonly GrammarPackage[] = [
  {
    name: "@vscode/tree-sitter-wasm",
    licence: "MIT",
    folder: "wasm/",
    grammars: [
      ...["bash", "c-sharp", "cpp", "css", "go", "java", "javascript", "php", "powershell"],
      ...["python", "ruby", "rust", "tsx", "typescript"],
    ],
  },
  { name: "tree-sitter-c", licence: "MIT", folder: "", grammars: ["c"] },
  { name: "@tree-sitter-grammars/tree-sitter-kotlin", licence: "MIT", folder: "", grammars: ["kotlin"] },
  { name: "tree-sitter-scala", licence: "MIT", folder: "", grammars: ["scala"] },
  { name: "tree-sitter-elixir", licence: "Apache-2.0", folder: "", grammars: ["elixir"] },
  { name: "tree-sitter-haskell", licence: "MIT", folder: "", grammars: ["haskell"] },
  { name: "@tree-sitter-grammars/tree-sitter-lua", licence: "MIT", folder: "", grammars: ["lua"] },
  { name: "@tree-sitter-grammars/tree-sitter-zig", licence: "MIT", folder: "", grammars: ["zig"] },
  { name: "@tree-sitter-grammars/tree-sitter-hcl", licence: "Apache-2.0", folder: "", grammars: ["terraform"] },
  { name: "@davisvaughan/tree-sitter-r", licence: "MIT", folder: "", grammars: ["r"] },
  {
    name: "@repomix/tree-sitter-wasms",
    licence: "Unlicense",
    folder: "out/",
    grammars: ["dart", "solidity", "swift"],
    authors: {
      dart: "Copyright (c) 2020-2022 UserNobody14 and others",
      solidity: "Copyright (c) 2020 Joran Honig",
      swift: "Copyright (c) 2021 alex-pinkus",
    },
  },
];

/**
 * The path of a grammar's file below `node_modules`.
 * @throws when no package holds it
 */
export function grammarFile(name: string): string {
  const grammar = /^tree-sitter-(.+)\.wasm$/.exec(name)?.[1] ?? name;
  const found = GRAMMAR_PACKAGES.find(({ grammars }) => grammars.includes(grammar));
  if (!found) throw new Error(`No package holds the grammar ${name}.`);
  return `${found.name}/${found.folder}${name}`;
}
