import assert from "node:assert/strict";
import { FolderIndexer } from "../server/eval/folder-indexer.ts";
import { filterOf } from "../server/search/filter.ts";
import { type SearchOptions, searchSnapshot } from "../server/search/search.ts";
import type { Snapshot } from "../server/store/segment.ts";
import { LANGUAGES } from "../server/workspace/languages.ts";
import { inWords } from "../shared/phrase.ts";
import type { SearchRequest } from "../shared/search-types.ts";
import { memoryHost } from "./memory-host.ts";

const indexer = await FolderIndexer.create();
const languages = LANGUAGES.map(({ id }) => id);

/** A hit as fixtures write it. */
export interface Found {
  path: string;
  name: string;
  startLine: number;
  reason: string;
}

/** Indexes files (by path relative to the root), in memory, with the bundled model. */
export function indexed(files: Record<string, string>): Promise<Snapshot> {
  const entries = Object.entries(files).map(([path, text]) => [`/folder/${path}`, text]);
  return indexer.snapshotOf(memoryHost(Object.fromEntries(entries)), "/folder");
}

export function found(snapshot: Snapshot, request: SearchRequest, options: SearchOptions = {}): Found[] {
  const vector = indexer.vectorOf(request.query);
  return searchSnapshot(snapshot, request, vector, { languages, ...options }).map(({ view, chunk, file, reason }) => {
    const { segment } = snapshot.views[view];
    return {
      path: segment.path(file),
      name: segment.name(chunk),
      startLine: segment.startLine[chunk],
      reason: inWords(reason),
    };
  });
}

/**
 * Searches as a fixture says. `--- path` begins a file; `=== query` asks, with filters behind a bar
 * (`=== query | paths: src/** | languages: ts | kinds: function`); the lines below are the first hits in order, as
 * `path`, `path name`, or either followed by ` ← part of the reason`. `nothing` means there are no hits, and a last
 * line of `...` that more may follow; otherwise the list is whole.
 */
export async function check(fixture: string): Promise<void> {
  const { files, questions } = parse(fixture);
  const snapshot = await indexed(files);
  for (const { request, expected } of questions) {
    const hits = found(snapshot, request);
    const wanted = expected.filter((line) => line !== "..." && line !== "nothing");
    const shown = expected.at(-1) === "..." ? hits.slice(0, wanted.length) : hits;
    const lines = shown.map((hit, i) => asWritten(hit, wanted[i]));
    assert.deepEqual(lines, wanted, `${request.query}\n${hits.map((hit) => asWritten(hit, " x ←")).join("\n")}`);
  }
}

interface Question {
  request: SearchRequest;
  expected: string[];
}

function parse(fixture: string): { files: Record<string, string>; questions: Question[] } {
  const files: Record<string, string> = {};
  const questions: Question[] = [];
  let add: (line: string) => void = () => {};
  for (const line of fixture.replace(/^\n/, "").split("\n")) {
    if (line.startsWith("--- ")) {
      const path = line.slice(4);
      files[path] = "";
      add = (more) => {
        files[path] += `${more}\n`;
      };
    } else if (line.startsWith("=== ")) {
      const question: Question = { request: requestOf(line.slice(4)), expected: [] };
      questions.push(question);
      add = (more) => {
        if (more.trim() !== "") question.expected.push(more.trim());
      };
    } else add(line);
  }
  return { files, questions };
}

function requestOf(line: string): SearchRequest {
  const [query, ...filters] = line.split(" | ");
  const lists = filters.map((filter) => {
    const [name, values] = filter.split(": ");
    return [name, values.split(",").map((value) => value.trim())];
  });
  const request = { query, ...Object.fromEntries(lists) } as SearchRequest;
  filterOf(request, languages);
  return request;
}

/** Says as much of a hit as the expectation does. */
function asWritten({ path, name, reason }: Found, like = ""): string {
  const [place, part] = like.split(" ← ");
  const shown = place.trim().includes(" ") || like.startsWith(" x") ? `${path} ${name}`.trim() : path;
  if (like.endsWith("←")) return `${shown} ← ${reason}`;
  return part === undefined ? shown : `${shown} ← ${reason.includes(part) ? part : reason}`;
}
