import type { ClientCapabilities, Connection } from "vscode-languageserver/node";
import type { InitializationOptions } from "../../shared/initialization.ts";
import { type ReadSettings, readSettings } from "../../shared/read-settings.ts";
import type { Settings } from "../../shared/settings.ts";

/** The sections of the client's settings that matter here. */
export const SETTINGS_SECTIONS = ["cairn", "files.exclude", "search.exclude"];

/** What holds for the window, and for each of its folders. */
export interface ClientSettings {
  window: Settings;
  /** By the folder's URI. */
  folders: ReadonlyMap<string, Settings>;
  /** One sentence for each value that was not usable. */
  problems: readonly string[];
}

/**
 * Asks the client for its settings, those of the window and those of each folder; a client that cannot be asked gave
 * them in `initializationOptions` or sends them with `workspace/didChangeConfiguration`, for all folders alike.
 *
 * @param pushed The section `cairn` as last sent by a client that cannot be asked.
 * @param folders URIs.
 */
export async function clientSettings(
  connection: Connection,
  capabilities: ClientCapabilities,
  options: InitializationOptions,
  pushed: unknown,
  folders: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ClientSettings> {
  if (!capabilities.workspace?.configuration) {
    const { settings, problems } = settingsFrom(pushed ?? options.settings, options.excludes ?? [], env);
    return { window: settings, folders: new Map(folders.map((uri) => [uri, settings])), problems };
  }
  const items = [undefined, ...folders].flatMap((scopeUri) =>
    SETTINGS_SECTIONS.map((section) => (scopeUri === undefined ? { section } : { scopeUri, section })),
  );
  // A client that refuses its own ability to answer is treated like one that answers null.
  const asked: unknown[] = await connection.workspace.getConfiguration(items).catch(() => []);
  const read = [undefined, ...folders].map((_, i) => {
    const [section, ...excludes] = asked.slice(i * SETTINGS_SECTIONS.length, (i + 1) * SETTINGS_SECTIONS.length);
    // Editors without settings for Cairn answer null; what they gave at the start then still holds.
    return settingsFrom(section ?? options.settings, excludes.some(Boolean) ? excludes : (options.excludes ?? []), env);
  });
  return {
    window: read[0].settings,
    folders: new Map(folders.map((uri, i) => [uri, read[i + 1].settings])),
    problems: [...new Set(read.flatMap(({ problems }) => problems))],
  };
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
