import { createHash } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { explain, findBaseFiles } from "./base-files.ts";
import { inOrder } from "./block-workers.ts";
import type { Delta } from "./delta-file.ts";
import { type DeltaOptions, stopWhen } from "./delta-options.ts";
import { attempt, incomplete } from "./delta-writer.ts";
import type { Part } from "./manifest.ts";
import { type Model, pathsOf } from "./model-files.ts";
import { Pieces } from "./pieces.ts";
import type { Reconstructed } from "./reconstruct.ts";
import { assertReplaceable } from "./replaceable.ts";

export interface Verified {
  files: number;
  tensors: number;
  bytes: number;
}

/**
 * Rebuilds everything in memory, block by block, and compares the SHA-256 of every tensor and every file with what the
 * delta says; and that of every file of the base that is used. Writes nothing.
 *
 * @throws {CairnError} `input` for a wrong base, `corrupt` for a damaged delta
 */
export async function verify(delta: Delta, base: Model, options: DeltaOptions): Promise<Verified> {
  const { manifest } = delta;
  const paths = findBaseFiles(manifest, base);
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  let tensors = 0;
  try {
    for await (const [{ i, path }, hash] of inOrder(usedFiles(paths), options.workers.count, ({ path, i }) =>
      options.workers.run("hash", { path, at: 0, bytes: manifest.base[i].bytes }),
    )) {
      stopWhen(options.signal);
      if (hash !== manifest.base[i].sha256) {
        throw new CairnError(
          "input",
          phrase("{0} is not the base of this delta: its SHA-256 is not {1}.", path, manifest.base[i].sha256),
          phrase("Download the base again."),
        );
      }
    }
    const pieces = new Pieces(delta, paths, options.workers);
    for (const file of manifest.files) {
      const whole = createHash("sha256");
      for (const part of file.parts) {
        const own = createHash("sha256");
        for await (const [piece, bytes] of inOrder(pieces.of(part), 2 * options.workers.count, (piece) =>
          pieces.decode(piece),
        )) {
          stopWhen(options.signal);
          whole.update(bytes);
          own.update(bytes);
          done += bytes.length;
          options.onProgress?.({ phase: "checking", done, total });
          pieces.done(piece, bytes);
        }
        if (part.bytes > 0 && own.digest("hex") !== part.sha256) throw differs(part.name ?? file.name);
        if (part.name !== undefined) tensors++;
      }
      if (whole.digest("hex") !== file.sha256) throw differs(file.name);
    }
    return { files: manifest.files.length, tensors, bytes: total };
  } catch (error) {
    throw await explain(error, manifest, paths, options.workers);
  }
}

/**
 * The bytes of one tensor, checked against its SHA-256; only its own blocks are read.
 *
 * @throws {CairnError} `input` when the delta has no such tensor
 */
export async function readTensor(
  delta: Delta,
  base: Model,
  name: string,
  options: DeltaOptions,
): Promise<{ part: Part; bytes: Uint8Array }> {
  const { manifest } = delta;
  const part = manifest.files.flatMap(({ parts }) => parts).find((candidate) => candidate.name === name);
  if (!part)
    throw new CairnError(
      "input",
      phrase("The delta has no tensor {0}.", JSON.stringify(name)),
      phrase("`cairn delta info` lists them."),
    );
  const pieces = new Pieces(delta, findBaseFiles(manifest, base), options.workers);
  const bytes = new Uint8Array(part.bytes);
  let at = 0;
  for await (const [, piece] of inOrder(pieces.of(part), 2 * options.workers.count, (one) => pieces.decode(one))) {
    stopWhen(options.signal);
    bytes.set(piece, at);
    at += piece.length;
  }
  if (part.bytes > 0 && createHash("sha256").update(bytes).digest("hex") !== part.sha256) throw differs(name);
  return { part, bytes };
}

/**
 * Writes one tensor as a safetensors file of its own, beside its place and then renamed.
 *
 * @throws {CairnError} as {@link readTensor} does, and when the file cannot be written
 */
export async function saveTensor(
  delta: Delta,
  base: Model,
  name: string,
  out: string,
  options: DeltaOptions & { force: boolean },
): Promise<Reconstructed> {
  assertReplaceable(out, { force: options.force, needed: [delta.path, ...pathsOf(base)] });
  const { part, bytes } = await readTensor(delta, base, name, options);
  const { dtype, shape } = part;
  const text = JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, part.bytes] } });
  // Padded as the format's own library does, so that values are aligned.
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  attempt(out, () => {
    writeFileSync(incomplete(out), Buffer.concat([length, header, bytes]));
    renameSync(incomplete(out), out);
  });
  return { path: out, bytes: 8 + header.length + bytes.length, resumedBytes: 0 };
}

function usedFiles(paths: readonly string[]): { path: string; i: number }[] {
  return paths.map((path, i) => ({ path, i })).filter(({ path }) => path !== "");
}

function differs(name: string): CairnError {
  return new CairnError(
    "corrupt",
    phrase("{0} is not what it was: its SHA-256 differs.", name),
    phrase("Get the delta again; this copy is damaged."),
  );
}
