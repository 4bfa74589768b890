import { createHash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { FileReader } from "./read-file.ts";

/** A delta begins with these bytes; the last is the version of the container. */
export const MAGIC = Uint8Array.from([0x43, 0x41, 0x49, 0x52, 0x4e, 0x44, 0x4c, 1]);
/** ... and ends with: where the manifest is (u64), its length (u64), its length unpacked (u64), SHA-256 of its packed bytes, the magic again. */
const FOOTER = 8 + 8 + 8 + 32 + 8;
/** A manifest of 100,000 tensors takes 20 MB. */
const MOST_MANIFEST_BYTES = 512 << 20;

/** A delta that has been opened and whose manifest has been checked. */
export interface Delta {
  path: string;
  bytes: number;
  manifest: Manifest;
}

/** What comes after the blocks: the manifest and the footer. */
export function ending(manifest: Manifest, at: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(manifest));
  const packed = zstdCompressSync(text);
  const whole = new Uint8Array(packed.length + FOOTER);
  whole.set(packed);
  const footer = new DataView(whole.buffer, packed.length);
  footer.setBigUint64(0, BigInt(at), true);
  footer.setBigUint64(8, BigInt(packed.length), true);
  footer.setBigUint64(16, BigInt(text.length), true);
  whole.set(createHash("sha256").update(packed).digest(), packed.length + 24);
  whole.set(MAGIC, packed.length + 56);
  return whole;
}

/**
 * Opens a delta and reads its manifest.
 *
 * @throws {CairnError} `input` when it is not a delta, `corrupt` when it is cut off or altered
 */
export function openDelta(path: string): Delta {
  const reader = new FileReader();
  try {
    const bytes = reader.size(path);
    const first = new Uint8Array(MAGIC.length);
    if (bytes >= first.length) reader.read(path, 0, first);
    if (!startsWith(first, MAGIC.subarray(0, 7))) {
      throw new CairnError("input", phrase("{0} is not a delta.", path), phrase("`cairn delta compress` makes one."));
    }
    if (first[7] !== MAGIC[7]) {
      throw new CairnError(
        "input",
        phrase("{0} is a delta of container version {1}, which this Cairn does not know.", path, first[7]),
        phrase("Update Cairn."),
      );
    }
    if (bytes < MAGIC.length + FOOTER) throw cutOff(path);
    const footer = new Uint8Array(FOOTER);
    reader.read(path, bytes - FOOTER, footer);
    if (!startsWith(footer.subarray(56), MAGIC)) throw cutOff(path);
    const view = new DataView(footer.buffer);
    const [at, packedBytes, textBytes] = [0, 8, 16].map((offset) => Number(view.getBigUint64(offset, true)));
    if (at < MAGIC.length || at + packedBytes !== bytes - FOOTER || textBytes > MOST_MANIFEST_BYTES)
      throw altered(path);
    const packed = new Uint8Array(packedBytes);
    reader.read(path, at, packed);
    if (!startsWith(createHash("sha256").update(packed).digest(), footer.subarray(24, 56))) throw altered(path);
    return { path, bytes, manifest: parseManifest(unpacked(path, packed, textBytes), at) };
  } finally {
    reader.close();
  }
}

function unpacked(path: string, packed: Uint8Array, bytes: number): string {
  try {
    const text = zstdDecompressSync(packed, { maxOutputLength: Math.max(1, bytes) });
    if (text.length === bytes) return text.toString("utf8");
  } catch {
    // Reported below with the other case.
  }
  throw altered(path);
}

function startsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.every((byte, i) => bytes[i] === byte);
}

function cutOff(path: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("{0} is cut off: its end is missing.", path),
    phrase("Copy or download it again."),
  );
}

function altered(path: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("{0} is damaged: its manifest is not what was written.", path),
    phrase("Copy or download it again."),
  );
}
