import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { hubAccess } from "../server/hub/hub-access.ts";
import { removeModel } from "../server/hub/installed.ts";
import { Lease } from "../server/store/lease.ts";
import { FILES, isAsOnHub, MAIN, machine, REPOSITORY, tinyModel } from "./hub-fixture.ts";
import { temporaryFolder } from "./open-core.ts";
import { commit } from "./servers/hub-server.ts";
import { SELF_SIGNED } from "./servers/self-signed.ts";

const TOKEN = "hf_0123456789abcdef";

describe("how the Hub is reached", () => {
  it("is what the Hub's own tools are told", (test) => {
    const home = temporaryFolder(test);
    writeFileSync(join(home, "token"), `${TOKEN}\n`);
    assert.deepEqual(hubAccess({ HF_HOME: home }), {
      endpoint: "https://huggingface.co",
      cacheFolder: join(home, "hub"),
      token: TOKEN,
      offline: false,
      silenceMs: 60_000,
    });
    assert.deepEqual(
      hubAccess({
        HF_HOME: home,
        HF_TOKEN: "other",
        HF_ENDPOINT: "http://mirror/hf/",
        HF_HUB_CACHE: "/c",
        HF_HUB_OFFLINE: "1",
      }),
      { endpoint: "http://mirror/hf", cacheFolder: "/c", token: "other", offline: true, silenceMs: 60_000 },
    );
    const bare = hubAccess({ HOME: home });
    assert.deepEqual([bare.cacheFolder, bare.token], [join(home, ".cache", "huggingface", "hub"), undefined]);
  });

  it("is refused when it cannot be used", () => {
    assert.throws(() => hubAccess({ HF_ENDPOINT: "mirror" }), { kind: "input", message: /HF_ENDPOINT/ });
    assert.throws(() => hubAccess({ HF_TOKEN: "a\nb" }), { kind: "input", message: /token/ });
  });
});

describe("the token", () => {
  it("opens a gated model, and goes to the Hub alone", async (test) => {
    const tiny = await machine(test, { token: TOKEN });
    tiny.server.gated[REPOSITORY] = { tokens: [TOKEN] };
    assert.ok(isAsOnHub(await tiny.pull()));
    const asked = tiny.downloads();
    assert.deepEqual(
      new Set(asked.map(({ path, authorised }) => `${path.split(":")[0]} ${authorised}`)),
      new Set(["hub true", "storage false"]),
    );
  });

  it("that is missing or has no right is said, with what to do", async (test) => {
    const tiny = await machine(test);
    tiny.server.gated[REPOSITORY] = { tokens: [TOKEN] };
    const hint = new RegExp(`Accept its terms at ${tiny.server.url}/acme/tiny.*HF_TOKEN`);
    await assert.rejects(tiny.pull(), { kind: "provider", message: /accepted its terms \(401\)/, hint });
    await assert.rejects(tiny.with({ token: "hf_other" }).pull(), { message: /\(403\)/, hint });
  });

  it("that the Hub does not know is said, and never shown", async (test) => {
    const tiny = await machine(test, { token: TOKEN });
    tiny.server.refuse({ status: 401, body: `{"error":"Invalid credentials ${TOKEN}"}` });
    await assert.rejects(tiny.pull(), (error: Error) => {
      assert.match(error.message, /does not accept the token/);
      assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), new RegExp(TOKEN));
      return true;
    });
  });
});

