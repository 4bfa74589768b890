import { SETTINGS, type Setting } from "./settings.ts";

/** The value of `contributes.configuration` in package.json, generated from the table of settings. */
export function configurationSection(): object {
  const properties: Record<string, object> = {};
  for (const [key, setting] of Object.entries<Setting>(SETTINGS)) {
    properties[`cairn.${key}`] = {
      ...schema(setting),
      default: setting.default,
      scope: setting.scope,
      markdownDescription: setting.doc,
    };
  }
  return { title: "Cairn", properties };
}

/** The settings that a folder may bring along: they hold only once its workspace is trusted. */
export function restrictedSettings(): string[] {
  return Object.entries<Setting>(SETTINGS)
    .filter(([, { scope }]) => scope === "resource")
    .map(([key]) => `cairn.${key}`);
}

/** The text of SETTINGS.md, generated from the table of settings. */
export function settingsPage(): string {
  const entries = Object.entries<Setting>(SETTINGS).map(([key, setting]) => {
    const facts = [allowed(setting), `default \`${JSON.stringify(setting.default)}\``];
    if (setting.env) facts.push(`environment \`${setting.env}\``);
    if (setting.scope === "machine") facts.push("user settings only");
    return `## \`cairn.${key}\`\n\n${setting.doc}\n\n${capitalise(facts.join("; "))}.\n`;
  });
  return `${INTRODUCTION}\n${entries.join("\n")}`;
}

const INTRODUCTION = `# Settings

In the editor these are on the settings page under "Cairn". Other clients of the language server send them as the
section \`cairn\`. The terminal reads the environment variables. A setting wins over the environment, and the
environment over the default. A value of the wrong type is reported in the log, and the default holds.
`;

function schema(setting: Setting): object {
  switch (setting.type) {
    case "strings":
      return { type: "array", items: { type: "string" } };
    case "number":
      return { type: setting.fractional ? "number" : "integer", minimum: setting.min, maximum: setting.max };
    case "choice":
      return { type: "string", enum: setting.choices };
    default:
      return { type: setting.type };
  }
}

function allowed(setting: Setting): string {
  switch (setting.type) {
    case "boolean":
      return "`true` or `false`";
    case "string":
      return "text";
    case "strings":
      return "list of texts";
    case "choice":
      return setting.choices.map((choice) => `\`${choice}\``).join(", ");
    case "number":
      return `${setting.fractional ? "" : "whole "}number from ${setting.min} to ${setting.max}`;
  }
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
