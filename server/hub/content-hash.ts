import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** The hashes by which a file is known, as its bytes come in. */
export class ContentHash {
  readonly #sha256 = createHash("sha256");
  readonly #gitSha1;

  /** @param bytes size of the whole file, which Git's hash begins with */
  constructor(bytes: number) {
    this.#gitSha1 = createHash("sha1").update(`blob ${bytes}\0`);
  }

  update(chunk: Uint8Array): void {
    this.#sha256.update(chunk);
    this.#gitSha1.update(chunk);
  }

  /** Both in hexadecimal; ends it. */
  digest(): ContentHashes {
    return { sha256: this.#sha256.digest("hex"), gitSha1: this.#gitSha1.digest("hex") };
  }
}

export interface ContentHashes {
  readonly sha256: string;
  readonly gitSha1: string;
}

/** True when content with these hashes is what the Hub calls `hash`: a SHA-256, or for small files Git's hash. */
export function isCalled(hash: string, { sha256, gitSha1 }: ContentHashes): boolean {
  return hash === (hash.length === sha256.length ? sha256 : gitSha1);
}

/** Reads a file of that size into the hash. Returns how many bytes it has. */
export async function hashFile(path: string, hash: ContentHash, signal?: AbortSignal): Promise<number> {
  let length = 0;
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    length += chunk.length;
  }
  return length;
}
