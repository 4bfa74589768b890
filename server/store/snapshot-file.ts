import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { createSharedMemory } from "../vectors/shared-memory.ts";
import type { SharedMemory } from "../vectors/web-assembly.ts";
import { openSegment, type Segment, type SegmentBytes } from "./segment.ts";
import type { Allocate } from "./segment-writer.ts";

/** First bytes of the file: a name, then the layout's number, the length and the CRC-32 of what follows. */
const MAGIC = "cairn snapshot\n";
const LAYOUT = 1;
const HEADER = 32;
/** Bytes read or written at once: a few milliseconds of work. */
const PIECE = 8 * 2 ** 20;

/** A base segment in a memory of its own, in which the vector kernel scans it in place. */
export interface Base {
  memory: SharedMemory;
  segment: Segment;
}

/** Where the snapshot of a root lies in the root's folder of the cache. */
export function snapshotPathOf(rootDirectory: string): string {
  return join(rootDirectory, "snapshot.bin");
}

/** An allocator that lays a segment out in a fresh shared memory, and that memory once it is made. */
export function allocateBase(): { allocate: Allocate; memory(): SharedMemory } {
  let memory: SharedMemory | undefined;
  return {
    allocate(bytes) {
      memory = createSharedMemory(bytes);
      return { buffer: memory.buffer, offset: 0 };
    },
    memory() {
      if (!memory) throw new Error("no segment was laid out");
      return memory;
    },
  };
}

/** Writes a base segment so that the next start need not build it: whole or not at all. Throws what the file system throws. */
export function writeSnapshot(path: string, { buffer, offset, length }: SegmentBytes): void {
  const bytes = new Uint8Array(buffer, offset, length);
  const header = Buffer.alloc(HEADER);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(LAYOUT, 16);
  header.writeUInt32LE(length, 20);
  header.writeUInt32LE(crc32(bytes), 24);
  const incomplete = `${path}.incomplete`;
  try {
    const file = openSync(incomplete, "w", 0o600);
    try {
      writeAll(file, header);
      writeAll(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(incomplete, path);
  } catch (error) {
    rmSync(incomplete, { force: true });
    throw error;
  }
}

/**
 * Reads a snapshot into a memory of its own, in pieces, so that the thread stays free for queries.
 * @returns undefined when there is none.
 * @throws CairnError("corrupt") when it is not what was written; it is built again from the store.
 */
export async function readSnapshot(path: string): Promise<Base | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch {
    return undefined;
  }
  try {
    const header = Buffer.alloc(HEADER);
    await file.read(header, 0, HEADER, 0);
    const length = header.readUInt32LE(20);
    const sound = header.toString("latin1", 0, MAGIC.length) === MAGIC && header.readUInt32LE(16) === LAYOUT;
    if (!sound || (await file.stat()).size !== HEADER + length) throw damaged(path);
    const memory = createSharedMemory(length);
    const buffer = memory.buffer;
    let sum = 0;
    for (let at = 0; at < length; ) {
      const piece = new Uint8Array(buffer, at, Math.min(PIECE, length - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, HEADER + at);
      if (bytesRead === 0) throw damaged(path);
      sum = crc32(piece.subarray(0, bytesRead), sum);
      at += bytesRead;
    }
    if (sum !== header.readUInt32LE(24)) throw damaged(path);
    return { memory, segment: openSegment({ buffer, offset: 0, length }) };
  } catch (error) {
    // A file that cannot be read (a bad sector, a folder of that name) is worth as much as a damaged one.
    throw (error as NodeJS.ErrnoException).syscall ? damaged(path) : error;
  } finally {
    await file.close();
  }
}

/** In pieces: one call takes less than two gigabytes. */
function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(PIECE, bytes.length - at));
}

function damaged(path: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("The snapshot {0} is damaged.", path),
    phrase("It is built again from the index."),
  );
}
