import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { findSymbols } from "../server/search/symbols.ts";
import { decodeRecord, encodeRecord } from "../server/store/record-codec.ts";
import { openSegment, SEGMENT_DIMS, type SegmentView, type Snapshot } from "../server/store/segment.ts";
import { buildSegment, mergeSegments } from "../server/store/segment-build.ts";
import { createChunker } from "../server/workspace/chunk-file.ts";
import { recordOf } from "../server/workspace/index-file.ts";

const chunker = await createChunker();
after(() => chunker.close());

type Files = Readonly<Record<string, string>>;

function segmentOf(files: Files) {
  return openSegment(
    buildSegment(
      Object.entries(files).map(([path, text]) => {
        const record = decodeRecord(encodeRecord(recordOf(chunker.chunk(path, text))));
        const codes = new Int8Array(record.chunks.length * SEGMENT_DIMS);
        return { path, content: "0".repeat(32), record, codes, scales: new Float32Array(record.chunks.length) };
      }),
    ),
  );
}

function snapshotOf(...segments: { segment: SegmentView["segment"]; dead?: readonly string[] }[]): Snapshot {
  const views = segments.map(({ segment, dead = [] }) => ({
    segment,
    dead: Uint8Array.from({ length: segment.fileCount }, (_, file) => (dead.includes(segment.path(file)) ? 1 : 0)),
    dots: () => new Int32Array(segment.chunkCount),
  }));
  return { views, fileCount: 0, chunkCount: 0 };
}

/** What `workspace/symbol` gives, as `first-last kind parents > name`. */
function symbols(snapshot: Snapshot, query: string, limit = 100): string[] {
  return findSymbols(snapshot, query, limit).map(
    ({ startLine, endLine, kind, parents, name }) =>
      `${startLine}-${endLine} ${kind} ${[...parents, name].join(" > ")}`,
  );
}

function names(files: Files, query: string, limit = 100): string[] {
  return findSymbols(snapshotOf({ segment: segmentOf(files) }), query, limit).map(({ name }) => name);
}

/** The source has `◀ kind parents > name` behind the first line of every symbol there is. */
function checkSymbols(path: string, fixture: string): void {
  const annotated = fixture.replace(/^\n/, "");
  const lines = annotated.replace(/[ \t]*◀.*$/gm, "").split("\n");
  const snapshot = snapshotOf({ segment: segmentOf({ [path]: lines.join("\n") }) });
  for (const { startLine, kind, parents, name } of findSymbols(snapshot, "", 1000)) {
    lines[startLine - 1] += ` ◀ ${kind} ${[...parents, name].join(" > ")}`;
  }
  assert.equal(lines.join("\n"), annotated);
}

