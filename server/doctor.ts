import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Finding } from "../shared/diagnosis.ts";
import { asCairnError, CairnError } from "../shared/errors.ts";
import type { EmbeddingStatus } from "../shared/search-types.ts";
import type { Settings } from "../shared/settings.ts";
import { chosenName } from "./chosen/model-choice.ts";
import { verifyStaticModel } from "./embed/static-model.ts";
import type { Host } from "./host.ts";
import { hardwareHere } from "./native/hardware.ts";
import type { Placement } from "./native/placement.ts";
import { cacheDirectoryOf, rootDirectoryOf } from "./opening.ts";
import { packageFile, ripgrepPath } from "./package-files.ts";
import { peerAddress } from "./peer/address.ts";
import { PeerClient } from "./peer/peer-client.ts";
import { Lease } from "./store/lease.ts";
import { openDatabase } from "./store/sqlite.ts";
import { loadKernels } from "./vectors/load-kernels.ts";
import { vectorsText } from "./vectors-text.ts";
import { createGrammars } from "./workspace/grammars.ts";
import { LANGUAGES } from "./workspace/languages.ts";
import { nodeGrammarFiles } from "./workspace/node-grammar-files.ts";

/**
 * Tries everything that Cairn needs of this machine, for real.
 * @param roots real paths of the folders whose indexes are looked for; nothing is indexed.
 */
export async function diagnose(host: Host, settings: Settings, roots: readonly string[]): Promise<Finding[]> {
  const cacheDirectory = cacheDirectoryOf(settings, host.env);
  const cache = checkCache(cacheDirectory);
  return [
    checkNode(),
    checkHardware(),
    cache,
    // Without the folder there is nothing to try in it.
    ...(cache.state === "fail" ? [] : [checkDatabase(cacheDirectory)]),
    checkCompression(),
    await checkSocket(host),
    checkModel(host),
    await checkEmbedding(host, settings, cacheDirectory),
    ...(await checkSharedCache(settings)),
    checkKernels(host),
    await checkGrammars(),
    await checkRipgrep(),
    ...(await Promise.all(roots.map((root) => checkHolder(host, rootDirectoryOf(cacheDirectory, root), root)))),
  ];
}

function checkNode(): Finding {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const detail = `${process.version}, ${process.platform} ${process.arch}, ${process.execPath}`;
  if (major > 22 || (major === 22 && minor >= 16)) return ok("Node", detail);
  return fail("Node", detail, "Use Node 22.16 or newer.");
}

const LITTLE_SPACE = 1_000_000_000;
const TOO_LITTLE_SPACE = 100_000_000;

function checkCache(directory: string): Finding {
  const name = "Cache folder";
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const probe = probeFile(directory);
    writeFileSync(probe, "");
    rmSync(probe);
    const { bavail, bsize } = statfsSync(directory);
    const free = bavail * bsize;
    const detail = `${directory}, ${(free / 1e9).toFixed(1)} GB free`;
    if (free < TOO_LITTLE_SPACE) return fail(name, detail, "Free some space: nothing more can be indexed.");
    if (free < LITTLE_SPACE) return warn(name, detail, "Free some space before indexing a large folder.");
    return ok(name, detail);
  } catch (error) {
    const advice = "Make it writable, or choose another with the setting cairn.cacheDirectory or CAIRN_CACHE_DIR.";
    return fail(name, `${directory} cannot be written: ${messageOf(error)}`, advice);
  }
}

function checkDatabase(directory: string): Finding {
  const name = "SQLite";
  const path = probeFile(directory);
  try {
    const { database } = openDatabase(path, { version: 1, sql: "CREATE TABLE probe (value INTEGER)" }, 0);
    const { journal_mode: journal } = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
    const { version } = database.prepare("SELECT sqlite_version() AS version").get() as { version: string };
    database.close();
    if (journal === "wal") return ok(name, `${version}, write-ahead log`);
    const advice = "Set cairn.cacheDirectory or CAIRN_CACHE_DIR to a folder on a local disk: indexing is faster there.";
    return warn(name, `${version}, no write-ahead log: ${directory} looks like a network folder`, advice);
  } catch (error) {
    return failure(name, error, "Use Node 22.16 or newer, and a cache folder that can be written.");
  } finally {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
  }
}

function checkCompression(): Finding {
  const name = "Compression";
  if (typeof zlib.zstdCompressSync !== "function")
    return fail(name, "this Node has no zstd", "Use Node 22.16 or newer.");
  const sample = Buffer.from("a stone on a stone ".repeat(100));
  const same = zlib.zstdDecompressSync(zlib.zstdCompressSync(sample)).equals(sample);
  return same ? ok(name, "zstd") : fail(name, "zstd does not give back what it was given", "Install Node again.");
}

