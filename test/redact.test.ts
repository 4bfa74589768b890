import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../shared/redact.ts";

const OWNER = { home: "/home/marta", user: "marta" };

for (const [name, text, expected] of [
  ["the home folder", "/home/marta/code/app.ts could not be read", "~/code/app.ts could not be read"],
  ["the home folder in a URI", "file:///home/marta/code", "file://~/code"],
  ["only the whole name of the home folder", "/home/martas/x", "/home/<user>/x"],
  ["other people's home folders", "/Users/johan/x and C:\\Users\\Johan\\x", "/Users/<user>/x and C:\\Users\\<user>\\x"],
  [
    "the user's name in other paths",
    "/mnt/marta/x, /run/cairn-marta-1.sock",
    "/mnt/<user>/x, /run/cairn-<user>-1.sock",
  ],
  ["a name that is a word elsewhere", "smarta went on", "smarta went on"],
  ["an e-mail address", "mail marta@example.org now", "mail <e-mail> now"],
  ["a password in a URL", "fetch https://marta:hunter2@example.org/x", "fetch https://<redacted>@example.org/x"],
  ["a named value", "password = hunter2, and more", "password = <redacted>, and more"],
  ["a named value in JSON", '{"apiKey": "a b c", "x": 1}', '{"apiKey": <redacted>, "x": 1}'],
  ["an environment variable", "MY_SECRET_TOKEN=abc", "MY_SECRET_TOKEN=<redacted>"],
  ["a header", "Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer <redacted>"],
  ["a web token", "got eyJhbGciOiJI.eyJzdWIiOiIx.SflKxw ok", "got <redacted> ok"],
  ["a key by its prefix", `use ${"ghp"}_0123456789abcdefghij now`, "use <redacted> now"],
  ["a cloud key", `id ${"AKIA"}ABCDEFGHIJKLMNOP`, "id <redacted>"],
  ["a long random text", `k ${"a1B2".repeat(12)} k`, "k <redacted> k"],
  [
    "a private key",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nafter",
    "<private key>\nafter",
  ],
  ["nothing else", "v24.19.0, linux x64, 12 files and 34 pieces", "v24.19.0, linux x64, 12 files and 34 pieces"],
  ["no path", "server/workspace/index-workers.ts:12", "server/workspace/index-workers.ts:12"],
]) {
  test(`redacts ${name}`, () => assert.equal(redact(text, OWNER), expected));
}

test("an account that belongs to nobody is not taken for a name", () => {
  assert.equal(
    redact("/home/admin/x and /srv/admin/y", { home: "/home/admin", user: "admin" }),
    "~/x and /srv/admin/y",
  );
});

test("a home folder on Windows is found in paths, in JSON and in URIs", () => {
  const owner = { home: "C:\\Users\\Marta B", user: "Marta B" };
  for (const [text, expected] of [
    ["C:\\Users\\Marta B\\code", "~\\code"],
    ['"C:\\\\Users\\\\Marta B\\\\code"', '"~\\\\code"'],
    ["file:///c%3A/Users/Marta%20B/code", "file:///~/code"],
  ]) {
    assert.equal(redact(text, owner), expected);
  }
});
