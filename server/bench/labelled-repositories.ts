import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LabelledQuery, Target } from "../eval/scores.ts";

export interface LabelledRepository {
  readonly name: string;
  readonly language: string;
  /** The folder to index. */
  readonly folder: string;
  readonly queries: readonly LabelledQuery[];
}

/**
 * Reads a labelled set: `repos.json` (name, language, benchmark_root) and `annotations/NAME.json` (query, category,
 * relevant and secondary targets). Repositories without a folder of their name below `repositories` are left out.
 */
export function readLabels(labels: string, repositories: string): LabelledRepository[] {
  const specs = JSON.parse(readFileSync(join(labels, "repos.json"), "utf8")) as RepositorySpec[];
  const present = new Set(readdirSync(repositories).filter((name) => statSync(join(repositories, name)).isDirectory()));
  return specs
    .filter(({ name }) => present.has(name))
    .map(({ name, language, benchmark_root }) => ({
      name,
      language,
      folder: join(repositories, name, benchmark_root ?? ""),
      queries: (JSON.parse(readFileSync(join(labels, "annotations", `${name}.json`), "utf8")) as Annotation[]).map(
        ({ query, category, relevant, secondary }) => ({
          query,
          category: category ?? "unknown",
          targets: [...relevant, ...(secondary ?? [])].map(targetOf),
        }),
      ),
    }));
}

interface RepositorySpec {
  name: string;
  language: string;
  benchmark_root: string | null;
}

type AnnotatedTarget = string | { path: string; start_line?: number; end_line?: number };

interface Annotation {
  query: string;
  category?: string;
  relevant: AnnotatedTarget[];
  secondary?: AnnotatedTarget[];
}

function targetOf(target: AnnotatedTarget): Target {
  if (typeof target === "string") return { path: target };
  return { path: target.path, startLine: target.start_line, endLine: target.end_line };
}