/** Windows and terminals that have the same folder open talk over a local socket. */
async function checkSocket(host: Host): Promise<Finding> {
  const name = "Local sockets";
  const server = createServer();
  try {
    const address = peerAddress(`doctor-${process.pid}`, host.env);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(address, resolve));
    return ok(name, `can be opened, like ${address}`);
  } catch (error) {
    return failure(name, error, "Set XDG_RUNTIME_DIR to a folder of your own on a local disk, with a short path.");
  } finally {
    server.close();
  }
}

function checkModel(host: Host): Finding {
  const folder = packageFile("models", "static");
  try {
    verifyStaticModel(host.files, folder);
    return ok("Model", `${folder}, every hash is right`);
  } catch (error) {
    return failure("Model", error, "Install Cairn again.");
  }
}

/** A model that is seen for the first time is loaded; a driver may hang at that. */
const LONGEST_LOOK_MS = 60_000;

/** The model that the user chose, by the names and sizes of its files; `cairn models verify` reads them. */
async function checkEmbedding(host: Host, settings: Settings, cacheDirectory: string): Promise<Finding> {
  const name = "Embedding";
  const chosen = chosenName(settings, cacheDirectory);
  if (chosen === undefined) return ok(name, "by the model in the package");
  try {
    const { embeddingServer, isServerName } = await import("./remote/embedding-server.ts");
    if (isServerName(chosen)) {
      const { destination, keyName } = embeddingServer(settings, chosen);
      if (!keyName || host.env[keyName]) return ok(name, `by ${chosen} at ${destination}, which is not asked now`);
      return warn(name, `by ${chosen} at ${destination}, without a key here`, `A terminal reads it from ${keyName}.`);
    }
    const { chosenModel } = await import("./chosen/chosen-model.ts");
    const { formOf, wantedForm } = await import("./chosen/chosen-form.ts");
    const { KeptRecalls } = await import("./chosen/kept-recalls.ts");
    const { vectorsStatus } = await import("./chosen/vectors-status.ts");
    const { keptPlacement } = await import("./chosen/placed-engine.ts");
    const sources = { host, cacheDirectory, settings, signal: AbortSignal.timeout(LONGEST_LOOK_MS) };
    const model = await chosenModel(sources, chosen);
    const { name: found, dims, identity, prompts } = model;
    const form = formOf(model, wantedForm(settings, cacheDirectory));
    const vectors = vectorsText(vectorsStatus({ model: identity, dims, form }, new KeptRecalls(cacheDirectory)));
    const placement = keptPlacement(cacheDirectory, identity, settings["embedding.device"]);
    const where = placement ? `; ${placedText(placement)}` : "";
    return ok(
      name,
      `by ${found}, ${dims} dimensions${promptText(prompts)}, once its vectors are complete${where}; vectors in ${vectors}`,
    );
  } catch (error) {
    const { message, hint } = asCairnError(error);
    return warn(name, `${message} The model in the package searches.`, hint);
  }
}

/** The Redis of the user's team, where one is set. Without it all goes on, so it is never a failure. */
async function checkSharedCache(settings: Settings): Promise<Finding[]> {
  const name = "Shared cache";
  const url = settings["cache.redisUrl"];
  if (!url) return [];
  const { probeRedis } = await import("./shared-cache/redis-cache.ts");
  const health = await probeRedis(url);
  if (!("reason" in health)) {
    const [connect, answer] = [health.connectMs, health.answerMs].map((ms) => ms.toFixed(1));
    const detail = `${health.place}, connected in ${connect} ms, answers in ${answer} ms`;
    if (!health.isTooSlow) return [ok(name, detail)];
    return [warn(name, `${detail}: too slow to be waited for`, "Choose one that is nearer.")];
  }
  const { place, reason } = health;
  const [, what, advice] = REDIS_TROUBLE.find(([pattern]) => pattern.test(reason)) ?? UNKNOWN_TROUBLE;
  return [warn(name, `${place} ${what} (${reason}); all goes on without it`, advice)];
}

const UNKNOWN_TROUBLE = [/./, "cannot be used", "Check cairn.cache.redisUrl (CAIRN_REDIS_URL)."] as const;
const REDIS_TROUBLE: readonly (readonly [reason: RegExp, what: string, advice: string])[] = [
  [
    /^(?:NOAUTH|WRONGPASS)$/,
    "does not accept the user or the password",
    "Check both in cairn.cache.redisUrl (CAIRN_REDIS_URL): redis://user:password@host:port.",
  ],
  [
    /^NOPERM$/,
    "lets this user not do what the cache needs",
    "Allow the commands GET, MGET and SET for keys that begin with cairn:",
  ],
  [/^READONLY$/, "is a replica, which cannot be written", "Set cairn.cache.redisUrl to the primary."],
  [/^(?:OOM|MISCONF|LOADING)$/, "takes nothing now", "Look at its log: its memory or its disk may be full."],
  [/^ECONNREFUSED$/, "refuses connections", "Is it running, and is the port in cairn.cache.redisUrl right?"],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, "is not a known host", "Check the name in cairn.cache.redisUrl."],
  [
    /^(?:no answer within|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/,
    "does not answer",
    "Is this network, or a VPN, the one from which it can be reached?",
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_/,
    "has a certificate that is not trusted",
    "Name your company's certificate in NODE_EXTRA_CA_CERTS.",
  ],
];

