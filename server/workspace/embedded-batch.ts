import { join } from "node:path";
import { FileError } from "../host.ts";
import { decode } from "./decode.ts";
import { knownVectors } from "./derived-vectors.ts";
import { type BatchTools, bytesOfHashes, readableRecord } from "./index-batch.ts";
import { contentKey, recordOf } from "./index-file.ts";
import type { FilesEmbedded, FilesToEmbed } from "./index-jobs.ts";
import { languageOf } from "./languages.ts";

type Tools = Pick<BatchTools, "host" | "root" | "store" | "chunker">;

/**
 * Looks up the vectors that another model than the bundled one has given for the chunks of some files. Files with a chunk
 * that has none are read and cut again for its text: the store keeps no text.
 */
export async function embeddedBatch(tools: Tools, { files, ...wanted }: FilesToEmbed): Promise<FilesEmbedded> {
  const { store } = tools;
  const recorded = new Map<string, string[]>();
  for (const { content, data } of await store.call("records", [...new Set(files.map((file) => file.content))])) {
    const record = readableRecord(data);
    if (record) {
      recorded.set(
        content,
        record.chunks.map(({ hash }) => hash),
      );
    }
  }
  const textsOf = new Map<string, Map<string, string>>();
  for (const { path, content } of files) {
    if (recorded.has(content)) continue;
    const cut = await cutAgain(tools, path, content);
    if (!cut) continue;
    recorded.set(content, [...cut.hashes]);
    textsOf.set(content, cut.texts);
  }
  const hashes = files.flatMap(({ content }) => recorded.get(content) ?? []);
  const counts = Uint32Array.from(files, ({ content }) => recorded.get(content)?.length ?? 0);
  const gone = Uint8Array.from(files, ({ content }) => (recorded.has(content) ? 0 : 1));
  const packed = bytesOfHashes(hashes);
  const known = await knownVectors(store, wanted, packed);

  const texts: FilesEmbedded["texts"] = [];
  let chunk = 0;
  for (const [i, { path, content }] of files.entries()) {
    const end = chunk + counts[i];
    if (known.found.subarray(chunk, end).includes(0)) {
      const own = textsOf.get(content) ?? (await cutAgain(tools, path, content))?.texts;
      const lacking = own && textsOfMissing(hashes, known.found, chunk, end, own);
      if (lacking) texts.push(...lacking);
      else gone[i] = 1;
    }
    chunk = end;
  }
  return { counts, gone, hashes: packed, ...known, texts };
}

/** Undefined when a chunk that lacks its vector is not in the file any more. */
function textsOfMissing(
  hashes: readonly string[],
  found: Uint8Array,
  from: number,
  to: number,
  texts: ReadonlyMap<string, string>,
): FilesEmbedded["texts"] | undefined {
  const lacking: FilesEmbedded["texts"] = [];
  for (let chunk = from; chunk < to; chunk++) {
    if (found[chunk] === 1) continue;
    const text = texts.get(hashes[chunk]);
    if (text === undefined) return undefined;
    lacking.push({ chunk, text });
  }
  return lacking;
}

/** The chunks of a file by their hashes; undefined when it is no longer what was indexed. */
async function cutAgain(
  { host, root, chunker }: Tools,
  path: string,
  content: string,
): Promise<{ hashes: string[]; texts: Map<string, string> } | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = host.files.read(join(root, path));
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
  const text = decode(bytes)?.text;
  if (text === undefined) return undefined;
  const language = languageOf(path, text.slice(0, 200).split("\n", 1)[0]).id;
  if (contentKey(language, bytes) !== content) return undefined;
  // A parser that crashed on the file before is replaced first.
  await chunker.ready();
  const chunked = chunker.chunk(path, text);
  const hashes = recordOf(chunked).chunks.map(({ hash }) => hash);
  return { hashes, texts: new Map(hashes.map((hash, i) => [hash, chunked.chunks[i].text])) };
}
