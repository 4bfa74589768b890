import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { promisify } from "node:util";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import type { Settings } from "../../shared/settings.ts";
import type { Host } from "../host.ts";

/** npm reads files and nothing else for this. */
const LONGEST_ANSWER_MS = 20_000;

/**
 * The address that packages are downloaded from, without a slash at the end: what the settings or npm's own variable say,
 * else what npm itself uses on this machine, with the mirror of a company if one is set there.
 *
 * @throws {CairnError} `input` for what is no address, and where nobody says one
 */
export async function packageRegistry(
  settings: Pick<Settings, "gpuLibraries.registry">,
  env: Host["env"],
  signal?: AbortSignal,
): Promise<string> {
  const given = settings["gpuLibraries.registry"] || env.npm_config_registry || env.NPM_CONFIG_REGISTRY;
  const address = given || (await registryOfNpm(env, signal));
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address.replace(/\/+$/, "");
  const advice = phrase(
    "Set cairn.gpuLibraries.registry or the environment variable npm_config_registry to the address of the package registry that npm uses.",
  );
  if (address === "") {
    const said = phrase("Nobody says where packages are downloaded from: npm is not installed here.");
    throw new CairnError("input", said, advice);
  }
  throw new CairnError("input", phrase('"{0}" is no address of a package registry.', address), advice);
}

/** Empty where there is no npm. */
async function registryOfNpm(env: Host["env"], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("npm", ["config", "get", "registry"], {
      // A folder that was cloned may name a registry of its own: it is not asked.
      cwd: homedir(),
      env: env as NodeJS.ProcessEnv,
      signal,
      timeout: LONGEST_ANSWER_MS,
      // There npm is a script of the shell's.
      shell: process.platform === "win32",
      windowsHide: true,
    });
    return stdout.trim();
  } catch {
    signal?.throwIfAborted();
    return "";
  }
}
