import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { TinyBert } from "../server/bench/tiny-bert.ts";
import { Engine } from "../server/native/engine.ts";
import type { EngineModel, Pooling, TextKind } from "../server/native/engine-model.ts";

/** The model that engines run in tests. */
export const bert = new TinyBert({ hidden: 32, layers: 2, heads: 4, inner: 64, positions: 128 });
export const WORDS = "read write file cache error retry loop find open close parse token line word index search".split(
  " ",
);
export const TEXTS = [
  "read the file",
  "retry",
  "a cache of the index",
  "parse a token line word loop find open close error write",
];

export async function started(test: TestContext, model: EngineModel): Promise<Engine> {
  const engine = await Engine.start(model, { threads: 1 });
  test.after(() => engine.close());
  return engine;
}

/** The vectors that the engine gives, a list a text. */
export async function embedded(engine: Engine, texts: readonly string[], kind: TextKind): Promise<number[][]> {
  const { vectors } = await engine.embed(texts, kind);
  return texts.map((_, i) => Array.from(vectors.subarray(i * 32, (i + 1) * 32)));
}

/** The same worked out one number after the other, for texts that fit into the model. */
export function workedOut(texts: readonly string[], prefix: string, pooling: Pooling): number[][] {
  return texts.map((text) => bert.embedding(bert.wrapped(bert.tokens(prefix + text)), pooling));
}

export function assertClose(found: readonly number[][], expected: readonly number[][], tolerance = 1e-4): void {
  assert.equal(found.length, expected.length);
  const worst = Math.max(...found.flatMap((vector, i) => vector.map((value, d) => Math.abs(value - expected[i][d]))));
  assert.ok(worst <= tolerance, `off by ${worst}`);
}
