/**
 * A stand-in for the Hugging Face Hub on a loopback port: its API, its addresses of files, and the storage to which it
 * redirects for large ones. It misbehaves, request by request, as a test wants it to.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";

export interface HubCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** `hub` is the address that the client knows, `storage` where it sends it for large files. */
  readonly server: "hub" | "storage";
}

/** What a repository holds: by commit, by path. A file over 1,000 bytes is kept as a large file, in the storage. */
export type HubContent = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

/**
 * Answers a request for the content of a file instead of the server; false lets the server answer. `arrived` resolves
 * when the client says that it has so many bytes.
 */
export type Misbehaviour = (
  response: ServerResponse,
  call: HubCall,
  content: Uint8Array,
  arrived: (bytes: number) => Promise<void>,
) => boolean;

export interface HubServer {
  /** Its address, for HF_ENDPOINT. */
  readonly url: string;
  readonly calls: HubCall[];
  /** The repositories by name (`datasets/owner/name` of a dataset), each with the commit that `main` is at and its content. */
  readonly repositories: Record<string, { main: string; content: HubContent }>;
  /** Repositories under another name than they had. */
  readonly renamed: Record<string, string>;
  /** Only who shows one of these tokens sees files of a gated repository. */
  readonly gated: Record<string, { tokens: readonly string[] }>;
  /** For the next requests for content, one each; then the server behaves. */
  misbehave(...misbehaviours: readonly Misbehaviour[]): void;
  /**
   * The client has so many bytes. A connection is only cut when what was sent has arrived: of a stream that breaks, what
   * was not read yet is lost.
   */
  tellArrived(bytes: number): void;
  /** Refuses the next requests of any kind, one each. */
  refuse(...refusals: readonly Refusal[]): void;
}

export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A commit for tests: forty times the same digit. */
export function commit(digit: string): string {
  return digit.repeat(40);
}

export async function startHubServer(test: Pick<TestContext, "after">): Promise<HubServer> {
  const calls: HubCall[] = [];
  let refusals: Refusal[] = [];
  const contents = new ContentSender();
  const repositories: HubServer["repositories"] = {};
  const renamed: HubServer["renamed"] = {};
  const gated: HubServer["gated"] = {};

  const storage = await listen(test, async (request, response) => {
    const call = noted(calls, request, "storage");
    const content = decodeURIComponent(call.path.slice(1));
    const [name, ...path] = content.split("|");
    contents.send(response, call, repositories[name].content[path[0]][path[1]]);
  });

  const hub = await listen(test, async (request, response) => {
    const body = await text(request).catch(() => "");
    const call = noted(calls, request, "hub");
    const refusal = refusals.shift();
    if (refusal) return json(response, refusal.status, refusal.body ?? "{}", refusal.headers);

    const api = /^\/api\/(?:models\/|(datasets\/))([^/]+\/[^/]+)\/(revision|paths-info|tree)\/([^/]+)$/.exec(call.path);
    const file = /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(decodeURIComponent(call.path));
    const name = (api ? `${api[1] ?? ""}${api[2]}` : file?.[1]) ?? "";
    if (renamed[name]) {
      response.writeHead(307, { location: call.path.replace(name, renamed[name]) });
      return response.end();
    }
    const repository = repositories[name];
    if (!repository) return json(response, 401, "{}", { "x-error-code": "RepoNotFound" });
    const revision = api?.[4] ?? file?.[2] ?? "";
    const at = revision === "main" ? repository.main : revision;
    const content = repository.content[at];
    if (!content) return json(response, 404, "{}", { "x-error-code": "RevisionNotFound" });
    if (api?.[3] === "revision")
      return json(response, 200, JSON.stringify({ _id: "1", id: name, sha: at, cardData: { license: "mit" } }));
    if (api?.[3] === "tree") return json(response, 200, JSON.stringify(describe(content, Object.keys(content))));
    if (api) return json(response, 200, JSON.stringify(describe(content, JSON.parse(body).paths)));

    const path = file?.[3] ?? "";
    const token = /^Bearer (.*)$/.exec(call.headers.authorization ?? "")?.[1];
    if (gated[name] && !gated[name].tokens.includes(token ?? "")) {
      return json(response, token === undefined ? 401 : 403, "{}", { "x-error-code": "GatedRepo" });
    }
    if (!content[path]) return json(response, 404, "{}", { "x-error-code": "EntryNotFound" });
    if (!isLarge(content[path])) return contents.send(response, call, content[path]);
    response.writeHead(302, {
      location: `${storage}/${encodeURIComponent([name, at, path].join("|"))}`,
      "x-linked-etag": `"${sha256(content[path])}"`,
      "x-linked-size": String(content[path].length),
      "x-repo-commit": at,
    });
    response.end();
  });

  return {
    url: hub,
    calls,
    repositories,
    renamed,
    gated,
    misbehave: (...given) => contents.misbehave(...given),
    tellArrived: (bytes) => contents.tellArrived(bytes),
    refuse: (...given) => {
      refusals = [...given];
    },
  };
}

