import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { CairnError } from "../../shared/errors.ts";
import { phrase } from "../../shared/phrase.ts";
import { inOrder } from "../delta/block-workers.ts";
import { attempt } from "../delta/delta-writer.ts";
import {
  type Collected,
  type Content,
  changedMeanwhile,
  type DeltaStore,
  isSha256,
  nameFile,
  parseStoredName,
  type StoredName,
  stopTransferWhen,
  type TransferOptions,
} from "./delta-store.ts";
import { isAnswer, isMissing, s3Error } from "./s3-errors.ts";
import { UploadJournal } from "./upload-journal.ts";

export interface S3Options {
  /** The address of a store that is not Amazon's; else that of the environment or of the AWS configuration. */
  endpoint?: string;
  env: Readonly<Record<string, string | undefined>>;
  /** How long a connection may say nothing. */
  idleMs?: number;
}

/** Parts of an upload: what a connection that is cut costs. Larger where the store's limit of parts demands it. */
const PART_BYTES = 8 << 20;
const MOST_PARTS = 10_000;
/** Requests at once; so many parts are in memory. */
const AT_ONCE = 4;
const CONNECT_MS = 10_000;
const IDLE_MS = 60_000;
/** Downloads that brought nothing more before it is given up. */
const VAIN_ATTEMPTS = 3;
/** What can be copied onto itself in one request. */
const MOST_COPIED_BYTES = 5 * 2 ** 30;

/**
 * A bucket, or what lies below a prefix in one, of Amazon's S3 or of any store that speaks its protocol. The keys are
 * those of {@link FolderStore}'s files. Credentials come from the environment and the configuration of the AWS tools.
 *
 * An object store has no renames to tell a push and a collection about each other; so a collection keeps what is young,
 * a push makes what it finds young again, and it looks for it once more after it has named it.
 */
export class S3Store implements DeltaStore {
  readonly place: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #idleMs: number;

