import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";

/**
 * Where the process that indexes a root can be reached: a socket in a folder that only this user can enter, or a named
 * pipe on Windows. Short, because a socket's path may have about a hundred bytes.
 */
export function peerAddress(rootDirectory: string, env: Readonly<Record<string, string | undefined>>): string {
  const name = createHash("sha256").update(rootDirectory).digest("hex").slice(0, 24);
  if (process.platform === "win32") return `\\\\.\\pipe\\cairn-${userInfo().username}-${name}`;
  const uid = process.getuid?.() ?? 0;
  const folder = join(env.XDG_RUNTIME_DIR ?? tmpdir(), `cairn-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== uid) {
    throw new CairnError(
      "unavailable",
      phrase("{0} belongs to another user.", folder),
      phrase("Remove it, or set XDG_RUNTIME_DIR to a folder of your own."),
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return join(folder, `${name}.sock`);
}
