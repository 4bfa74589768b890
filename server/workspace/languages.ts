/** A language Cairn tells apart. */
export interface Language {
  /** Stable id, as in filters and in the index: `typescript`, `cpp`. */
  readonly id: string;
  /** For people: "TypeScript", "C++". */
  readonly name: string;
  /** The grammar's file, when there is one; without it a file is cut by headings or windows. */
  readonly grammar?: string;
  /** Without the dot, lower case; compound ones (`blade.php`) win over their last part. */
  readonly extensions: readonly string[];
  /** Whole file names, lower case. */
  readonly files?: readonly string[];
  /** Interpreters of a `#!` line, without version. */
  readonly interpreters?: readonly string[];
}

/** What a file is when nothing says otherwise. */
const PLAIN_TEXT: Language = { id: "text", name: "Plain text", extensions: ["txt", "text", "log"] };

const WITH_GRAMMAR: readonly Language[] = [
  {
    id: "typescript",
    name: "TypeScript",
    grammar: "tree-sitter-typescript.wasm",
    extensions: ["ts", "mts", "cts"],
    interpreters: ["deno", "ts-node", "tsx"],
  },
  { id: "tsx", name: "TypeScript JSX", grammar: "tree-sitter-tsx.wasm", extensions: ["tsx"] },
  {
    id: "javascript",
    name: "JavaScript",
    grammar: "tree-sitter-javascript.wasm",
    extensions: ["js", "mjs", "cjs", "jsx", "es6"],
    files: ["jakefile"],
    interpreters: ["node", "nodejs", "bun"],
  },
  {
    id: "python",
    name: "Python",
    grammar: "tree-sitter-python.wasm",
    extensions: ["py", "pyi", "pyw", "bzl", "star"],
    files: ["sconstruct", "sconscript", "wscript", "build.bazel", "workspace.bazel"],
    interpreters: ["python", "pypy"],
  },
  { id: "go", name: "Go", grammar: "tree-sitter-go.wasm", extensions: ["go"] },
  { id: "rust", name: "Rust", grammar: "tree-sitter-rust.wasm", extensions: ["rs"], interpreters: ["rust-script"] },
  { id: "java", name: "Java", grammar: "tree-sitter-java.wasm", extensions: ["java"] },
  { id: "c", name: "C", grammar: "tree-sitter-c.wasm", extensions: ["c", "h"] },
  {
    id: "cpp",
    name: "C++",
    grammar: "tree-sitter-cpp.wasm",
    extensions: ["cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "tpp", "cu", "cuh", "ino"],
  },
  { id: "csharp", name: "C#", grammar: "tree-sitter-c-sharp.wasm", extensions: ["cs", "csx"] },
  {
    id: "ruby",
    name: "Ruby",
    grammar: "tree-sitter-ruby.wasm",
    extensions: ["rb", "rake", "gemspec", "ru", "podspec", "thor"],
    files: ["rakefile", "gemfile", "guardfile", "capfile", "vagrantfile", "podfile", "fastfile", "brewfile"],
    interpreters: ["ruby", "jruby"],
  },
  {
    id: "php",
    name: "PHP",
    grammar: "tree-sitter-php.wasm",
    extensions: ["php", "phtml", "php3", "php4", "php5", "inc"],
    interpreters: ["php"],
  },
  {
    id: "bash",
    name: "Shell",
    grammar: "tree-sitter-bash.wasm",
    extensions: ["sh", "bash", "zsh", "ksh", "bats", "ebuild"],
    files: [".bashrc", ".bash_profile", ".bash_aliases", ".profile", ".zshrc", ".zshenv", "pkgbuild"],
    interpreters: ["sh", "bash", "zsh", "ksh", "dash", "ash", "bats"],
  },
  {
    id: "powershell",
    name: "PowerShell",
    grammar: "tree-sitter-powershell.wasm",
    extensions: ["ps1", "psm1", "psd1"],
    interpreters: ["pwsh", "powershell"],
  },
  {
    id: "kotlin",
    name: "Kotlin",
    grammar: "tree-sitter-kotlin.wasm",
    extensions: ["kt", "kts"],
    interpreters: ["kotlin"],
  },
  { id: "swift", name: "Swift", grammar: "tree-sitter-swift.wasm", extensions: ["swift"], interpreters: ["swift"] },
  {
    id: "scala",
    name: "Scala",
    grammar: "tree-sitter-scala.wasm",
    extensions: ["scala", "sc", "sbt"],
    interpreters: ["scala"],
  },
  {
    id: "elixir",
    name: "Elixir",
    grammar: "tree-sitter-elixir.wasm",
    extensions: ["ex", "exs", "heex"],
    interpreters: ["elixir"],
  },
  {
    id: "haskell",
    name: "Haskell",
    grammar: "tree-sitter-haskell.wasm",
    extensions: ["hs", "lhs", "hsc"],
    interpreters: ["runhaskell", "stack"],
  },
  {
    id: "lua",
    name: "Lua",
    grammar: "tree-sitter-lua.wasm",
    extensions: ["lua", "rockspec"],
    interpreters: ["lua", "luajit"],
  },
  { id: "zig", name: "Zig", grammar: "tree-sitter-zig.wasm", extensions: ["zig", "zon"] },
  { id: "dart", name: "Dart", grammar: "tree-sitter-dart.wasm", extensions: ["dart"], interpreters: ["dart"] },
  { id: "terraform", name: "Terraform", grammar: "tree-sitter-terraform.wasm", extensions: ["tf", "tfvars", "hcl"] },
  { id: "css", name: "CSS", grammar: "tree-sitter-css.wasm", extensions: ["css"] },
  { id: "solidity", name: "Solidity", grammar: "tree-sitter-solidity.wasm", extensions: ["sol"] },
  {
    id: "r",
    name: "R",
    grammar: "tree-sitter-r.wasm",
    extensions: ["r"],
    files: [".rprofile"],
    interpreters: ["rscript"],
  },
];

const WITHOUT_GRAMMAR: readonly Language[] = [
  { id: "markdown", name: "Markdown", extensions: ["md", "markdown", "mdx", "mkd", "mdown", "qmd", "rmd"] },
  { id: "restructuredtext", name: "reStructuredText", extensions: ["rst", "rest"] },
  { id: "asciidoc", name: "AsciiDoc", extensions: ["adoc", "asciidoc"] },
  { id: "latex", name: "LaTeX", extensions: ["tex", "sty", "cls"] },
  { id: "ada", name: "Ada", extensions: ["adb", "ads"] },
  { id: "apex", name: "Apex", extensions: ["apex", "trigger"] },
  { id: "assembly", name: "Assembly", extensions: ["s", "asm", "nasm"] },
  { id: "awk", name: "AWK", extensions: ["awk"], interpreters: ["awk", "gawk", "mawk"] },
  { id: "batch", name: "Batch", extensions: ["bat", "cmd"] },
  { id: "bicep", name: "Bicep", extensions: ["bicep"] },
  { id: "clojure", name: "Clojure", extensions: ["clj", "cljs", "cljc", "edn"], interpreters: ["bb"] },
  { id: "cmake", name: "CMake", extensions: ["cmake"], files: ["cmakelists.txt"] },
  { id: "cobol", name: "COBOL", extensions: ["cob", "cbl", "cpy"] },
  { id: "coffeescript", name: "CoffeeScript", extensions: ["coffee"], files: ["cakefile"], interpreters: ["coffee"] },
  { id: "commonlisp", name: "Common Lisp", extensions: ["lisp", "lsp", "cl", "asd"], interpreters: ["sbcl"] },
  { id: "crystal", name: "Crystal", extensions: ["cr"], interpreters: ["crystal"] },
  { id: "csv", name: "CSV", extensions: ["csv", "tsv"] },
  { id: "cue", name: "CUE", extensions: ["cue"] },
  { id: "d", name: "D", extensions: ["d", "di"], interpreters: ["rdmd"] },
  { id: "diff", name: "Diff", extensions: ["diff", "patch"] },
  { id: "dockerfile", name: "Dockerfile", extensions: ["dockerfile"], files: ["dockerfile", "containerfile"] },
  { id: "elm", name: "Elm", extensions: ["elm"] },
  { id: "emacslisp", name: "Emacs Lisp", extensions: ["el"], files: [".emacs"] },
  {
    id: "erlang",
    name: "Erlang",
    extensions: ["erl", "hrl", "escript"],
    files: ["rebar.config"],
    interpreters: ["escript"],
  },
  { id: "fish", name: "fish", extensions: ["fish"], interpreters: ["fish"] },
  { id: "fortran", name: "Fortran", extensions: ["f", "for", "f77", "f90", "f95", "f03", "f08"] },
  { id: "fsharp", name: "F#", extensions: ["fs", "fsi", "fsx"] },
  { id: "gdscript", name: "GDScript", extensions: ["gd"] },
  { id: "gherkin", name: "Gherkin", extensions: ["feature"] },
  { id: "glsl", name: "GLSL", extensions: ["glsl", "vert", "frag", "geom", "comp", "vsh", "fsh"] },
  { id: "graphql", name: "GraphQL", extensions: ["graphql", "gql", "graphqls"] },
  {
    id: "groovy",
    name: "Groovy",
    extensions: ["groovy", "gradle", "gvy"],
    files: ["jenkinsfile"],
    interpreters: ["groovy"],
  },
  { id: "handlebars", name: "Handlebars", extensions: ["hbs", "handlebars", "mustache"] },
  { id: "haxe", name: "Haxe", extensions: ["hx"] },
  { id: "hlsl", name: "HLSL", extensions: ["hlsl", "fx"] },
  {
    id: "html",
    name: "HTML",
    extensions: ["html", "htm", "xhtml", "ejs", "erb", "njk", "jinja", "jinja2", "j2", "twig", "liquid"],
  },
  { id: "blade", name: "Blade", extensions: ["blade.php"] },
  { id: "idl", name: "IDL", extensions: ["idl", "webidl"] },
  {
    id: "ini",
    name: "INI",
    extensions: ["ini", "cfg", "conf", "properties", "editorconfig", "env"],
    files: [".editorconfig", ".gitconfig", ".npmrc", ".env"],
  },
  {
    id: "json",
    name: "JSON",
    extensions: ["json", "jsonc", "json5", "jsonl", "ndjson", "webmanifest", "geojson"],
    files: [".babelrc", ".eslintrc", ".prettierrc"],
  },
  { id: "julia", name: "Julia", extensions: ["jl"], interpreters: ["julia"] },
  { id: "notebook", name: "Jupyter notebook", extensions: ["ipynb"] },
  { id: "just", name: "Just", extensions: ["just"], files: ["justfile"], interpreters: ["just"] },
  { id: "less", name: "Less", extensions: ["less"] },
  {
    id: "makefile",
    name: "Makefile",
    extensions: ["mk", "mak", "make"],
    files: ["makefile", "gnumakefile", "makefile.am", "makefile.in"],
    interpreters: ["make"],
  },
  { id: "matlab", name: "MATLAB", extensions: ["mlx", "matlab"] },
  { id: "meson", name: "Meson", extensions: ["meson"], files: ["meson.build", "meson_options.txt"] },
  { id: "nim", name: "Nim", extensions: ["nim", "nims", "nimble"] },
  { id: "nix", name: "Nix", extensions: ["nix"] },
  { id: "objectivec", name: "Objective-C", extensions: ["m", "mm"] },
  { id: "ocaml", name: "OCaml", extensions: ["ml", "mli"], files: ["dune", "dune-project"], interpreters: ["ocaml"] },
  { id: "org", name: "Org", extensions: ["org"] },
  { id: "pascal", name: "Pascal", extensions: ["pas", "pp", "dpr", "lpr"] },
  { id: "perl", name: "Perl", extensions: ["pl", "pm", "t", "pod"], interpreters: ["perl"] },
  { id: "prisma", name: "Prisma", extensions: ["prisma"] },
  { id: "prolog", name: "Prolog", extensions: ["pro", "plt"], interpreters: ["swipl"] },
  { id: "proto", name: "Protocol Buffers", extensions: ["proto"] },
  { id: "pug", name: "Pug", extensions: ["pug", "jade"] },
  { id: "puppet", name: "Puppet", extensions: ["puppet"] },
  { id: "purescript", name: "PureScript", extensions: ["purs"] },
  { id: "racket", name: "Racket", extensions: ["rkt"], interpreters: ["racket"] },
  { id: "razor", name: "Razor", extensions: ["cshtml", "razor"] },
  { id: "reason", name: "ReasonML", extensions: ["re", "rei", "res", "resi"] },
  { id: "rego", name: "Rego", extensions: ["rego"] },
  { id: "sass", name: "Sass", extensions: ["scss", "sass"] },
  { id: "scheme", name: "Scheme", extensions: ["scm", "ss", "sld"], interpreters: ["guile"] },
  { id: "sql", name: "SQL", extensions: ["sql", "ddl", "pgsql", "plsql", "psql", "tsql"] },
  { id: "starlark", name: "Starlark", extensions: ["sky"], files: ["tiltfile"] },
  { id: "svelte", name: "Svelte", extensions: ["svelte"] },
  { id: "svg", name: "SVG", extensions: ["svg"] },
  { id: "systemverilog", name: "SystemVerilog", extensions: ["sv", "svh"] },
  { id: "tcl", name: "Tcl", extensions: ["tcl"], interpreters: ["tclsh", "wish"] },
  { id: "thrift", name: "Thrift", extensions: ["thrift"] },
  { id: "toml", name: "TOML", extensions: ["toml"], files: ["pipfile"] },
  { id: "verilog", name: "Verilog", extensions: ["v", "vh"] },
  { id: "vhdl", name: "VHDL", extensions: ["vhd", "vhdl"] },
  { id: "vim", name: "Vim script", extensions: ["vim"], files: [".vimrc"] },
  { id: "visualbasic", name: "Visual Basic", extensions: ["vb", "vbs", "bas"] },
  { id: "vue", name: "Vue", extensions: ["vue"] },
  { id: "wgsl", name: "WGSL", extensions: ["wgsl"] },
  {
    id: "xml",
    name: "XML",
    extensions: [
      "xml",
      "xsd",
      "xsl",
      "xslt",
      "plist",
      "csproj",
      "fsproj",
      "vbproj",
      "props",
      "targets",
      "resx",
      "xaml",
    ],
  },
  { id: "yaml", name: "YAML", extensions: ["yaml", "yml"], files: [".clang-format", ".clang-tidy", ".clangd"] },
];

/** Every language Cairn knows by name, plain text last. */
export const LANGUAGES: readonly Language[] = [...WITH_GRAMMAR, ...WITHOUT_GRAMMAR, PLAIN_TEXT];

const byId = new Map(LANGUAGES.map((language) => [language.id, language]));
const byFile = new Map(LANGUAGES.flatMap((language) => (language.files ?? []).map((file) => [file, language])));
const byExtension = new Map(LANGUAGES.flatMap((language) => language.extensions.map((ext) => [ext, language])));
const byInterpreter = new Map(LANGUAGES.flatMap((language) => (language.interpreters ?? []).map((i) => [i, language])));

/**
 * The language of a file, by its whole name, then its extensions from the longest, then its `#!` line, otherwise
 * {@link PLAIN_TEXT}.
 * @param path relative or absolute, with either slash
 * @param firstLine the file's first line, only looked at when the name says nothing
 */
export function languageOf(path: string, firstLine = ""): Language {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1).toLowerCase();
  return languageOfName(name) ?? byInterpreter.get(interpreter(firstLine)) ?? PLAIN_TEXT;
}

/** A language by its id, or undefined. */
export function languageById(id: string): Language | undefined {
  return byId.get(id);
}

function languageOfName(name: string): Language | undefined {
  const whole = byFile.get(name);
  if (whole) return whole;
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
    const language = byExtension.get(name.slice(dot + 1));
    if (language) return language;
  }
  // `Dockerfile.production`, `Makefile.linux`: the stem is the kind of file, the rest a variant.
  const dot = name.indexOf(".", 1);
  return dot === -1 ? undefined : byFile.get(name.slice(0, dot));
}

/** `#!/usr/bin/env -S python3.12 -u` gives `python`. */
function interpreter(firstLine: string): string {
  if (!firstLine.startsWith("#!")) return "";
  const words = firstLine.slice(2).trim().split(/\s+/);
  const program = words.find(
    (word, i) => !(i === 0 && word.endsWith("/env")) && !word.startsWith("-") && !word.includes("="),
  );
  const name = (program ?? "").slice((program ?? "").lastIndexOf("/") + 1).toLowerCase();
  return name.replace(/[\d.]+$/, "");
}