describe("every declaration of a small file is a symbol at its own line", () => {
  it("TypeScript", () => {
    checkSymbols(
      "queue.ts",
      `
import { sleep } from "./sleep.ts";
const fs = require("node:fs");

/** How many times. */
export const LIMIT = 3; ◀ constant LIMIT
export const router = createRouter(); ◀ constant router
let timer: Timer | undefined; ◀ constant timer

interface Options { ◀ interface Options
  attempts: number;
  retry(task: Task): void; ◀ method Options > retry
}

export type Task = () => void; ◀ type Task
enum Mode { ◀ enum Mode
  Fast, ◀ constant Mode > Fast
  Slow = 2, ◀ constant Mode > Slow
}

/** Keeps items. */
@injectable({ scope: "(" })
export class Queue { ◀ class Queue
  #items = [];

  /** Adds one. */
  @logged()
  push(item: string): void { ◀ method Queue > push
    const local = () => item;
    this.#items.push(local());
  }

  drain = async () => {}; ◀ method Queue > drain
}

const handlers = { ◀ constant handlers
  open() {}, ◀ method handlers > open
  close: () => {}, ◀ method handlers > close
  size: 3,
};

namespace Inner { ◀ module Inner
  export function deep() {} ◀ function Inner > deep
}

export default function main() { ◀ function main
  function inner() {}
  inner();
}
`,
    );
  });

  it("Python", () => {
    checkSymbols(
      "pool.py",
      `
import os

logger = get_logger() ◀ constant logger
LIMIT = 10 ◀ constant LIMIT


class Pool(Base): ◀ class Pool
    """Keeps connections."""

    kind = "pool"

    @property
    def size(self): ◀ method Pool > size
        return len(self.items)

    class Error(Exception): ◀ class Pool > Error
        def text(self): ◀ method Pool > Error > text
            return ""


@app.route(
    "/"
)
def index(): ◀ function index
    def local():
        pass


try:
    import fast
except ImportError:
    def slow(): ◀ function slow
        pass
`,
    );
  });

  it("Go", () => {
    checkSymbols(
      "pool.go",
      `
package pool

const ( ◀ constant Idle
	Idle = iota
	Busy ◀ constant Busy
)

var ErrClosed = errors.New("closed") ◀ constant ErrClosed

// Pool keeps connections.
type Pool struct { ◀ class Pool
	size int
}

type Reader interface { ◀ interface Reader
	Read(p []byte) (int, error) ◀ method Reader > Read
}

// Take gives one.
func (p *Pool) Take() int { return p.size } ◀ method Pool > Take

func New() *Pool { ◀ function New
	size := 1
	return &Pool{size}
}
`,
    );
  });

  it("Rust", () => {
    checkSymbols(
      "pool.rs",
      `
pub const LIMIT: usize = 3; ◀ constant LIMIT

/// Keeps connections.
#[derive(Debug)]
pub struct Pool { ◀ class Pool
    size: usize,
}

enum State { ◀ enum State
    Idle, ◀ constant State > Idle
    Busy(u8), ◀ constant State > Busy
}

trait Take { ◀ interface Take
    fn take(&self) -> usize; ◀ method Take > take
}

impl Take for Pool {
    fn take(&self) -> usize { ◀ method Pool > take
        self.size
    }
}

mod inner { ◀ module inner
    pub fn deep() {} ◀ function inner > deep
}
`,
    );
  });

  it("Java", () => {
    checkSymbols(
      "Pool.java",
      `
package net;

/** Keeps connections. */
@Component
public class Pool { ◀ class Pool
    private static final int LIMIT = 3; ◀ constant Pool > LIMIT
    private int size;

    public Pool() {} ◀ method Pool > Pool

    @Override
    @Path(value = "a)")
    public int take() { return size; } ◀ method Pool > take

    enum State { ◀ enum Pool > State
        IDLE, BUSY; ◀ constant Pool > State > IDLE ◀ constant Pool > State > BUSY

        boolean free() { return this == IDLE; } ◀ method Pool > State > free
    }

    interface Listener { ◀ interface Pool > Listener
        void taken(); ◀ method Pool > Listener > taken
    }
}
`,
    );
  });

  it("C++", () => {
    checkSymbols(
      "pool.cpp",
      `
#ifndef POOL_H
#define POOL_H
#define POOL_LIMIT 3 ◀ constant POOL_LIMIT

namespace net { ◀ module net

enum class State { ◀ enum net > State
  Idle, ◀ constant net > State > Idle
};

/// Keeps connections.
template <class T>
class Pool { ◀ class net > Pool
 public:
  Pool(); ◀ method net > Pool > Pool
  virtual ~Pool() = default; ◀ method net > Pool > ~Pool
  virtual T take(int wait) const = 0; ◀ method net > Pool > take
  int size() const { return size_; } ◀ method net > Pool > size

 private:
  struct Entry { ◀ class net > Pool > Entry
    T value;
  };
  int size_;
};

int open(const char* name);
int opened = 0; ◀ constant net > opened

int Server::listen() { return opened; } ◀ method net > Server > listen

}  // namespace net
#endif
`,
    );
  });

  it("C", () => {
    checkSymbols(
      "pool.c",
      `
typedef struct pool { ◀ class pool_t ◀ class pool
  int size;
} pool_t;

enum state { IDLE, BUSY }; ◀ enum state ◀ constant state > IDLE ◀ constant state > BUSY

static int take(pool_t *pool) { return pool->size; } ◀ function take
`,
    );
  });

  it("C#", () => {
    checkSymbols(
      "Pool.cs",
      `
namespace Net; 

[Serializable]
public class Pool { ◀ class Net > Pool
  public int Size { get; set; } ◀ method Net > Pool > Size

  [Obsolete("use Take()")]
  public int Get() => Size; ◀ method Net > Pool > Get
  enum State { Idle } ◀ enum Net > Pool > State ◀ constant Net > Pool > State > Idle
}
`.replace("; \n", ";\n"),
    );
  });

  it("Ruby", () => {
    checkSymbols(
      "pool.rb",
      `
module Net ◀ module Net
  class Pool ◀ class Net > Pool
    LIMIT = 3 ◀ constant Net > Pool > LIMIT

    def take ◀ method Net > Pool > take
      @size
    end

    class << self
      def open; end ◀ method Net > Pool > open
    end

    private def reset; end ◀ method Net > Pool > reset
  end
end
`,
    );
  });

  it("PHP", () => {
    checkSymbols(
      "pool.php",
      `
<?php
namespace Net;

enum State: string { ◀ enum Net > State
    case Idle = 'idle'; ◀ constant Net > State > Idle
}

class Pool { ◀ class Net > Pool
    const LIMIT = 3; ◀ constant Net > Pool > LIMIT

    #[Pure]
    public function take() { return 1; } ◀ method Net > Pool > take
}

if (!function_exists('take')) {
    function take() {} ◀ function Net > take
}
`,
    );
  });

  it("a language without a grammar", () => {
    checkSymbols(
      "pool.kt",
      `
class Pool { ◀ class Pool
    /** Gives one. */
    fun take(): Int { ◀ method Pool > take
        fun local() = 1
        return local()
    }
}

fun open() = Pool() ◀ function open
`,
    );
  });
});

