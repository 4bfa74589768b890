import { type Environment, withEmbeddingDevice, withEmbeddingProvider } from "./embedding-environment.ts";
import { SETTINGS, type Setting, type Settings } from "./settings.ts";

export interface ReadSettings {
  settings: Settings;
  /** One sentence for each value that could not be used; its default holds instead. */
  problems: string[];
}

/**
 * Reads settings from what an editor, a configuration file or nothing at all gives. A setting wins over the
 * environment and the environment over the default; since editors also send defaults, a value equal to the default
 * counts as not set.
 *
 * @param raw Nested (`{ index: { threads: 2 } }`) or dotted (`{ "cairn.index.threads": 2 }`); `excludeGlobs` carries
 * the editor's own excludes.
 * @param env Environment variables, for the settings that name one.
 */
export function readSettings(raw: unknown, env: Environment = {}): ReadSettings {
  const given = isRecord(raw) ? raw : {};
  const problems: string[] = [];
  if (raw !== undefined && raw !== null && !isRecord(raw)) {
    problems.push(`Settings must be an object, not ${describe(raw)}. The defaults are used.`);
  }

  const values: Record<string, unknown> = {};
  const told = withEmbeddingDevice(withEmbeddingProvider(env, problems));
  for (const [key, setting] of Object.entries<Setting>(SETTINGS)) {
    const fromUser = accept(setting, find(given, key), `cairn.${key}`, problems);
    const variable = setting.env ? told[setting.env] : undefined;
    const fromEnvironment =
      fromUser === undefined && setting.env && variable
        ? accept(setting, valueIn(variable, setting), `The environment variable ${setting.env}`, problems)
        : undefined;
    values[key] = fromUser ?? fromEnvironment ?? setting.default;
  }

  const excludeGlobs = Array.isArray(given.excludeGlobs) ? given.excludeGlobs.filter(isString) : [];
  values.excludeGlobs = values["index.useEditorExcludes"] ? excludeGlobs : [];
  return { settings: values as unknown as Settings, problems };
}

/** What the text of an environment variable stands for; the text itself when it is not of the setting's type. */
function valueIn(text: string, setting: Setting): unknown {
  switch (setting.type) {
    case "boolean":
      return /^(?:true|1|yes|on)$/i.test(text) ? true : /^(?:false|0|no|off)$/i.test(text) ? false : text;
    case "number":
      return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
    case "strings":
      return splitOutsideBraces(text);
    default:
      return text;
  }
}

/** Splits at commas, but for those inside the braces of a glob: `*.{pem,key},.env` is two. */
function splitOutsideBraces(text: string): string[] {
  return (text.match(/(?:\{[^{}]*\}|[^,])+/g) ?? []).map((part) => part.trim()).filter((part) => part !== "");
}

/** The value if it is given, differs from the default and is valid; a value that is not valid is a problem. */
function accept(setting: Setting, value: unknown, name: string, problems: string[]): unknown {
  if (value === undefined || value === null || value === setting.default) return undefined;
  const wanted = mismatch(setting, value);
  if (!wanted) return value;
  problems.push(
    `${name} must be ${wanted}, not ${describe(value)}. The default, ${JSON.stringify(setting.default)}, is used.`,
  );
  return undefined;
}

/** What the setting wants, when the value is not that. */
function mismatch(setting: Setting, value: unknown): string | undefined {
  switch (setting.type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "string":
      return isString(value) ? undefined : "a text";
    case "strings":
      return Array.isArray(value) && value.every(isString) ? undefined : "a list of texts";
    case "choice":
      return isString(value) && setting.choices.includes(value) ? undefined : `one of ${setting.choices.join(", ")}`;
    case "number": {
      const isNumber = setting.fractional ? Number.isFinite(value) : Number.isInteger(value);
      const fits = isNumber && (value as number) >= setting.min && (value as number) <= setting.max;
      return fits ? undefined : `a ${setting.fractional ? "" : "whole "}number from ${setting.min} to ${setting.max}`;
    }
  }
}

function find(given: Readonly<Record<string, unknown>>, key: string): unknown {
  const dotted = given[`cairn.${key}`] ?? given[key];
  if (dotted !== undefined) return dotted;
  let value: unknown = given;
  for (const part of key.split(".")) value = isRecord(value) ? value[part] : undefined;
  return value;
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