/** Where a model runs, and why there. */
function placedText({ device, batchTokens, trials }: Placement): string {
  const told = trials.map((trial) =>
    trial.failure
      ? `${trial.device} cannot be used: ${trial.failure}`
      : `${trial.device} ${Math.round(trial.tokensPerSecond)} tokens/s`,
  );
  return `on ${device} in batches of ${batchTokens} tokens (${told.join("; ")})`;
}

function checkHardware(): Finding {
  const { cores, memoryBytes, simd, graphics } = hardwareHere();
  const memory = `${Math.round(memoryBytes / 1e9)} GB of memory`;
  const gpu =
    graphics.length > 0 ? `graphics by ${graphics.join(", ")}` : "no graphics processor that an engine could use";
  return ok("Hardware", [`${cores} cores`, memory, ...simd, gpu].join(", "));
}

function promptText(prompts: { readonly query: string; readonly passage: string } | undefined): string {
  if (!prompts) return "";
  const { query, passage } = prompts;
  if (query === "" && passage === "") return ", asked as it stands";
  return `, asked with ${JSON.stringify(query)}, code with ${passage === "" ? "nothing" : JSON.stringify(passage)} before it`;
}

function checkKernels(host: Host): Finding {
  const name = "Vector kernels";
  if (loadKernels(host.files)) return ok(name, "WebAssembly SIMD");
  return warn(name, "plain JavaScript", "Searches of large folders are slower. In a checkout, run `npm run build`.");
}

async function checkGrammars(): Promise<Finding> {
  const name = "Grammars";
  const languages = LANGUAGES.filter(({ grammar }) => grammar !== undefined);
  const grammars = await createGrammars({ files: nodeGrammarFiles() });
  const missing = languages.filter(({ grammar }) => !grammars.load(grammar ?? ""));
  grammars.close();
  if (missing.length === 0) return ok(name, `${languages.length} languages`);
  const names = missing.map((language) => language.name).join(", ");
  return warn(name, `no syntax for ${names}`, "Their files are indexed in windows of lines. Install Cairn again.");
}

async function checkRipgrep(): Promise<Finding> {
  const name = "ripgrep";
  try {
    const { stdout } = await promisify(execFile)(ripgrepPath(), ["--version"]);
    return ok(name, stdout.split("\n")[0]);
  } catch (error) {
    const advice = "Files that are not indexed yet cannot be searched. Install Cairn again.";
    return warn(name, messageOf(error), advice);
  }
}

/** Which process keeps the index of this folder, if there is one. */
async function checkHolder(host: Host, directory: string, root: string): Promise<Finding> {
  const name = "This folder";
  if (!existsSync(join(directory, "lease.db"))) return ok(name, `${root} is not indexed yet`);
  try {
    const peer = await PeerClient.connect(peerAddress(directory, host.env), root, "terminal");
    if (peer) {
      const { embedding } = await peer.status().finally(() => peer.close());
      return ok(name, `${root}, its index is held by process ${peer.holderPid}${embedding ? doing(embedding) : ""}`);
    }
    const lease = Lease.acquire(directory);
    lease?.release();
    if (lease) return ok(name, `${root}, its index is held by no process`);
    return fail(name, `${root}, its index is held by a process that does not listen`, "End other processes of Cairn.");
  } catch (error) {
    return failure(name, error, "End other processes of Cairn, then try again.");
  }
}

/** What the chosen model's engine does there. */
function doing({ model, phase, inUse, done, total, engine }: EmbeddingStatus): string {
  const { depth, fill, tokensPerSecond, restarts } = engine;
  const where = engine.device ? `on ${engine.device}, ` : "";
  const figures = `${where}queue ${depth}, batches ${Math.round(100 * fill)}% full, ${Math.round(tokensPerSecond)} tokens/s`;
  const again = restarts > 0 ? `, started again ${restarts} times` : "";
  return `; ${model} is ${phase}, ${done} of ${total} chunks, ${inUse ? "" : "not "}in use: ${figures}${again}`;
}

function probeFile(directory: string): string {
  return join(directory, `doctor-${process.pid}`);
}

function failure(name: string, error: unknown, advice: string): Finding {
  const hint = error instanceof CairnError && error.hint ? error.hint : advice;
  return fail(name, messageOf(error), hint);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail, advice: "" };
}

function warn(name: string, detail: string, advice: string): Finding {
  return { name, state: "warn", detail, advice };
}

function fail(name: string, detail: string, advice: string): Finding {
  return { name, state: "fail", detail, advice };
}
