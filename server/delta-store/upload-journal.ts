import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** What has to be the same for an upload to be continued. */
export interface UploadIdentity {
  place: string;
  key: string;
  partBytes: number;
}

/** Keep the journal for the next run, or not. */
type Ending = "done" | "later";

/**
 * A file beside what is uploaded that says which parts a store has, so that a run after a kill goes on. Not every store
 * can be asked for that, and not everyone is permitted to. Where it cannot be written, an upload just begins anew.
 */
export class UploadJournal {
  readonly uploadId: string;
  /** Whether an earlier run began it. */
  readonly isResumed: boolean;
  readonly #path: string;
  readonly #parts: Map<number, { md5: string; etag: string }>;

  private constructor(path: string, uploadId: string, left?: Map<number, { md5: string; etag: string }>) {
    this.#path = path;
    this.uploadId = uploadId;
    this.isResumed = left !== undefined;
    this.#parts = left ?? new Map();
  }

  /** Takes up the upload that an earlier run left, or begins one. */
  static async open(file: string, identity: UploadIdentity, begin: () => Promise<string>): Promise<UploadJournal> {
    const path = `${file}.upload`;
    const first = JSON.stringify(identity);
    const [known, id, ...lines] = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
    if (known === first && id) return new UploadJournal(path, id, partsIn(lines));
    const uploadId = await begin();
    quietly(() => writeFileSync(path, `${first}\n${uploadId}\n`));
    return new UploadJournal(path, uploadId);
  }

  /** What the store called a part that it has and that had these bytes. */
  etagOf(number: number, md5: string): string | undefined {
    const part = this.#parts.get(number);
    return part?.md5 === md5 ? part.etag : undefined;
  }

  sent(number: number, md5: string, etag: string): string {
    quietly(() => appendFileSync(this.#path, `${JSON.stringify([number, md5, etag])}\n`));
    return etag;
  }

  close(ending: Ending): void {
    if (ending === "done") quietly(() => rmSync(this.#path, { force: true }));
  }
}

function partsIn(lines: readonly string[]): Map<number, { md5: string; etag: string }> {
  const parts = new Map<number, { md5: string; etag: string }>();
  for (const line of lines) {
    try {
      const [number, md5, etag] = JSON.parse(line);
      parts.set(number, { md5, etag });
    } catch {
      // The last line of a run that was killed while it wrote it.
    }
  }
  return parts;
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Without a journal everything works, but for going on after a kill.
  }
}
