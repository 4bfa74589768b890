import { createReadStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar";
import { asCairnError, CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/** What lies in a package of npm: files in folders, below one folder that is taken off. */
const KINDS = new Set(["File", "OldFile", "ContiguousFile", "Directory"]);

/**
 * Unpacks a package that npm has packed into a folder, which gets its name when all of it is there.
 *
 * @param archive whose content was checked
 * @param folder must not be there yet
 * @throws {CairnError} `output` for an archive that would write elsewhere, or is none; `unavailable` without room
 */
export async function unpack(archive: string, folder: string, signal?: AbortSignal): Promise<void> {
  const unpacking = `${folder}.unpacking`;
  rmSync(unpacking, { recursive: true, force: true });
  mkdirSync(unpacking, { recursive: true });
  let hostile: string | undefined;
  try {
    const files = extract({
      cwd: unpacking,
      strip: 1,
      strict: true,
      filter(path, entry) {
        const kind = "type" in entry ? entry.type : "";
        if (staysInside(path) && KINDS.has(kind)) return true;
        hostile ??= path;
        return false;
      },
    });
    await pipeline(createReadStream(archive, { highWaterMark: 1 << 18 }), createGunzip(), files, { signal });
    if (hostile !== undefined) throw refused(hostile);
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(unpacking, folder);
  } catch (error) {
    signal?.throwIfAborted();
    throw hostile === undefined ? explained(error, folder) : refused(hostile);
  } finally {
    rmSync(unpacking, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** True for a path that leads to no place but the folder it is unpacked into, on any system. */
function staysInside(path: string): boolean {
  const parts = path.split(/[\\/]/).filter((part) => part !== "");
  return !/^[\\/]|^[a-z]:/i.test(path) && !path.includes("\0") && !parts.includes("..");
}

function refused(path: string): CairnError {
  return new CairnError(
    "output",
    phrase("The package holds what must not be unpacked: {0}", path.slice(0, 200)),
    phrase("Nothing of it was kept. Tell the authors of Cairn."),
  );
}

function explained(error: unknown, folder: string): CairnError {
  if (error instanceof CairnError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && /^E[A-Z]+$/.test(code)) {
    return new CairnError(
      "unavailable",
      phrase("{0} cannot be written ({1}).", folder, code),
      phrase("Make room there, or choose another cache folder with cairn.cacheDirectory (CAIRN_CACHE_DIR)."),
      { cause: error },
    );
  }
  const { message } = asCairnError(error);
  return new CairnError("output", phrase("The package cannot be unpacked: {0}", message), phrase("Try again."), {
    cause: error,
  });
}