describe("a Hub that refuses", () => {
  it("a repository that is not there is said to be so", async (test) => {
    const tiny = await machine(test);
    await assert.rejects(tiny.pull(tinyModel({ repository: "acme/none" })), {
      kind: "provider",
      message: /knows no acme\/none/,
    });
  });

  it("a commit that is gone, and a file that is missing, are said to be so", async (test) => {
    const tiny = await machine(test);
    await assert.rejects(tiny.pull(tinyModel({ revision: commit("f") })), { message: /no such revision/ });
    const { "tokenizer.json": _, ...rest } = FILES;
    tiny.server.repositories[REPOSITORY] = { main: MAIN, content: { [MAIN]: rest } };
    await assert.rejects(tiny.pull(), { kind: "provider", message: /lacks tokenizer\.json/ });
  });

  it("for a moment is asked again when it says", async (test) => {
    const tiny = await machine(test);
    tiny.server.refuse(
      { status: 429, headers: { "retry-after": "0" } },
      { status: 503, headers: { ratelimit: '"api";r=0;t=0' } },
    );
    assert.ok(isAsOnHub(await tiny.pull()));
  });

  it("for long is not waited for: the message says how long", async (test) => {
    const tiny = await machine(test);
    tiny.server.refuse({ status: 429, headers: { ratelimit: '"api";r=0;t=280' } });
    await assert.rejects(tiny.pull(), { kind: "provider", message: /429/, hint: /in 280 s/ });
  });

  it("a proxy that forbids it is not taken for the Hub's terms", async (test) => {
    const tiny = await machine(test);
    tiny.server.refuse({ status: 403, body: "<html>Forbidden</html>" });
    await assert.rejects(tiny.pull(), { kind: "provider", message: /refused the request \(403\)/, hint: /proxy/ });
  });

  it("every time is given up", async (test) => {
    const tiny = await machine(test);
    tiny.server.refuse(...Array.from({ length: 9 }, () => ({ status: 502, headers: { "retry-after": "0" } })));
    await assert.rejects(tiny.pull(), { kind: "provider", message: /does not work right now \(502\)/ });
    assert.equal(tiny.server.calls.length, 4);
  });

  it("that never comes is given up after a while, and said once", async (test) => {
    const tiny = await machine(test, { silenceMs: 100 });
    const silent = createServer().listen(0, "127.0.0.1");
    test.after(() => silent.close());
    await once(silent, "listening");
    const asked: Socket[] = [];
    silent.on("connection", (socket) => asked.push(socket));
    test.after(() => {
      for (const socket of asked) socket.destroy();
    });
    const { port } = silent.address() as AddressInfo;
    await assert.rejects(tiny.with({ endpoint: `http://127.0.0.1:${port}` }).pull(), {
      kind: "unavailable",
      message: `127.0.0.1:${port} takes the request and does not answer (0.1 s).`,
      hint: /mirror/,
    });
    assert.equal(asked.length, 1);
  });

  it("a page instead of an answer is taken for what it is", async (test) => {
    const tiny = await machine(test);
    for (const body of ["<html>Log in</html>", '{"sha":"../../../etc"}']) {
      tiny.server.refuse({ status: 200, body });
      await assert.rejects(tiny.pull(), { kind: "output", message: /does not answer as the Hub does/ });
    }
    assert.deepEqual(tiny.stored(), []);
  });

  for (const [what, location, said] of [
    ["to another protocol", "ftp://example.invalid/x", /redirects to where nothing/],
    ["in a circle", "/api/models/acme/tiny/revision/main", /redirects without end/],
  ] as const) {
    it(`redirects ${what} are not followed`, async (test) => {
      const tiny = await machine(test);
      tiny.server.refuse(...Array.from({ length: 9 }, () => ({ status: 302, headers: { location } })));
      await assert.rejects(tiny.pull(), { kind: "output", message: said });
    });
  }

  it("a certificate that nobody trusts is said, with what to do", async (test) => {
    const tiny = await machine(test);
    const secure = createSecureServer(SELF_SIGNED).listen(0, "127.0.0.1");
    test.after(() => secure.close());
    await once(secure, "listening");
    const { port } = secure.address() as AddressInfo;
    await assert.rejects(tiny.with({ endpoint: `https://127.0.0.1:${port}` }).pull(), {
      kind: "unavailable",
      message: /certificate of 127\.0\.0\.1:\d+ is not trusted/,
      hint: /NODE_EXTRA_CA_CERTS/,
    });
  });

  it("nobody at its address is said, with the address", async (test) => {
    const tiny = await machine(test);
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, "close");
    await assert.rejects(tiny.with({ endpoint: `http://127.0.0.1:${port}` }).pull(), {
      kind: "unavailable",
      message: `127.0.0.1:${port} could not be reached (ECONNREFUSED).`,
    });
  });
});

