import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { Log } from "../host.ts";
import { type FileOccurrences, rankScan, type ScanHit, type ScanTerm, scanTerms } from "./scan-rank.ts";

export interface ScanRequest {
  /** Absolute path of the ripgrep binary. */
  ripgrep: string;
  /** Absolute path of the folder to search. */
  root: string;
  /** What the query asks for, without stop words; at most two dozen are used. */
  terms: readonly string[];
  /** At most so many hits, one a file. */
  limit: number;
  /** The only files to search, relative to the root; all that are not left out unless given. */
  only?: readonly string[];
  /**
   * Patterns in gitignore syntax, relative to the root, whose files and folders are not even opened: version control
   * data, the built-in ignores, the editor's exclude globs. No rule file takes them in again.
   */
  leaveOut: readonly string[];
  /**
   * True for a path (relative to the root, forward slashes) that must not be found, such as a file that is indexed
   * already. Asked of every file with an occurrence, while they stream in: it must be cheap.
   */
  exclude: (path: string) => boolean;
  /**
   * False for a path that is left out by rules that ripgrep does not know, such as a `.cairnignore` in a deeper folder.
   * Asked of the best files only, until there are enough: it may read rule files.
   */
  admit: (path: string) => boolean;
  /** Larger files are not opened, in bytes. */
  maxFileBytes: number;
  log: Log;
  /** What was found by then is the answer, in milliseconds; default 800. */
  budgetMs?: number;
  /** Aborting stops the child and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Enough to rank by: a query of common words would otherwise stream the whole workspace. */
const ENOUGH_OCCURRENCES = 30_000;
const OCCURRENCES_PER_FILE = 100;

/**
 * Searches the text of files that are not in the index, straight from the disk. Best first; empty when nothing
 * matches, and also when ripgrep is missing or fails, which only the log is told: the index answers without it.
 */
export async function scanFiles(request: ScanRequest): Promise<ScanHit[]> {
  request.signal?.throwIfAborted();
  const terms = scanTerms(request.terms);
  if (terms.length === 0 || request.limit <= 0 || request.only?.length === 0) return [];
  const hits: ScanHit[] = [];
  for (const hit of rankScan(await collect(request, terms), terms)) {
    if (request.admit(hit.path)) hits.push(hit);
    if (hits.length === request.limit) break;
  }
  return hits;
}

function collect(request: ScanRequest, terms: readonly ScanTerm[]): Promise<FileOccurrences[]> {
  return new Promise((resolve, reject) => {
    const { log, signal } = request;
    const occurrences = new Occurrences(request.exclude);
    const child = spawn(request.ripgrep, scanArguments(request, terms), {
      cwd: request.root,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    let complaint = "";
    let stopped = false;

    const stop = () => {
      stopped = true;
      clearTimeout(budget);
      signal?.removeEventListener("abort", abort);
      child.stdout.destroy();
      child.kill();
    };
    const finish = () => {
      if (stopped) return;
      stop();
      resolve(occurrences.files());
    };
    const abort = () => {
      stop();
      reject(signal?.reason);
    };
    const budget = setTimeout(finish, request.budgetMs ?? 800);
    signal?.addEventListener("abort", abort, { once: true });

    const decoder = new StringDecoder("utf8");
    child.stdout.on("data", (bytes: Buffer) => {
      occurrences.read(decoder.write(bytes));
      if (occurrences.count >= ENOUGH_OCCURRENCES) finish();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      if (complaint.length < 300) complaint += bytes.toString();
    });
    child.on("error", (error) => {
      if (!stopped) log.warn(`Searching files that are not indexed yet failed: ${error.message}`);
      finish();
    });
    child.on("close", (code, killedBy) => {
      // 1 means no match; 2 also that one of many files could not be read, about which it was told to be silent.
      const failed = killedBy !== null || (code !== 0 && complaint !== "");
      const detail = complaint.trim().split("\n", 1)[0] || `ripgrep ended with ${killedBy ?? code}`;
      if (failed && !stopped) log.warn(`Searching files that are not indexed yet failed: ${detail}`);
      finish();
    });
  });
}

/**
 * Matches alone rather than JSON: a tenth of the output, and a minified line of a megabyte costs nothing. Fields end in
 * a zero byte, because a file's name may hold anything else.
 */
function scanArguments(request: ScanRequest, terms: readonly ScanTerm[]): string[] {
  return [
    ...["--no-config", "--no-messages", "--color=never", "--no-heading", "--with-filename", "--line-number", "--null"],
    ...["--only-matching", "--fixed-strings", "--ignore-case", "--path-separator=/"],
    // The same files as the walk takes: hidden ones too, .gitignore outside a repository too; rules from above the
    // root come in through `admit`, which knows when they do not hold.
    ...["--hidden", "--no-require-git", "--no-ignore-parent", "--ignore-file=.cairnignore"],
    ...["--threads=2", `--max-filesize=${request.maxFileBytes}`, `--max-count=${OCCURRENCES_PER_FILE}`],
    ...request.leaveOut.map((pattern) => `--glob=!${pattern}`),
    // The first of the patterns that match at a place is reported, so the longest must come first.
    ...terms
      .map(({ stem }) => stem)
      .sort((a, b) => b.length - a.length)
      .map((stem) => `--regexp=${stem}`),
    ...(request.only?.map((path) => `./${path}`) ?? ["./"]),
  ];
}

/** Takes ripgrep's output apart as it streams in: `path NUL line:match LF`. */
class Occurrences {
  readonly #exclude: (path: string) => boolean;
  /** Undefined for a file that must not be found. */
  readonly #byPath = new Map<string, FileOccurrences | undefined>();
  #rest = "";
  #perFile = 0;
  count = 0;

  constructor(exclude: (path: string) => boolean) {
    this.#exclude = exclude;
  }

  read(text: string): void {
    const all = this.#rest + text;
    let start = 0;
    for (;;) {
      const zero = all.indexOf("\0", start);
      const end = zero === -1 ? -1 : all.indexOf("\n", zero);
      if (end === -1) break;
      this.#add(all.slice(start, zero), all.slice(zero + 1, end));
      start = end + 1;
    }
    this.#rest = all.slice(start);
  }

  /** What was found, once all output has been read. */
  files(): FileOccurrences[] {
    this.#pathOf(this.#rest);
    return [...this.#byPath.values()].filter((file) => file !== undefined);
  }

  #add(field: string, found: string): void {
    const path = this.#pathOf(field).replace(/^\.\//, "");
    let file = this.#byPath.get(path);
    if (!file) {
      if (this.#byPath.has(path)) return;
      // A name that is not valid Unicode cannot be opened by anyone who is told of it.
      const isFound = !path.includes("\uFFFD") && !this.#exclude(path);
      file = isFound ? { path, lines: [], matches: [] } : undefined;
      this.#byPath.set(path, file);
      this.#perFile = 0;
      if (!file) return;
    }
    // ripgrep limits the lines of a file; one line may hold any number of matches.
    if (this.#perFile++ > OCCURRENCES_PER_FILE) return;
    const colon = found.indexOf(":");
    file.lines.push(Number(found.slice(0, colon)));
    file.matches.push(found.slice(colon + 1).toLowerCase());
    this.count++;
  }

  /** A file that turns out to be binary leaves a line without a zero byte behind its matches; it is not text. */
  #pathOf(field: string): string {
    const warning =
      /^([\s\S]*?): (?:WARNING: stopped searching )?binary file (?:matches|after match) \(found [^\n]*\)\n/;
    let path = field;
    for (;;) {
      const match = warning.exec(path);
      if (!match) return path;
      this.#byPath.set(match[1].replace(/^\.\//, ""), undefined);
      path = path.slice(match[0].length);
    }
  }
}
