import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import S3rver from "s3rver";
import { temporaryFolder } from "./open-core.ts";

/** What the loopback store accepts, as the AWS tools are told it. */
export const S3_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: "S3RVER",
  AWS_SECRET_ACCESS_KEY: "S3RVER",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/nonexistent",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
};

/** A store that speaks S3, on a loopback port, with a bucket `deltas`; it ends with the test. Resolves to its address. */
export async function s3Server(test: TestContext): Promise<{ endpoint: string; port: number }> {
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory: temporaryFolder(test),
    configureBuckets: [{ name: "deltas", configs: [] }],
  });
  const { port } = await server.run();
  test.after(() => server.close());
  return { endpoint: `http://127.0.0.1:${port}`, port };
}

const NO_FAULT = { connections: 0, after: 0, how: "cut" } as const;

/** What goes through a {@link faultyWay}. */
export interface Way {
  endpoint: string;
  /** All that was asked, as it was sent. */
  asked(): string;
}

/**
 * A way to a server that cuts each of the first connections once it has brought so many bytes back, or lets them go on
 * without a word more.
 */
export async function faultyWay(
  test: TestContext,
  port: number,
  fault: { connections: number; after: number; how: "cut" | "silence" } = NO_FAULT,
): Promise<Way> {
  const sockets = new Set<Socket>();
  let asked = "";
  let faults = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      asked += bytes.toString("latin1").replaceAll(/[^\x20-\x7e\r\n]/g, "");
    });
    client.pipe(upstream);
    let brought = 0;
    upstream.on("data", (bytes: Buffer) => {
      brought += bytes.length;
      if (brought <= fault.after || faults >= fault.connections) client.write(bytes);
      else {
        faults++;
        upstream.pause();
        if (fault.how === "cut") client.destroy();
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}
