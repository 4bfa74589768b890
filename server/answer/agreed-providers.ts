import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Provider } from "./llm.ts";

const FILE = "agreed-providers.json";

type Addressee = Pick<Provider, "name" | "destination">;

/** The providers on other machines that may answer but that the user has not agreed to send anything to. */
export function notAgreed(cacheDirectory: string, providers: readonly Provider[]): Provider[] {
  const agreed = readAgreed(cacheDirectory);
  return providers.filter((provider) => provider.remote && provider.hasKey && !agreed.includes(keyOf(provider)));
}

/** Whether the user has agreed to what is sent to this one. */
export function hasAgreed(cacheDirectory: string, addressee: Addressee): boolean {
  return readAgreed(cacheDirectory).includes(keyOf(addressee));
}

/**
 * Remembers that the user agreed to what is sent to these, for every terminal and editor.
 * @throws CairnError("unavailable") when that cannot be written down
 */
export function agree(cacheDirectory: string, providers: readonly Addressee[]): void {
  const agreed = [...new Set([...readAgreed(cacheDirectory), ...providers.map(keyOf)])];
  try {
    mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(join(cacheDirectory, FILE), `${JSON.stringify(agreed, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CairnError(
      "unavailable",
      phrase("Your agreement could not be written to {0} ({1}).", cacheDirectory, code),
      phrase("Make the cache folder writable, or choose another with CAIRN_CACHE_DIR."),
    );
  }
}

function readAgreed(cacheDirectory: string): string[] {
  try {
    const agreed: unknown = JSON.parse(readFileSync(join(cacheDirectory, FILE), "utf8"));
    return Array.isArray(agreed) ? agreed.map(String) : [];
  } catch {
    // Not there yet, or damaged: then it is asked again.
    return [];
  }
}

function keyOf({ name, destination }: Addressee): string {
  return `${name} ${destination}`;
}
