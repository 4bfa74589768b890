import { ASSISTANT_TOOLS, type AssistantProperty, type AssistantToolName } from "../../shared/assistant-tools.ts";
import { CairnError } from "../../shared/errors.ts";

/** What a tool was given, checked. */
export type ToolInput = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * Checks what an assistant gives a tool against the tool's schema.
 * @throws CairnError("input") that names the argument and what it must be
 */
export function toolInput(tool: AssistantToolName, given: unknown): ToolInput {
  const { properties, required = [] } = ASSISTANT_TOOLS[tool].inputSchema as {
    properties: Readonly<Record<string, AssistantProperty>>;
    required?: readonly string[];
  };
  const values = given ?? {};
  if (typeof values !== "object" || Array.isArray(values)) throw wrong(tool, "The arguments must be an object.");
  for (const [name, value] of Object.entries(values)) {
    if (!Object.hasOwn(properties, name)) throw wrong(tool, `There is no argument "${name}".`);
    const wanted = value === undefined || value === null ? undefined : mismatch(properties[name], value);
    if (wanted) throw wrong(tool, `The argument ${name} must be ${wanted}.`);
  }
  const input = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as ToolInput;
  for (const name of required) {
    if (input[name] === undefined || input[name] === "") throw wrong(tool, `The argument ${name} is missing.`);
  }
  return input;
}

function wrong(tool: AssistantToolName, what: string): CairnError {
  const names = Object.keys(ASSISTANT_TOOLS[tool].inputSchema.properties);
  return new CairnError("input", what, `${tool} takes: ${names.join(", ")}.`);
}

/** What the property wants, when the value is not that. */
function mismatch(property: AssistantProperty, value: unknown): string | undefined {
  switch (property.type) {
    case "string":
      return typeof value === "string" ? undefined : "a text";
    case "integer": {
      const { minimum, maximum } = property;
      const fits = Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
      return fits ? undefined : `a whole number from ${minimum} to ${maximum}`;
    }
    case "array": {
      const allowed = property.items.enum;
      const fits = Array.isArray(value) && value.every((item) => typeof item === "string");
      if (!fits) return "a list of texts";
      return !allowed || value.every((item) => allowed.includes(item)) ? undefined : `of these: ${allowed.join(", ")}`;
    }
  }
}
