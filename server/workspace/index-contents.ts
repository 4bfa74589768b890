import type { FileShape, FileStatus, IndexedFolder } from "../../shared/index-contents.ts";
import type { Phrase } from "../../shared/phrase.ts";
import type { LiveIndex } from "../store/live-index.ts";
import type { Segment } from "../store/segment.ts";
import type { Indexer } from "./indexer.ts";
import { languageById } from "./languages.ts";

/** What is known of one file. @param path relative to the root, forward slashes. */
export function fileStatus(live: LiveIndex, indexer: Indexer, path: string): FileStatus<Phrase> {
  const place = live.locate(path);
  if (place) return { state: "indexed", ...facts(place.segment, place.file), outdated: indexer.isQueued(path) };
  const leftOut = indexer.skips.reasonFor(path);
  return leftOut ? { state: "left-out", ...leftOut } : { state: "waiting" };
}

/** What lies in one folder and can be found. @param folder relative to the root, forward slashes; "" is the root. */
export function indexedIn(live: LiveIndex, folder: string): IndexedFolder {
  const prefix = folder === "" ? "" : `${folder}/`;
  const folders = new Map<string, number>();
  const files: string[] = [];
  for (const path of live.paths()) {
    if (!path.startsWith(prefix)) continue;
    const end = path.indexOf("/", prefix.length);
    if (end === -1) files.push(path.slice(prefix.length));
    else {
      const name = path.slice(prefix.length, end);
      folders.set(name, (folders.get(name) ?? 0) + 1);
    }
  }
  return {
    folders: [...folders].map(([name, count]) => ({ name, files: count })).sort(byName),
    files: files
      .flatMap((name) => {
        const place = live.locate(prefix + name);
        return place ? [{ name, ...facts(place.segment, place.file) }] : [];
      })
      .sort(byName),
  };
}

function facts(segment: Segment, file: number): { language: string; shape: FileShape; chunks: number } {
  const id = segment.language(file);
  const language = languageById(id);
  return {
    language: language?.name ?? id,
    shape: shapeOf(segment, file, language?.grammar !== undefined),
    chunks: segment.firstChunk[file + 1] - segment.firstChunk[file],
  };
}

/** Windows overlap, and what was cut along the syntax does not. */
function shapeOf(segment: Segment, file: number, hasGrammar: boolean): FileShape {
  let named = false;
  for (let chunk = segment.firstChunk[file]; chunk < segment.firstChunk[file + 1]; chunk++) {
    const kind = segment.kind(chunk);
    if (kind === "section") return "headings";
    if (kind !== "text") named = true;
    const follows = chunk > segment.firstChunk[file];
    if (follows && kind === "text" && segment.startLine[chunk] <= segment.endLine[chunk - 1] && !named)
      return "windows";
  }
  return named || hasGrammar ? "syntax" : "windows";
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
