import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/**
 * Whether what is sent to an address leaves this machine.
 * @param setting the setting that the address can be given in, with its environment variable
 * @throws CairnError("input") for what is no address of a web service
 */
export function isRemote(baseUrl: string, setting: string): boolean {
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol)) {
    throw new CairnError(
      "input",
      baseUrl ? phrase('"{0}" is no address of a provider.', baseUrl) : phrase("The provider has no address yet."),
      phrase("Set {0}, with https:// in front.", setting),
    );
  }
  const { hostname } = new URL(baseUrl);
  return !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
