import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseQuery } from "../server/search/query.ts";
import { RANK_TERMS } from "../server/search/rank.ts";
import { searchSnapshot } from "../server/search/search.ts";
import { inWords } from "../shared/phrase.ts";
import { check, found, indexed } from "./search-fixture.ts";

describe("ranking", () => {
  it("puts the definition of an asked name before its uses", () =>
    check(`
--- src/client.ts
import { Session } from "./session.ts";
/** Opens a Session, uses the Session, closes the Session. */
export function connect(session: Session): Session {
  return session.open(new Session());
}
--- src/session.ts
/** State kept between requests. */
export class Session {
  open(other: Session): Session {
    return other;
  }
}
=== Session
src/session.ts Session ← defines \`Session\`
src/client.ts connect
=== class Session
src/session.ts Session ← defines \`Session\`
...
=== what does Session keep between requests?
src/session.ts Session
...
`));

  it("finds a name whatever style it is written in", () =>
    check(`
--- a.py
def retry_request(attempts):
    """Sends again."""
    return attempts
--- b.py
def unrelated(values):
    return sorted(values)
=== retryRequest
a.py retry_request ← defines \`retry_request\`
=== RETRY_REQUEST
a.py retry_request
=== retry_request(attempts)
a.py retry_request
`));

  it("tells a name from its plural", () =>
    check(`
--- src/adapter.ts
export class Adapter { convert(adapters: unknown) { return adapters; } }
--- src/adapters.ts
export class Adapters { all(adapter: unknown) { return [adapter]; } }
=== Adapter
src/adapter.ts Adapter ← defines
...
=== Adapters
src/adapters.ts Adapters ← defines
...
`));

  it("takes the last part of a qualified name", () =>
    check(`
--- lib/engine.rb
# Mounts an application inside another one.
class Engine < Railtie
  def call(env)
    app.call(env)
  end
end
--- lib/mount.rb
# Needs Rails::Engine: whatever is a Rails::Engine can be mounted.
def mount(engine)
  Rails::Engine.new(engine)
end
=== Rails::Engine
lib/engine.rb Engine ← defines \`Engine\`
lib/mount.rb mount
`));

  it("believes file names", () =>
    check(`
--- src/cookies.py
def merge(a, b):
    """Merges two jars."""
    return {**a, **b}
--- src/models.py
def build(a, b):
    """Merges cookies of a request into the jar."""
    return merge(a, b)
=== cookie storage
src/cookies.py merge ← file name matches
src/models.py build
`));

  it("lowers tests, examples and prose, unless they are asked for", () =>
    check(`
--- README.md
# Parser
The parser parses arguments of the command line.
--- examples/parser.py
def parse_arguments(line):
    """Parses arguments of the command line."""
    return line.split()
--- src/parser.py
def parse_arguments(line):
    """Parses arguments of the command line."""
    return line.split()
--- tests/test_parser.py
def test_parse_arguments(line):
    """Parses arguments of the command line."""
    assert parse_arguments("a b") == ["a", "b"]
=== how are command line arguments parsed
src/parser.py
...
=== tests of parsing arguments
tests/test_parser.py
...
=== readme of the parser
README.md
...
`));

  it("does not let one file fill the page, but an answer", async () => {
    const many = Array.from(
      { length: 8 },
      (_, i) => `/** Sends the request again, attempt ${i}. */
export function retryRequest${i}(request: Request) {
  ${`const attempt${i} = send(request, "retry the request again after a failure");\n`.repeat(8)}
}
`,
    );
    const snapshot = await indexed({
      "src/attempts.ts": many.join("\n"),
      "src/backoff.ts":
        "/** Waits before the request is tried again. */\nexport function backoff(request: Request) {}\n",
      "src/limits.ts": "/** How often a request may be sent again. */\nexport const limits = { request: 3 };\n",
    });
    const paths = found(snapshot, { query: "send the request again" }).map(({ path }) => path);
    assert.deepEqual(new Set(paths.slice(0, 5)), new Set(["src/attempts.ts", "src/backoff.ts", "src/limits.ts"]));
    const pieces = found(snapshot, { query: "send the request again", diverse: false }).map(({ path }) => path);
    assert.deepEqual(new Set(pieces.slice(0, 5)), new Set(["src/attempts.ts"]));
  });

  it("opens a file by its path", () =>
    check(`
--- server/search/rank.ts
export const order = 1;
--- server/search/rank-terms.ts
/** rank ts search server */
export const terms = 2;
--- test/rank.ts
export const other = 3;
=== search/rank.ts
server/search/rank.ts ← path matches
...
=== ./server/search/rank-terms.ts:2
server/search/rank-terms.ts ← path matches
...
`));

  it("finds what is meant without a common word", () =>
    check(`
--- src/backoff.js
/** Waits longer after each failed attempt. */
export async function retryWithBackoff(work, attempts) {
  for (let i = 0; i < attempts; i++) await work();
}
--- src/colours.js
export function mix(red, blue) {
  return [red, blue];
}
=== exponential delays
src/backoff.js ← close in meaning
...
`));

  it("finds nothing where nothing is related", () =>
    check(`
--- src/colours.js
export function mix(red, blue) {
  return [red, blue];
}
=== kubernetes ingress controller
nothing
=== машинное обучение
nothing
`));

  it("finds words of any script", () =>
    check(`
--- a.py
def send():
    # 失敗したら再試行する
    pass
--- b.py
def load():
    # читает настройки из файла
    pass
=== 再試行
a.py
=== настройки
b.py
`));

  it("finds the beginning of a word that is still being typed", () =>
    check(`
--- a.ts
export function authenticate(user: string) { return user; }
--- b.ts
export function serialise(value: unknown) { return value; }
=== authent
a.ts authenticate
`));

  it("wants every word of a quoted phrase", () =>
    check(`
--- a.ts
/** Closes the event loop. */
export function stop() {}
--- b.ts
/** Handles the event. */
export function handle() {}
=== event
b.ts
a.ts
=== "event loop"
a.ts
`));
});