describe("symbols of long code", () => {
  const body = (lines: number) =>
    Array.from({ length: lines }, (_, i) => `    total += price[${i}] * count[${i}];`).join("\n");

  it("a function that is several chunks is one symbol, from its first line to its last", () => {
    const source = `/** Adds. */\nfunction sum() {\n${body(100)}\n}\n`;
    assert.equal(chunker.chunk("a.ts", source).chunks.length > 2, true);
    assert.deepEqual(symbols(snapshotOf({ segment: segmentOf({ "a.ts": source }) }), "sum"), ["2-103 function sum"]);
  });

  it("of a divided class every member is a symbol once, whether it is a chunk or shares one", () => {
    const source = `class Cart {\n  clear() {}\n  empty() {}\n  total() {\n${body(60)}\n  }\n  tax() {}\n}\n`;
    assert.deepEqual(symbols(snapshotOf({ segment: segmentOf({ "a.ts": source }) }), ""), [
      "1-67 class Cart",
      "2-2 method Cart > clear",
      "3-3 method Cart > empty",
      "4-65 method Cart > total",
      "66-66 method Cart > tax",
    ]);
  });

  it("the symbol terms of a chunk hold the names of all that it declares", () => {
    const segment = segmentOf({ "a.ts": "class Cart {\n  clearEverything() {}\n}\n" });
    assert.deepEqual(
      ["cart", "cleareverything", "clear", "everything"].map((term) =>
        segment.frequency("symbol", segment.findTerm(term)),
      ),
      [1, 1, 1, 1],
    );
  });
});

describe("finding symbols by name", () => {
  const FILES = {
    "a.ts": "function retry() {}\nfunction retryWithBackoff() {}\nfunction autoRetry() {}\nfunction poetry() {}\n",
    "b.ts": "function runTheEntry() {}\nfunction other() {}\n",
  };

  it("whole names first, then beginnings, words, parts, and letters in order", () => {
    assert.deepEqual(names(FILES, "Retry"), ["retry", "retryWithBackoff", "autoRetry", "runTheEntry"]);
    assert.deepEqual(names(FILES, "etry"), ["retry", "poetry", "autoRetry", "retryWithBackoff", "runTheEntry"]);
    assert.deepEqual(names(FILES, "rWB"), ["retryWithBackoff"]);
    assert.deepEqual(names(FILES, "retry with"), ["retryWithBackoff"]);
    assert.deepEqual(names(FILES, "xyz"), []);
  });

  it("no more than asked for, the best of them", () => {
    assert.deepEqual(names(FILES, "r", 2), ["retry", "runTheEntry"]);
    assert.equal(names(FILES, "", 3).length, 3);
  });

  it("names in any script", () => {
    assert.deepEqual(names({ "a.py": "def größe(): pass\ndef 大きさ(): pass\n" }, "GRÖ"), ["größe"]);
    assert.deepEqual(names({ "a.py": "def größe(): pass\ndef 大きさ(): pass\n" }, "きさ"), ["大きさ"]);
  });

  it("headings only where there is no declaration of that name", () => {
    const guide = "# Guide\n\nText.\n\n## Retry policy\n\nText.\n";
    assert.deepEqual(names({ "a.md": guide }, "retry"), ["Retry policy"]);
    assert.deepEqual(names({ "a.md": guide, ...FILES }, "retry").includes("Retry policy"), false);
    assert.deepEqual(symbols(snapshotOf({ segment: segmentOf({ "a.md": guide }) }), "policy"), [
      "5-7 section Guide > Retry policy",
    ]);
  });

  it("a file that was replaced or removed gives no symbols", () => {
    const segment = segmentOf(FILES);
    const replaced = segmentOf({ "a.ts": "\n\nfunction retry() {}\n" });
    assert.deepEqual(symbols(snapshotOf({ segment, dead: ["a.ts"] }, { segment: replaced }), "retry"), [
      "3-3 function retry",
      "1-1 function runTheEntry",
    ]);
  });

  it("merged segments give the same symbols", () => {
    const one = segmentOf(FILES);
    const two = segmentOf({ "c.ts": "class Retry {\n  again() {}\n}\n", "d.ts": "function gone() {}\n" });
    const dead = (segment: SegmentView["segment"], path: string) =>
      Uint8Array.from({ length: segment.fileCount }, (_, file) => (segment.path(file) === path ? 1 : 0));
    const merged = openSegment(
      mergeSegments([
        { segment: one, dead: dead(one, "b.ts") },
        { segment: two, dead: dead(two, "d.ts") },
      ]),
    );
    assert.deepEqual(
      symbols(snapshotOf({ segment: merged }), "").toSorted(),
      symbols(snapshotOf({ segment: one, dead: ["b.ts"] }, { segment: two, dead: ["d.ts"] }), "").toSorted(),
    );
    assert.deepEqual(merged.symbols(merged.firstChunk[1]), [
      { name: "Retry", kind: "class", parents: [], line: 1, endLine: 3 },
      { name: "again", kind: "method", parents: ["Retry"], line: 2, endLine: 2 },
    ]);
  });
});
