import { test } from "node:test";
import { checkChunksByPatterns } from "./chunk-fixture.ts";

test("Kotlin, whose grammar does not load: by the look of its lines", () => {
  checkChunksByPatterns(
    "a.kt",
    `
▶ text
package net

▶ class Pool
/**
 * A pool of connections.
 */
internal open class Pool<T>(
    private val size: Int,
) : Base {
    ▶ method Pool > acquire
    // Takes one out.
    @Synchronized
    override suspend fun <R> acquire(owner: Any? = null): R {
        return items.pop()
    }
    ▶ method Pool > free
    fun free() = size
}

▶ function Pool > withOne
fun Pool<Int>.withOne(action: () -> Unit) { action() }
▶ interface Store
interface Store { fun get(key: String): String }
`,
  );
});

test("Swift and Scala", () => {
  checkChunksByPatterns(
    "a.swift",
    `
▶ text
import UIKit
▶ interface Store
public protocol Store { func get() }
▶ class View
/// A view that shows a list of things and lets people choose one of them.
public final class View: UIView
{
    ▶ method View > init
    public init(frame: CGRect) { super.init(frame: frame) }
    ▶ method View > draw
    @objc private func draw(_ rect: CGRect) {}
}
`,
  );
  checkChunksByPatterns(
    "a.scala",
    `
▶ interface Decoder
/** Decodes. */
trait Decoder[A] extends Serializable {
  ▶ method Decoder > map
  final def map[B](f: A => B): Decoder[B] = new Decoder[B] {
    ???
  }
  ▶ method Decoder > apply
  def apply(c: Cursor): Result[A]
}
▶ class Decoder
object Decoder
`,
  );
});

test("Lua, Elixir, Haskell, Zig", () => {
  checkChunksByPatterns(
    "a.lua",
    `
▶ text
local M = {}
▶ function M > open
--- Opens it.
---
--- At once.
function M.open(path)
  return io.open(path)
end
▶ function helper
local helper = function() end
▶ text
return M
`,
  );
  checkChunksByPatterns(
    "a.ex",
    `
▶ module Shop > Orders
defmodule Shop.Orders do
  ▶ function Shop > Orders > place
  @doc "Places an order and tells everybody who wants to know about it."
  @spec place(map) :: :ok
  def place(order) do
    :ok
  end
  ▶ function Shop > Orders > valid?
  defp valid?(_), do: true
end
`,
  );
  checkChunksByPatterns(
    "A.hs",
    `
▶ text
module A where
▶ type Shape
data Shape = Circle | Square
  deriving (Show)
▶ function area
-- | The area.
area :: Shape -> Double
area Circle = 3
area Square = 4
▶ class Eq Shape
instance Eq Shape where
  a == b = True
`,
  );
  checkChunksByPatterns(
    "a.zig",
    `
▶ text
const std = @import("std");
▶ class Pool
pub const Pool = struct {
    items: []u8,
    ▶ method Pool > take
    pub fn take(self: *Pool) u8 {
        const last = self.items.len - 1;
        return self.items[last] + self.offset;
    }
};
▶ function takes the last
test "takes the last" {
    try std.testing.expect(true);
}
`,
  );
});

test("schemas and scripts", () => {
  checkChunksByPatterns(
    "a.proto",
    '\n▶ text\nsyntax = "proto3";\n▶ class Order\nmessage Order {\n  string id = 1;\n}\n▶ enum Mode\nenum Mode { A = 0; }\n',
  );
  checkChunksByPatterns(
    "a.sql",
    "\n▶ type orders\nCREATE TABLE IF NOT EXISTS orders (\n  id int\n);\n▶ function shop > total\ncreate or replace function shop.total() returns int;\n",
  );
  checkChunksByPatterns(
    "main.tf",
    '\n▶ constant aws_s3_bucket\nresource "aws_s3_bucket" "logs" {\n  bucket = "logs"\n}\n',
  );
  checkChunksByPatterns(
    "Makefile",
    "\n▶ text\nCC := gcc\n▶ function build\nbuild: main.c\n\t$(CC) main.c\n▶ function test\ntest: build\n\t./a.out\n",
  );
  checkChunksByPatterns(
    "a.clj",
    "\n▶ module shop > core\n(ns shop.core)\n▶ function total\n(defn total [xs]\n  (reduce + xs))\n",
  );
});