describe("search", () => {
  it("says why a hit is there", async () => {
    const snapshot = await indexed({
      "src/session.ts": "/** State between requests. */\nexport class Session { close() {} }\n",
    });
    const [hit] = found(snapshot, { query: "Session" });
    assert.equal(hit.reason, "defines `Session` · file name matches · has session · close in meaning");
  });

  it("answers from words alone when the query has no vector", async () => {
    const snapshot = await indexed({ "a.ts": "export const retries = 3;\n", "b.ts": "export const colour = 1;\n" });
    const hits = searchSnapshot(snapshot, { query: "retries" }, undefined);
    assert.deepEqual(
      hits.map(({ file }) => snapshot.views[0].segment.path(file)),
      ["a.ts"],
    );
  });

  it("never returns a hidden file, and searches all views as one", async () => {
    const old = await indexed({ "a.ts": "export const retries = 1;\n", "c.ts": "export const retries = 9;\n" });
    const fresh = await indexed({ "a.ts": "export const retries = 2;\n" });
    old.views[0].dead[0] = 1;
    const both = { views: [...old.views, ...fresh.views], fileCount: 2, chunkCount: 2 };
    const hits = searchSnapshot(both, { query: "retries" }, undefined);
    assert.deepEqual(
      hits.map(({ view, file }) => `${view} ${both.views[view].segment.path(file)}`),
      ["1 a.ts", "0 c.ts"],
    );
  });

  it("keeps to the limit", async () => {
    const snapshot = await indexed({ "a.ts": "export const x1 = 'word';\n", "b.ts": "export const x2 = 'word';\n" });
    assert.equal(found(snapshot, { query: "word", limit: 1 }).length, 1);
    assert.equal(found(snapshot, { query: "word", limit: 0 }).length, 0);
    assert.equal(found(snapshot, { query: "word", limit: 1e9 }).length, 2);
  });

  it("answers an empty query, an empty index, and signs alone with nothing", async () => {
    const snapshot = await indexed({ "a.ts": "export const x1 = 'word';\n" });
    for (const query of ["", "   ", "???", "{}"]) assert.deepEqual(found(snapshot, { query }), []);
    assert.deepEqual(found({ views: [], fileCount: 0, chunkCount: 0 }, { query: "word" }), []);
  });

  it("cuts a query of a megabyte and says so", async () => {
    const snapshot = await indexed({ "a.ts": "export const retries = 'word';\n" });
    const query = `retries ${"lorem ipsum ".repeat(90_000)}`;
    assert.equal(inWords(parseQuery(query).note), "The query was cut to its first 2,000 characters.");
    assert.equal(found(snapshot, { query })[0].path, "a.ts");
  });

  it("does without any one of its terms", async () => {
    const snapshot = await indexed({ "src/session.ts": "export class Session { close() {} }\n" });
    for (const term of RANK_TERMS) {
      const [hit] = found(snapshot, { query: "Session" }, { disable: new Set([term]) });
      assert.equal(hit.path, "src/session.ts", term);
    }
    const [plain] = found(snapshot, { query: "Session" }, { disable: new Set(["definition", "file-name"]) });
    assert.equal(plain.reason, "has session · close in meaning");
  });
});

describe("filters", () => {
  const files = `
--- src/api/user.ts
export function user() { return "word"; }
--- src/api/user.test.ts
export function userTest() { return "word"; }
--- src/api.py
def user(): return "word"
--- lib/user.tsx
export class User { render() { return "word"; } }
`;

  it("by folder, file and glob", () =>
    check(`${files}
=== word | paths: src/api
src/api/user.ts
src/api/user.test.ts
=== word | paths: ./src/api/
src/api/user.ts
src/api/user.test.ts
=== word | paths: src/api.py
src/api.py
=== word | paths: *.tsx
lib/user.tsx
=== word | paths: src/**, !**/*.test.ts, !*.py
src/api/user.ts
=== word | paths: l?b/*
lib/user.tsx
=== word | paths: nowhere
nothing
`));

  it("by a path that could be a glob and is a file", () =>
    check(`
--- pages/[id].tsx
export function page() { return "word"; }
--- pages/i.tsx
export function other() { return "word"; }
--- pages/about.tsx
export function about() { return "word"; }
=== word | paths: pages/[id].tsx
pages/i.tsx
pages/[id].tsx
`));

  it("by language, with the names people use", () =>
    check(`${files}
=== word | languages: py
src/api.py
=== word | languages: ts | paths: lib
lib/user.tsx
=== word | languages: tsx
lib/user.tsx
=== word | languages: rust
nothing
`));

  it("by kind of symbol", () =>
    check(`${files}
=== word | kinds: class
lib/user.tsx User
=== word | kinds: function | languages: py
src/api.py user
`));

  it("names what is known when one is not", async () => {
    const snapshot = await indexed({ "a.ts": "export const x1 = 'word';\n" });
    assert.throws(() => found(snapshot, { query: "word", languages: ["klingon"] }), {
      kind: "input",
      message: 'There is no language "klingon" to filter by.',
      hint: /^Known languages: .*python.*typescript/,
    });
    assert.throws(() => found(snapshot, { query: "word", kinds: ["verb" as "function"] }), {
      kind: "input",
      message: 'There is no kind "verb" to filter by.',
      hint: /^Known kinds: function, method/,
    });
  });
});
