import { type Phrase, phrase } from "../../shared/phrase.ts";
import type { SkippedFile } from "../../shared/search-types.ts";
import { generatedReason } from "./generated.ts";

/**
 * Why a file is left out, as far as its name tells; undefined when it may be read. When in doubt a file stays in: a
 * stray data file costs little, a source file that cannot be found costs trust.
 */
export function classifyName(path: string): SkippedFile<Phrase> | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  if (LOCK_FILES.has(name)) return { path, code: "lock", reason: phrase("a lock file, written by a package manager") };
  if (SECRETS.test(name) && !/\.(?:example|sample|template|dist|defaults?)$/.test(name)) {
    return { path, code: "secret", reason: phrase("it usually holds keys or passwords") };
  }
  if (name.endsWith(".map") && /\.(?:[cm]?[jt]s|css|wasm|min)\.map$/.test(name)) {
    return { path, code: "minified", reason: phrase("a source map") };
  }
  if (name.includes("min.") && /[.-]min\.(?:[cm]?js|css)$/.test(name)) {
    return { path, code: "minified", reason: phrase("minified, as its name says") };
  }
  const extension = extensionOf(name);
  const kind = BINARY_EXTENSIONS.get(extension);
  return kind ? { path, code: "binary", reason: phrase("{0} (.{1})", kind, extension) } : undefined;
}

/** Why a file is left out, as far as its size in bytes tells; undefined when it should be read. */
export function classifySize(path: string, size: number, maxFileBytes: number): SkippedFile<Phrase> | undefined {
  if (size > maxFileBytes) {
    const reason = phrase("{0}, larger than the limit of {1}", inKilobytes(size), inKilobytes(maxFileBytes));
    return { path, code: "large", reason };
  }
  if (size < SMALLEST_DATA_LIMIT) return undefined;
  const extension = extensionOf(path.toLowerCase());
  const limit = DATA_LIMITS.get(extension);
  if (limit === undefined || size <= limit) return undefined;
  const format = extension.toUpperCase();
  return {
    path,
    code: "large",
    reason: phrase("data rather than code: {0} of {1} (limit {2})", inKilobytes(size), format, inKilobytes(limit)),
  };
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "" : name.slice(dot + 1);
}

/** Why a file that was read is left out. `text` is what `decode` made of its bytes: undefined when they are not text. */
export function classifyContent(path: string, text: string | undefined): SkippedFile<Phrase> | undefined {
  if (text === undefined) return { path, code: "binary", reason: phrase("its content is not text") };
  const minified = minifiedReason(path, text);
  if (minified) return { path, code: "minified", reason: minified };
  const generated = generatedReason(path, text);
  return generated === undefined ? undefined : { path, code: "generated", reason: generated };
}

/** A line of code that a person reads is shorter than this, in UTF-16 units. */
const LONG_LINE = 1000;

/** Text of which most stands in lines that no one reads: bundles, minified scripts, embedded data. */
function minifiedReason(path: string, text: string): Phrase | undefined {
  if (text.length < 4 * LONG_LINE || PROSE.test(path)) return undefined;
  let inLongLines = 0;
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf("\n", start);
    if (end === -1) end = text.length;
    if (end - start > LONG_LINE) inLongLines += end - start;
    start = end + 1;
  }
  if (inLongLines < text.length * 0.8) return undefined;
  const percent = Math.round((100 * inLongLines) / text.length);
  return phrase(
    "{0} % of it stands in lines of more than {1} characters, as minified code and data do",
    percent,
    LONG_LINE,
  );
}

/** Here one line is one paragraph, or one table, or the source of a notebook's cell. */
const PROSE = /\.(?:md|mdx|markdown|txt|rst|adoc|asciidoc|org|tex|typ|html?|ipynb|po|pot|xml|xlf)$|(?:^|\/)[^./]+$/i;

function inKilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} kB`;
}

const LOCK_FILES: ReadonlySet<string> = new Set([
  ".package-lock.json",
  ".terraform.lock.hcl",
  "berksfile.lock",
  "brewfile.lock.json",
  "buildscript-gradle.lockfile",
  "bun.lock",
  "bun.lockb",
  "cabal.project.freeze",
  "cargo.lock",
  "cartfile.resolved",
  "chart.lock",
  "composer.lock",
  "conan.lock",
  "conda-lock.yml",
  "cpanfile.snapshot",
  "deno.lock",
  "dub.selections.json",
  "esy.lock",
  "flake.lock",
  "gemfile.lock",
  "go.sum",
  "go.work.sum",
  "gradle.lockfile",
  "mix.lock",
  "module.bazel.lock",
  "npm-shrinkwrap.json",
  "package-lock.json",
  "package.resolved",
  "packages.lock.json",
  "paket.lock",
  "pdm.lock",
  "pipfile.lock",
  "pixi.lock",
  "pnpm-lock.yaml",
  "podfile.lock",
  "poetry.lock",
  "project.assets.json",
  "pubspec.lock",
  "puppetfile.lock",
  "pylock.toml",
  "rebar.lock",
  "renv.lock",
  "shard.lock",
  "spago.lock",
  "stack.yaml.lock",
  "uv.lock",
  "vcpkg-lock.json",
  "yarn.lock",
]);

/** Files that hold secrets by convention: what is found is shown, and other programs may ask. */
const SECRETS =
  /^(?:\.env(?:\..+)?|\.netrc|_netrc|\.npmrc|\.pypirc|\.pgpass|\.htpasswd|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519))$|\.(?:pem|p12|pfx|jks|keystore|ppk|kdbx)$/;

/** Only endings that mean one thing: `.bin`, `.dat` or `.obj` are decided by content. */
const BINARY_KINDS: readonly (readonly [kind: Phrase, extensions: string])[] = [
  [
    phrase("an image"),
    "png jpg jpeg jfif gif bmp ico icns cur webp avif heic heif tif tiff psd psb xcf kra jxl jp2 exr hdr dds ktx ktx2",
  ],
  [phrase("a font"), "ttf otf ttc woff woff2 eot pfb"],
  [
    phrase("an archive"),
    "zip gz tgz bz2 tbz2 xz txz zst lz4 7z rar tar jar war ear aar apk aab ipa whl egg gem nupkg vsix crx xpi deb rpm dmg iso cab msi",
  ],
  [
    phrase("audio or video"),
    "mp3 mp4 m4a m4v ogg oga ogv opus flac wav aac aiff mid wma mov avi mkv webm wmv flv mpg mpeg 3gp swf",
  ],
  [
    phrase("an office document"),
    "pdf doc docx xls xlsx ppt pptx odt ods odp epub mobi pages numbers xlsb docm xlsm sketch",
  ],
  [
    phrase("compiled code"),
    "exe dll so dylib pyc pyo pyd class wasm node lib ilk pdb elc beam hi rlib rmeta gch pch ko dex nib",
  ],
  [
    phrase("a model"),
    "safetensors gguf ggml onnx tflite pt pth ckpt h5 hdf5 keras caffemodel mlmodel npy npz pkl pickle joblib",
  ],
  [phrase("a 3D model"), "glb fbx blend 3ds max stl uasset umap"],
  [
    phrase("a database"),
    "sqlite sqlite3 sqlite-wal sqlite-shm mdb accdb frm ibd rdb lmdb realm parquet arrow feather orc avro",
  ],
];
const BINARY_EXTENSIONS: ReadonlyMap<string, Phrase> = new Map(
  BINARY_KINDS.flatMap(([kind, extensions]) => extensions.split(" ").map((extension) => [extension, kind] as const)),
);

/** Text that holds data once it is this large, in bytes. */
const DATA_LIMITS: ReadonlyMap<string, number> = new Map([
  ["csv", 64 << 10],
  ["tsv", 64 << 10],
  ["psv", 64 << 10],
  ["svg", 32 << 10],
  ["json", 256 << 10],
  ["geojson", 64 << 10],
  ["topojson", 64 << 10],
  ["jsonl", 64 << 10],
  ["ndjson", 64 << 10],
  ["log", 64 << 10],
  ["ps", 64 << 10],
  ["eps", 32 << 10],
]);
const SMALLEST_DATA_LIMIT = Math.min(...DATA_LIMITS.values());
