/**
 * The code of a request that had no answer, or of a connection that broke: the first one along the causes, for `fetch
 * failed` itself says nothing. Empty when there is none.
 */
export function networkCode(error: unknown): string {
  for (let at = error, depth = 0; isRecord(at) && depth < 6; at = at.cause, depth++) {
    if (typeof at.code === "string") return at.code;
    // Both families of an address may have failed.
    if (Array.isArray(at.errors) && isRecord(at.errors[0])) return String(at.errors[0].code ?? "");
  }
  return "";
}

/** True where a request was answered with another address, which was not to be followed. */
export function isRedirect(error: unknown): boolean {
  for (let at = error, depth = 0; isRecord(at) && depth < 6; at = at.cause, depth++) {
    // Undici has no code for it.
    if (at.message === "unexpected redirect") return true;
  }
  return false;
}

/** True for the code of a certificate that is not trusted, or is another's. */
export function isCertificateCode(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|ALTNAME/.test(code);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