/** Sends content, or misbehaves instead. */
export class ContentSender {
  #misbehaviours: Misbehaviour[] = [];
  #arrivedBytes = 0;
  #expected: { bytes: number; resolve: () => void }[] = [];

  /** For the next requests, one each; then it behaves. */
  misbehave(...misbehaviours: readonly Misbehaviour[]): void {
    this.#misbehaviours = [...misbehaviours];
  }

  /** The client has so many bytes. */
  tellArrived(bytes: number): void {
    this.#arrivedBytes = bytes;
    for (const { resolve } of this.#expected.filter((one) => one.bytes <= bytes)) resolve();
    this.#expected = this.#expected.filter((one) => one.bytes > bytes);
  }

  send(response: ServerResponse, call: HubCall, content: Uint8Array): void {
    const arrived = (bytes: number) => this.#arrived(bytes);
    if (!this.#misbehaviours.shift()?.(response, call, content, arrived)) sendFrom(response, call, content);
  }

  #arrived(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#arrivedBytes >= bytes) resolve();
      else this.#expected.push({ bytes, resolve });
    });
  }
}

/** Sends what was asked for, from the byte that was asked for. */
function sendFrom(response: ServerResponse, call: HubCall, content: Uint8Array): void {
  const start = startOf(call);
  head(response, content, start);
  response.end(content.subarray(start));
}

/** Sends so many bytes of what was asked for and breaks the connection. */
export function cutsOffAfter(bytes: number): Misbehaviour {
  return (response, call, content, arrived) => {
    const start = startOf(call);
    head(response, content, start);
    response.write(content.subarray(start, start + bytes));
    void arrived(start + bytes).then(() => response.destroy());
    return true;
  };
}

/** Begins with the first byte, whatever range was asked for. */
export const ignoresRanges: Misbehaviour = (response, _call, content) => {
  response.writeHead(200, { "content-length": content.length });
  response.end(content);
  return true;
};

/** Sends other bytes, as many. */
export const sendsOtherBytes: Misbehaviour = (response, call, content) => {
  const start = startOf(call);
  head(response, content, start);
  response.end(content.subarray(start).map((byte) => byte ^ 1));
  return true;
};

/** Sends more than was promised, without saying how much. */
export const sendsTooMuch: Misbehaviour = (response, _call, content) => {
  response.writeHead(200);
  response.write(content);
  response.end(content);
  return true;
};

/** Sends the first bytes and then nothing more. */
export function stallsAfter(bytes: number): Misbehaviour {
  return (response, call, content) => {
    const start = startOf(call);
    head(response, content, start);
    response.write(content.subarray(start, start + bytes));
    return true;
  };
}

/** Behaves, in a row of misbehaviours. */
export const behaves: Misbehaviour = () => false;

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The name that Git gives to content. */
export function gitSha1(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

const LARGE_BYTES = 1000;

function isLarge(content: Uint8Array): boolean {
  return content.length > LARGE_BYTES;
}

function describe(content: Readonly<Record<string, Uint8Array>>, paths: readonly string[]): object[] {
  return paths.flatMap((path) => {
    const bytes = content[path];
    if (!bytes) return [];
    const { length: size } = bytes;
    const lfs = isLarge(bytes) ? { lfs: { oid: sha256(bytes), size, pointerSize: 130 } } : {};
    return [{ type: "file", path, size, oid: gitSha1(bytes), ...lfs }];
  });
}

function head(response: ServerResponse, content: Uint8Array, start: number): void {
  const { length } = content;
  if (start === 0) response.writeHead(200, { "content-length": length });
  else {
    response.writeHead(206, {
      "content-length": length - start,
      "content-range": `bytes ${start}-${length - 1}/${length}`,
    });
  }
  response.flushHeaders();
}

function startOf({ headers }: HubCall): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
}

function noted(calls: HubCall[], request: IncomingMessage, server: HubCall["server"]): HubCall {
  const path = new URL(request.url ?? "", "http://localhost").pathname;
  const call = { method: request.method ?? "", path, headers: request.headers, server };
  calls.push(call);
  return call;
}

async function listen(
  test: Pick<TestContext, "after">,
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server: Server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
}
