import type { ProviderKey } from "../../shared/answer-types.ts";

/** The environment variables whose place the keys take. */
const KEY_NAMES: Readonly<Record<string, string>> = {
  cerebras: "CEREBRAS_API_KEY",
  openai: "OPENAI_API_KEY",
  azure: "AZURE_OPENAI_API_KEY",
};

/** The environment with the keys that an editor keeps for its user, which win over what is in it. */
export function withKeys(
  env: Readonly<Record<string, string | undefined>>,
  keys: readonly ProviderKey[],
): Record<string, string | undefined> {
  const given = keys.flatMap(({ provider, apiKey }) =>
    Object.hasOwn(KEY_NAMES, provider) && apiKey ? [[KEY_NAMES[provider], apiKey]] : [],
  );
  return { ...env, ...Object.fromEntries(given) };
}
