import picomatch from "picomatch";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { CHUNK_KINDS, type ChunkKind, type SearchRequest } from "../../shared/search-types.ts";
import type { SegmentView } from "../store/segment.ts";

/** What of a snapshot a search may return. */
export interface Filter {
  /** The same for filters that let the same pass. */
  readonly key: string;
  file(path: string, language: string): boolean;
  kind(kind: ChunkKind): boolean;
}

/**
 * Reads the filters of a request.
 * @param languages every language id that may be asked for; without it any is accepted
 * @returns undefined when everything may be returned
 * @throws CairnError("input") for a language or kind that is not known
 */
export function filterOf(
  request: Pick<SearchRequest, "paths" | "languages" | "kinds">,
  languages?: readonly string[],
): Filter | undefined {
  const paths = (request.paths ?? []).map((path) => path.trim()).filter((path) => path !== "");
  const wanted = new Set((request.languages ?? []).flatMap((language) => idsOf(language, languages)));
  const kinds = new Set((request.kinds ?? []).map(kindOf));
  if (paths.length === 0 && wanted.size === 0 && kinds.size === 0) return undefined;
  const wantedPath = pathFilter(paths);
  return {
    key: JSON.stringify([paths, [...wanted], [...kinds]]),
    file: (path, language) => (wanted.size === 0 || wanted.has(language)) && wantedPath(path),
    kind: (kind) => kinds.size === 0 || kinds.has(kind),
  };
}

/**
 * One byte a chunk of the view: 1 when the filter lets it pass and its file is alive. Undefined when all may pass.
 * Kept until the view is asked for another filter: a query that is being typed keeps its filter.
 */
export function allowedChunks(view: SegmentView, filter: Filter | undefined): Uint8Array | undefined {
  const key = filter?.key ?? "";
  const kept = lastMasks.get(view);
  if (kept?.key === key) return kept.mask;
  const mask = filter || view.dead.includes(1) ? maskOf(view, filter) : undefined;
  lastMasks.set(view, { key, mask });
  return mask;
}

const lastMasks = new WeakMap<SegmentView, { key: string; mask: Uint8Array | undefined }>();

function maskOf({ segment, dead }: SegmentView, filter: Filter | undefined): Uint8Array {
  const mask = new Uint8Array(segment.chunkCount);
  const { kind } = segment.columns;
  const kinds = Uint8Array.from(CHUNK_KINDS, (one) => (!filter || filter.kind(one) ? 1 : 0));
  for (let file = 0; file < segment.fileCount; file++) {
    if (dead[file] === 1 || (filter && !filter.file(segment.path(file), segment.language(file)))) continue;
    const end = segment.firstChunk[file + 1];
    for (let chunk = segment.firstChunk[file]; chunk < end; chunk++) mask[chunk] = kinds[kind[chunk]];
  }
  return mask;
}

/** Short forms and other names people use for a language. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  ts: ["typescript", "tsx"],
  typescript: ["typescript", "tsx"],
  js: ["javascript"],
  jsx: ["javascript"],
  mjs: ["javascript"],
  cjs: ["javascript"],
  node: ["javascript"],
  py: ["python"],
  python3: ["python"],
  rs: ["rust"],
  golang: ["go"],
  rb: ["ruby"],
  "c++": ["cpp"],
  cc: ["cpp"],
  cxx: ["cpp"],
  hpp: ["cpp"],
  h: ["c", "cpp"],
  cs: ["csharp"],
  "c#": ["csharp"],
  "f#": ["fsharp"],
  fs: ["fsharp"],
  sh: ["bash"],
  shell: ["bash"],
  shellscript: ["bash"],
  zsh: ["bash"],
  ps1: ["powershell"],
  pwsh: ["powershell"],
  kt: ["kotlin"],
  hs: ["haskell"],
  ex: ["elixir"],
  exs: ["elixir"],
  erl: ["erlang"],
  md: ["markdown"],
  rst: ["restructuredtext"],
  adoc: ["asciidoc"],
  yml: ["yaml"],
  tf: ["terraform"],
  docker: ["dockerfile"],
  make: ["makefile"],
  objc: ["objectivec"],
  "objective-c": ["objectivec"],
  pl: ["perl"],
  ml: ["ocaml"],
  vb: ["visualbasic"],
  viml: ["vim"],
  protobuf: ["proto"],
  plaintext: ["text"],
  txt: ["text"],
  typescriptreact: ["tsx"],
  javascriptreact: ["javascript"],
};

function idsOf(language: string, known: readonly string[] | undefined): readonly string[] {
  const name = language.trim().toLowerCase();
  const ids = ALIASES[name] ?? [name];
  if (!known || ids.some((id) => known.includes(id))) return ids;
  throw new CairnError(
    "input",
    phrase('There is no language "{0}" to filter by.', language),
    phrase("Known languages: {0}.", [...known].sort().join(", ")),
  );
}

function kindOf(kind: string): ChunkKind {
  const name = kind.trim().toLowerCase();
  const known = CHUNK_KINDS.find((one) => one === name);
  if (known) return known;
  throw new CairnError(
    "input",
    phrase('There is no kind "{0}" to filter by.', kind),
    phrase("Known kinds: {0}.", CHUNK_KINDS.join(", ")),
  );
}

/** Any of the patterns must match, and none of those that begin with `!`. */
function pathFilter(patterns: readonly string[]): (path: string) => boolean {
  const wanted = patterns.filter((pattern) => !pattern.startsWith("!")).map(pathMatcher);
  const unwanted = patterns
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => pathMatcher(pattern.slice(1)));
  return (path) =>
    (wanted.length === 0 || wanted.some((match) => match(path))) && !unwanted.some((match) => match(path));
}

/** A glob (`src/**`, `*.ts` at any depth), or a plain path that means the file or everything below the folder. */
function pathMatcher(pattern: string): (path: string) => boolean {
  const clean = pattern.replaceAll("\\", "/").replace(/^\.?\/+/, "");
  const plain = clean.replace(/\/+$/, "");
  if (plain === "" || plain === ".") return () => true;
  const isThere = (path: string) => path === plain || path.startsWith(`${plain}/`);
  if (!/[*?[{(]/.test(clean)) return isThere;
  const matches = picomatch(clean.includes("/") ? clean : `**/${clean}`, { dot: true });
  // `pages/[id].tsx` may be a glob, and is a file of many web sites.
  return (path) => matches(path) || isThere(path);
}