  /** @throws {CairnError} `input` when the address is not `s3://bucket` or `s3://bucket/prefix` */
  constructor(address: string, { endpoint, env, idleMs = IDLE_MS }: S3Options) {
    const [, bucket, prefix] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? [];
    if (bucket === undefined) {
      throw new CairnError(
        "input",
        phrase("{0} is not the address of a bucket.", address),
        phrase("It looks like s3://bucket or s3://bucket/folder."),
      );
    }
    this.place = address;
    this.#bucket = bucket;
    this.#prefix = prefix ? `${prefix.replace(/\/+$/, "")}/` : "";
    this.#idleMs = idleMs;
    const isOther = endpoint !== undefined || Boolean(env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL);
    this.#client = new S3Client({
      ...(endpoint === undefined ? {} : { endpoint }),
      // Stores that are not Amazon's seldom have a name for each bucket, nor regions.
      forcePathStyle: isOther,
      ...(isOther && !env.AWS_REGION && !env.AWS_PROFILE ? { region: "us-east-1" } : {}),
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: idleMs },
      // Checksums of a newer kind are refused by stores that do not know them; what is sent has its MD5 instead.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  async names(signal: AbortSignal): Promise<StoredName[]> {
    const files = (await this.#list("names/", signal)).filter(({ key }) => key.endsWith(".json"));
    const entries: StoredName[] = [];
    for await (const [, entry] of inOrder(files, AT_ONCE, ({ key }) => this.#readName(key, signal)))
      if (entry) entries.push(entry);
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async named(name: string, signal: AbortSignal): Promise<StoredName | undefined> {
    return this.#readName(this.#nameKey(name), signal);
  }

  async setName(entry: StoredName, signal: AbortSignal): Promise<void> {
    await this.#putWhole(this.#nameKey(entry.name), Buffer.from(`${JSON.stringify(entry)}\n`), signal);
  }

  async removeName(name: string, signal: AbortSignal): Promise<boolean> {
    const key = this.#nameKey(name);
    if (!(await this.#head(key, signal))) return false;
    await this.#delete(key, signal);
    return true;
  }

  async has({ sha256, bytes }: Content, signal: AbortSignal): Promise<boolean> {
    return (await this.#head(this.#objectKey(sha256), signal))?.ContentLength === bytes;
  }

  async put(path: string, content: Content, options: TransferOptions): Promise<void> {
    const { signal } = options;
    const key = this.#objectKey(content.sha256);
    if (content.bytes <= MOST_COPIED_BYTES && (await this.has(content, signal))) return this.#rejuvenate(key, signal);
    const file = await open(path);
    try {
      if (content.bytes > PART_BYTES) await this.#putParts(key, path, file, content, options);
      else {
        const body = await read(file, 0, content.bytes);
        if (createHash("sha256").update(body).digest("hex") !== content.sha256) throw changedMeanwhile(path);
        await this.#putWhole(key, body, signal);
        options.onBytes?.(content.bytes);
      }
    } finally {
      await file.close();
    }
  }

  async get({ sha256, bytes }: Content, path: string, { signal, onBytes }: TransferOptions): Promise<void> {
    const left = await stat(path)
      .then(({ size }) => size)
      .catch(() => 0);
    let done = left <= bytes ? left : 0;
    const file = await open(path, done > 0 ? "r+" : "w").catch((error) => attempt(path, () => throwIt(error)));
    try {
      for (let vain = 0; done < bytes; ) {
        const before = done;
        let failure: unknown = new Error("the connection ended");
        try {
          for await (const piece of this.#from(this.#objectKey(sha256), done, bytes, signal)) {
            await file.write(piece, 0, piece.length, done).catch((error) => attempt(path, () => throwIt(error)));
            done += piece.length;
            onBytes?.(done);
          }
        } catch (error) {
          stopTransferWhen(signal);
          if (error instanceof CairnError) throw error;
          failure = error;
        }
        // A connection that was cut is made again, from where it was cut.
        vain = done > before ? 0 : vain + 1;
        if (vain >= VAIN_ATTEMPTS) throw s3Error(failure, this.place);
      }
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  async collect(graceMs: number, signal: AbortSignal): Promise<Collected> {
    // What is named later was young when it was listed. Clocks cannot be far apart: the store refuses that.
    const objects = await this.#list("objects/", signal);
    const named = new Set((await this.names(signal)).map(({ sha256 }) => sha256));
    const young = Date.now() - graceMs;
    const leaving = objects.filter(({ key, modified }) => {
      const sha256 = key.slice(key.lastIndexOf("/") + 1);
      return isSha256(sha256) && !named.has(sha256) && (graceMs === 0 || modified < young);
    });
    const collected = { removed: 0, bytes: 0 };
    const remove = async ({ key, modified }: (typeof leaving)[number]) => {
      // A push that found it has made it young meanwhile.
      if (graceMs > 0 && (await this.#head(key, signal))?.LastModified?.getTime() !== modified) return false;
      await this.#delete(key, signal);
      return true;
    };
    for await (const [{ bytes }, isRemoved] of inOrder(leaving, AT_ONCE, remove)) {
      stopTransferWhen(signal);
      collected.removed += Number(isRemoved);
      collected.bytes += isRemoved ? bytes : 0;
    }
    return collected;
  }

  /** In parts, several at once; those that an earlier run sent are not sent again. */
  async #putParts(
    key: string,
    path: string,
    file: FileHandle,
    { sha256, bytes }: Content,
    options: TransferOptions,
  ): Promise<void> {
    const { signal, onBytes } = options;
    const partBytes = Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS / PART_BYTES) * PART_BYTES);
    const target = { Bucket: this.#bucket, Key: key };
    const identity = { place: this.place, key, partBytes };
    const journal = await UploadJournal.open(path, identity, async () => {
      const { UploadId } = await this.#send(
        (abort) => this.#client.send(new CreateMultipartUploadCommand(target), abort),
        signal,
      );
      if (!UploadId) throw s3Error(new Error("no upload was begun"), this.place);
      return UploadId;
    });
    const UploadId = journal.uploadId;
    const numbers = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, i) => i + 1);
    const send = async (number: number) => {
      const from = (number - 1) * partBytes;
      const body = await read(file, from, Math.min(partBytes, bytes - from));
      const md5 = createHash("md5").update(body).digest("base64");
      const known = journal.etagOf(number, md5);
      if (known !== undefined) return { body, etag: known };
      const part = new UploadPartCommand({ ...target, UploadId, PartNumber: number, Body: body, ContentMD5: md5 });
      const { ETag } = await this.#send((abort) => this.#client.send(part, abort), signal);
      return { body, etag: journal.sent(number, md5, ETag ?? "") };
    };
    try {
      const hash = createHash("sha256");
      const parts: { PartNumber: number; ETag: string }[] = [];
      let done = 0;
      for await (const [number, { body, etag }] of inOrder(numbers, AT_ONCE, send)) {
        hash.update(body);
        parts.push({ PartNumber: number, ETag: etag });
        done += body.length;
        onBytes?.(done);
      }
      if (hash.digest("hex") !== sha256) throw changedMeanwhile(path);
      const complete = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } });
      await this.#send((abort) => this.#client.send(complete, abort), signal);
      journal.close("done");
    } catch (error) {
      // What an earlier run began may be known no longer. Cut off or cancelled, the next run goes on.
      const isForgotten = journal.isResumed && isAnswer(error);
      const isOver = isForgotten || (error instanceof CairnError && error.message === changedMeanwhile(path).message);
      journal.close(isOver ? "done" : "later");
      if (isForgotten) return this.#putParts(key, path, file, { sha256, bytes }, options);
      // Not every store can abort; what is left of an upload is the bucket's own rules' to expire.
      if (isOver) await this.#client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {});
      throw error;
    }
  }

  async #putWhole(key: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
    const md5 = createHash("md5").update(body).digest("base64");
    const put = new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body, ContentMD5: md5 });
    await this.#send((abort) => this.#client.send(put, abort), signal);
  }

  /** Makes an object as young as one that was just sent. */
  async #rejuvenate(key: string, signal: AbortSignal): Promise<void> {
    const source = [this.#bucket, ...key.split("/")].map(encodeURIComponent).join("/");
    const copy = new CopyObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      CopySource: source,
      MetadataDirective: "REPLACE",
    });
    await this.#send((abort) => this.#client.send(copy, abort), signal);
  }

  /** The bytes of an object from a place on. Ends the connection when it says nothing for long. */
  async *#from(key: string, from: number, to: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const range = new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range: `bytes=${from}-${to - 1}` });
    const { Body, ContentRange } = await this.#send((abort) => this.#client.send(range, abort), signal);
    const body = Body as Readable;
    const silence = Object.assign(new Error("nothing came"), { name: "TimeoutError" });
    const watchdog = setTimeout(() => body.destroy(silence), this.#idleMs);
    try {
      // A store that does not know ranges sends everything: what is there already is passed over.
      let skip = ContentRange ? 0 : from;
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        watchdog.refresh();
        const skipped = Math.min(skip, piece.length);
        skip -= skipped;
        if (skipped < piece.length) yield piece.subarray(skipped);
      }
    } finally {
      clearTimeout(watchdog);
      body.destroy();
    }
  }

  async #readName(key: string, signal: AbortSignal): Promise<StoredName | undefined> {
    const get = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
    const body = await this.#orMissing((abort) => this.#client.send(get, abort), signal);
    return body && parseStoredName((await body.Body?.transformToString()) ?? "", `s3://${this.#bucket}/${key}`);
  }

  async #head(key: string, signal: AbortSignal) {
    const head = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    return this.#orMissing((abort) => this.#client.send(head, abort), signal);
  }

  async #delete(key: string, signal: AbortSignal): Promise<void> {
    const remove = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#send((abort) => this.#client.send(remove, abort), signal);
  }

  async #list(below: string, signal: AbortSignal): Promise<{ key: string; bytes: number; modified: number }[]> {
    const found: { key: string; bytes: number; modified: number }[] = [];
    for (let token: string | undefined; ; ) {
      const list = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix + below,
        ContinuationToken: token,
      });
      const page = await this.#send((abort) => this.#client.send(list, abort), signal);
      for (const { Key, Size, LastModified } of page.Contents ?? [])
        if (Key !== undefined)
          found.push({ key: Key, bytes: Size ?? 0, modified: LastModified?.getTime() ?? Date.now() });
      token = page.NextContinuationToken;
      if (token === undefined) return found;
    }
  }

  async #orMissing<T>(request: Request<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await request({ abortSignal: signal });
    } catch (error) {
      stopTransferWhen(signal);
      if (isMissing(error)) return undefined;
      throw s3Error(error, this.place);
    }
  }

  async #send<T>(request: Request<T>, signal: AbortSignal): Promise<T> {
    try {
      return await request({ abortSignal: signal });
    } catch (error) {
      stopTransferWhen(signal);
      throw s3Error(error, this.place);
    }
  }

  #objectKey(sha256: string): string {
    return `${this.#prefix}objects/${sha256.slice(0, 2)}/${sha256}`;
  }

  #nameKey(name: string): string {
    return `${this.#prefix}names/${nameFile(name)}`;
  }
}

type Request<T> = (options: { abortSignal: AbortSignal }) => Promise<T>;

async function read(file: FileHandle, at: number, bytes: number): Promise<Uint8Array> {
  const body = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(body, done, bytes - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return body;
}

function throwIt(error: unknown): never {
  throw error;
}
