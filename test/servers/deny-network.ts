/**
 * Loaded before a program's own code (`node --import`), also into its threads: every attempt to reach the network fails
 * and is written to the file that the address of this module names. Sockets of this machine's file system and named
 * pipes work as ever.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";

const require = createRequire(import.meta.url);
const net: typeof import("node:net") = require("node:net");
const { appendFileSync }: typeof import("node:fs") = require("node:fs");
const report = new URL(import.meta.url).searchParams.get("report") ?? "";

type Method = (...args: unknown[]) => unknown;

function deny(target: object, name: string, isLocal: (args: readonly unknown[]) => boolean = () => false): void {
  const methods = target as Record<string, Method>;
  const original = methods[name];
  methods[name] = function (this: unknown, ...args: unknown[]): unknown {
    if (isLocal(args)) return original.apply(this, args);
    appendFileSync(report, `${process.argv.slice(1).join(" ")}: ${name} ${describe(args)}\n`);
    throw new Error(`The network is denied: ${name} ${describe(args)}`);
  };
}

/** True for `{ path }` and a path alone, also inside the list that `net.connect` makes of its arguments. */
function isPath(args: readonly unknown[]): boolean {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first === "string") return Number.isNaN(Number(first));
  return typeof first === "object" && first !== null && typeof (first as { path?: unknown }).path === "string";
}

function describe(args: readonly unknown[]): string {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first !== "object" || first === null) return String(args).slice(0, 200);
  const { host, port } = first as { host?: unknown; port?: unknown };
  return `${host}:${port}`;
}

deny(net.Socket.prototype, "connect", isPath);
deny(net.Server.prototype, "listen", isPath);
deny(require("node:dgram"), "createSocket");
for (const dns of [require("node:dns"), require("node:dns/promises")]) {
  for (const name of ["lookup", "resolve", "resolve4", "resolve6"]) deny(dns, name);
}
syncBuiltinESMExports();
