import { renameSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { incompleteOf } from "./cache-layout.ts";
import { ContentHash, hashFile, isCalled } from "./content-hash.ts";
import { type Reception, resumedDownload } from "./resumed-download.ts";

export interface FileToDownload {
  /** Its name in the repository, for messages. */
  readonly path: string;
  readonly url: string;
  readonly bytes: number;
  /** What the Hub calls its content: a SHA-256, or for small files Git's hash. */
  readonly hash: string;
  /** What its SHA-256 must be besides. */
  readonly sha256: string | undefined;
  /** Absolute path that it gets when it is whole and checked. */
  readonly blob: string;
}

export interface DownloadedFile {
  readonly sha256: string;
  /** Bytes that were there from an earlier run. */
  readonly resumedBytes: number;
}

/**
 * Downloads one file. The Hub's own client cannot: it begins anew when it is cut off, looks at no hash, and what it
 * leaves behind cannot be told from a whole file. Here bytes go to an `.incomplete` file, and the file gets its name only
 * when its content has the hash.
 *
 * @param fetch one of `hubFetch`
 * @param onBytes told how many bytes of the file are there; fewer than before when it has to begin anew
 * @throws {CairnError} `output` for content that is not what the Hub or the catalogue says, and what `fetch` throws
 */
export async function downloadFile(
  fetch: typeof globalThis.fetch,
  target: FileToDownload,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<DownloadedFile> {
  const incomplete = incompleteOf(target.blob);
  const { digest: sha256, resumedBytes } = await resumedDownload(
    fetch,
    receptionOf(target, incomplete),
    onBytes,
    signal,
  );
  renameSync(incomplete, target.blob);
  return { sha256, resumedBytes };
}

function receptionOf(target: FileToDownload, incomplete: string): Reception {
  const { url, bytes } = target;
  return {
    url,
    bytes,
    incomplete,
    newHash() {
      const hash = new ContentHash(bytes);
      return {
        update: (chunk) => hash.update(chunk),
        readFile: (path, signal) => hashFile(path, hash, signal),
        digest() {
          const digests = hash.digest();
          const right = isCalled(target.hash, digests) && (target.sha256 ?? digests.sha256) === digests.sha256;
          return right ? digests.sha256 : undefined;
        },
      };
    },
    notAsPromised: () => notAsPromised(target),
    cannotWrite: (error) =>
      new CairnError(
        "unavailable",
        phrase("{0} cannot be written ({1}).", incomplete, String((error as NodeJS.ErrnoException).code ?? error)),
        phrase("Make room there, or choose another folder with HF_HUB_CACHE; the download goes on where it stopped."),
        { cause: error },
      ),
  };
}

function notAsPromised({ path, url }: FileToDownload): CairnError {
  return new CairnError(
    "output",
    phrase("What {0} sends as {1} is not what the Hub says it is: it was thrown away.", new URL(url).host, path),
    phrase("Try again. If it stays so, a proxy or a mirror (HF_ENDPOINT) changes files, or somebody does."),
  );
}
