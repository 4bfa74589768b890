import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { hubCacheFolder, hubHome } from "./cache-layout.ts";
import { SILENCE_MS } from "./silence.ts";

/** How this machine reaches the Hub, as the Hub's own tools are told: by the same variables, file and folder. */
export interface HubAccess {
  /** Without a slash at the end: the Hub's own address, or that of a mirror (`HF_ENDPOINT`). */
  readonly endpoint: string;
  /** `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in the user's cache folder. */
  readonly cacheFolder: string;
  /** Of `HF_TOKEN`, else of the file that the Hub's login writes. Goes to the endpoint alone. */
  readonly token: string | undefined;
  /** `HF_HUB_OFFLINE`: nothing is asked of anyone. */
  readonly offline: boolean;
  /** Milliseconds without a byte after which a server is given up. */
  readonly silenceMs: number;
}

const HUB = "https://huggingface.co";

/** @throws {CairnError} `input` when a variable holds what cannot be used */
export function hubAccess(env: Readonly<Record<string, string | undefined>>): HubAccess {
  return {
    endpoint: endpointOf(env.HF_ENDPOINT || HUB),
    cacheFolder: hubCacheFolder(env),
    token: tokenOf(env),
    offline: /^(?:1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ""),
    silenceMs: SILENCE_MS,
  };
}

function endpointOf(given: string): string {
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given.replace(/\/+$/, "");
  throw new CairnError(
    "input",
    phrase('HF_ENDPOINT is no address of a web service: "{0}".', given),
    phrase("Write it with https:// in front, or remove the variable."),
  );
}

function tokenOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const token = (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || loginToken(env))?.trim();
  if (!token) return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CairnError(
    "input",
    phrase("The token for the Hub holds characters that cannot be sent."),
    phrase("Correct HF_TOKEN, or log in to the Hub again."),
  );
}

function loginToken(env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return readFileSync(env.HF_TOKEN_PATH || join(hubHome(env), "token"), "utf8");
  } catch {
    // Nobody has logged in on this machine, or not for this user.
    return undefined;
  }
}
