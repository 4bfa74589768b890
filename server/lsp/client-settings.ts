import type { ClientCapabilities, Connection } from "vscode-languageserver/node";
import type { InitializationOptions } from "../../shared/initialization.ts";
import { type ReadSettings, readSettings } from "../../shared/settings.ts";

/** The sections of the client's settings that matter here. */
export const SETTINGS_SECTIONS = ["cairn", "files.exclude", "search.exclude"];

/**
 * Asks the client for its settings; a client that cannot be asked gave them in `initializationOptions` or sends them
 * with `workspace/didChangeConfiguration`.
 *
 * @param pushed The section `cairn` as last sent by a client that cannot be asked.
 */
export async function clientSettings(
  connection: Connection,
  capabilities: ClientCapabilities,
  options: InitializationOptions,
  pushed: unknown,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadSettings> {
  if (!capabilities.workspace?.configuration) {
    return settingsFrom(pushed ?? options.settings, options.excludes ?? [], env);
  }
  const items = SETTINGS_SECTIONS.map((section) => ({ section }));
  // A client that refuses its own ability to answer is treated like one that answers null.
  const asked: unknown[] = await connection.workspace.getConfiguration(items).catch(() => []);
  const [section, ...excludes] = asked;
  // Editors without settings for Cairn answer null; what they gave at the start then still holds.
  return settingsFrom(section ?? options.settings, excludes.some(Boolean) ? excludes : (options.excludes ?? []), env);
}

function settingsFrom(
  section: unknown,
  excludes: readonly unknown[],
  env: Readonly<Record<string, string | undefined>>,
): ReadSettings {
  const excludeGlobs = [...new Set(excludes.flatMap(globsOf))].sort();
  const isObject = typeof section === "object" && section !== null;
  return readSettings(isObject ? { ...section, excludeGlobs } : (section ?? { excludeGlobs }), env);
}

/** VS Code's shape is glob to true, false or a condition on sibling files; a condition does not exclude here. */
function globsOf(excludes: unknown): string[] {
  if (typeof excludes !== "object" || excludes === null) return [];
  return Object.entries(excludes)
    .filter(([, value]) => value === true)
    .map(([glob]) => glob);
}
