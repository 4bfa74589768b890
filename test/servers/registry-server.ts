/** A stand-in for a package registry on a loopback port; it misbehaves as the stand-in for the Hub does. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { ContentSender, type HubCall, type Misbehaviour } from "./hub-server.ts";

export interface RegistryServer {
  /** Its address, with a slash at the end as npm has it. */
  readonly url: string;
  /** First bytes that were asked for, one a request. */
  readonly starts: number[];
  /** Archives by their paths. */
  readonly archives: Record<string, Uint8Array>;
  /** For the next requests, one each; then the server behaves. */
  misbehave(...misbehaviours: readonly Misbehaviour[]): void;
  /** The client has so many bytes: what was to be cut off there may be. */
  tellArrived(bytes: number): void;
}

export async function startRegistryServer(test: TestContext): Promise<RegistryServer> {
  const starts: number[] = [];
  const archives: RegistryServer["archives"] = {};
  const contents = new ContentSender();
  const server = createServer((request, response) => {
    const { method = "", url: path = "", headers } = request;
    starts.push(Number(/\d+/.exec(headers.range ?? "0")?.[0]));
    const content = archives[path];
    if (!content) {
      response.writeHead(404);
      response.end();
      return;
    }
    const call: HubCall = { method, path, headers, server: "storage" };
    contents.send(response, call, content);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    starts,
    archives,
    misbehave: (...given) => contents.misbehave(...given),
    tellArrived: (bytes) => contents.tellArrived(bytes),
  };
}