describe("a machine that cannot take it", () => {
  it("a folder that cannot be written is said, with the variable that names another", async (test) => {
    const tiny = await machine(test);
    writeFileSync(tiny.cacheFolder, "a file where the folder should be");
    await assert.rejects(tiny.pull(tinyModel()), {
      kind: "unavailable",
      message: /could not be opened or written \(E/,
      hint: /HF_HUB_CACHE/,
    });
    assert.deepEqual(tiny.downloads(), []);
  });

  it("a record of the model that cannot be written is said, and what was downloaded stays", async (test) => {
    const tiny = await machine(test);
    const records = join(dirname(tiny.cacheFolder), "known");
    writeFileSync(records, "a file where the folder should be");
    await assert.rejects(tiny.pull(), {
      kind: "unavailable",
      message: /known of the model could not be written to .*tiny\.json \(E/,
      hint: /CAIRN_CACHE_DIR/,
    });
    rmSync(records);
    assert.equal((await tiny.pull()).downloadedBytes, 0);
  });

  it("a disk without room is said before anything is downloaded", async (test) => {
    const tiny = await machine(test);
    const { bavail, bsize } = statfsSync(temporaryFolder(test));
    const huge = bavail * bsize + 1;
    const body = [
      {
        type: "file",
        path: "onnx/model_quantized.onnx",
        size: huge,
        oid: commit("1"),
        lfs: { oid: "0".repeat(64), size: huge, pointerSize: 1 },
      },
    ];
    tiny.server.refuse({ status: 200, body: JSON.stringify(body) });
    await assert.rejects(tiny.pull(tinyModel({ files: [], revision: MAIN })), {
      kind: "unavailable",
      message: /MB are to be downloaded and 100 MB are to stay free/,
    });
    assert.deepEqual(tiny.downloads(), []);
  });

  it("two processes do not download one model at the same time", async (test) => {
    const tiny = await machine(test);
    const folder = join(tiny.cacheFolder, ".locks", "models--acme--tiny", "cairn");
    mkdirSync(folder, { recursive: true });
    const lease = Lease.acquire(folder);
    await assert.rejects(tiny.pull(), { kind: "unavailable", message: /Another process/ });
    lease?.release();
    assert.ok(isAsOnHub(await tiny.pull()));
  });
});

describe("removing a model", () => {
  it("leaves nothing of it", async (test) => {
    const tiny = await machine(test);
    await tiny.pull(tinyModel(), "int8");
    await tiny.pull(tinyModel(), "fp32");
    const bytes = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);
    assert.equal(await removeModel(tiny.parts, tinyModel()), bytes);
    assert.deepEqual(tiny.stored(), []);
    assert.equal(await removeModel(tiny.parts, tinyModel()), 0);
  });

  it("says where what is known of it cannot be removed", async (test) => {
    const tiny = await machine(test);
    await tiny.pull();
    const record = join(dirname(tiny.cacheFolder), "known", "tiny.json");
    rmSync(record);
    mkdirSync(record);
    await assert.rejects(removeModel(tiny.parts, tinyModel({ revision: MAIN })), {
      kind: "unavailable",
      message: /known of the model could not be removed from .*tiny\.json \(\S/,
      hint: /CAIRN_CACHE_DIR/,
    });
  });

  it("leaves what others have downloaded of the same repository", async (test) => {
    const tiny = await machine(test);
    const { folder } = await tiny.pull();
    writeFileSync(join(folder, "README.md"), "by another program");
    const before = tiny.stored().filter((path) => /README|refs/.test(path));
    await removeModel(tiny.parts, tinyModel());
    assert.deepEqual(tiny.stored(), before);
  });

  it("leaves content that another commit shares", async (test) => {
    const tiny = await machine(test);
    const other = commit("b");
    tiny.server.repositories[REPOSITORY] = { main: MAIN, content: { [MAIN]: FILES, [other]: FILES } };
    await tiny.pull();
    const elsewhere = tinyModel({ id: "tiny-b", revision: other });
    const kept = await tiny.pull(elsewhere);
    assert.equal(kept.downloadedBytes, 0);
    assert.equal(await removeModel(tiny.parts, tinyModel()), 0);
    assert.ok(isAsOnHub(kept));
    assert.equal((await tiny.with({ offline: true }).pull(elsewhere)).downloadedBytes, 0);
  });
});
