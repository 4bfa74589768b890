import { test } from "node:test";
import { checkChunks } from "./chunk-fixture.ts";

test("Elixir: calls, attributes, clauses of one function", () => {
  checkChunks(
    "a.ex",
    `
▶ module Net > Pool
defmodule Net.Pool do
  @moduledoc """
  Connections that are not in use.
  """
  use GenServer

  ▶ function Net > Pool > acquire
  @doc "Takes one out."
  @spec acquire(pid) :: term
  def acquire(pool) when is_pid(pool) do
    GenServer.call(pool, :acquire)
  end

  ▶ function Net > Pool > reset
  # Clauses of one function stay together.
  defp reset(:all), do: :ok
  defp reset(_one), do: :error

  ▶ function Net > Pool > unless
  defmacro unless(condition, do: block) do
    quote do: if(!unquote(condition), do: unquote(block))
  end
end

▶ module Size
defimpl Size, for: Map do
  def size(map), do: map_size(map)
end

▶ function gives back what it took
test "gives back what it took" do
  assert acquire(pool()) == :connection
end
`,
  );
});

test("Haskell: a signature and its equations are one", () => {
  checkChunks(
    "a.hs",
    `
▶ text
{-# LANGUAGE GADTs #-}
module Net.Pool (acquire) where

import Data.Map (Map)

▶ type Pool
-- | Connections that are not in use.
data Pool a = Pool { size :: Int, items :: [a] } | Empty
  deriving (Show)

▶ type Id
newtype Id = Id Int
▶ type Handler
type Handler = Int -> IO ()

▶ interface Store
-- | Whatever can be stored.
class Store s where
  get :: s -> Int

▶ class Store Pool a
instance Store (Pool a) where
  get p = size p

▶ function acquire
-- | Takes one out.
acquire :: Pool a -> Maybe a
acquire Empty = Nothing
acquire (Pool _ xs) = listToMaybe xs

▶ function main
main = print 1
`,
  );
});

test("Lua: functions in tables", () => {
  checkChunks(
    "a.lua",
    `
▶ text
local M = {}

▶ function M > acquire
--- Takes one out.
-- @param owner who asks
function M.acquire(owner)
  return table.remove(M.items)
end

▶ function M > free
function M:free(item) table.insert(self.items, item) end

▶ function helper
local function helper(a) return a end

▶ function M > run
M.run = function(x) return x end

▶ constant defaults
local defaults = {
  size = 3,
  wait = 100,
}

▶ text
return M
`,
  );
});

test("Zig: types are constants, a generic type is a function", () => {
  checkChunks(
    "a.zig",
    `
▶ text
const std = @import("std");
▶ class Pool
/// A pool.
pub const Pool = struct {
    size: usize,
    ▶ method Pool > acquire
    /// Takes one.
    pub fn acquire(self: *Pool) !usize {
        return self.size;
    }
    ▶ enum Pool > Inner
    const Inner = enum { a, b };
};
▶ enum Mode
pub const Mode = enum { fast, slow };
▶ class U
const U = union(enum) { a: u8 };
▶ text
const limit = 3;
▶ function main
pub fn main() !void {}
▶ function adds
test "adds" { try main(); }
▶ class List
fn List(comptime T: type) type {
    return struct {
        pub fn push(self: *Self, x: T) void { _ = x; }
    };
}
▶ enum E
const E = error{ A, B };
`,
  );
});

test("R: assigned functions, classes and tests by call", () => {
  checkChunks(
    "a.r",
    `
▶ function acquire
#' Takes one out.
#' @param x it
acquire <- function(x) {
  x + 1
}
▶ text
limit = 3
▶ function plot.pool
plot.pool = function(p) p
▶ class Pool
setClass("Pool", representation(x = "numeric"))
▶ method Pool > show
setMethod("show", "Pool", function(object) {
  cat(1)
})
▶ class Pool
Pool <- R6Class("Pool", public = list(
  get = function() { 1 }
))
▶ function adds
test_that("adds", {
  expect_equal(1, 1)
})
`,
  );
});

test("Solidity", () => {
  checkChunks(
    "a.sol",
    `
▶ text
pragma solidity ^0.8.0;
import "./a.sol";
▶ class Bank
/// @title Bank
contract Bank is Ownable {
    uint256 public constant MAX = 3;
    ▶ type Bank > Paid
    event Paid(address who);
    ▶ type Bank > Bad
    error Bad();
    ▶ class Bank > Account
    struct Account { uint a; }
    ▶ enum Bank > Mode
    enum Mode { A, B }
    ▶ method Bank > onlyOwner
    modifier onlyOwner() { _; }
    ▶ method Bank > constructor
    constructor() {}
    ▶ method Bank > pay
    /// Pays.
    function pay(address to) public payable returns (bool) { return true; }
    ▶ method Bank > receive
    receive() external payable {}
}
▶ interface IBank
interface IBank { function pay(address to) external; }
▶ class Lib
library Lib { function f() internal {} }
▶ function free
function free() pure {}
`,
  );
});

test("Terraform: blocks by their labels", () => {
  checkChunks(
    "main.tf",
    `
▶ constant aws_s3_bucket > logs
# Where the logs go.
resource "aws_s3_bucket" "logs" {
  bucket = "logs"
  lifecycle {
    prevent_destroy = true
  }
}

▶ constant region
variable "region" {
  default = "eu"
}

▶ constant locals
locals {
  name = "logs"
}
`,
  );
});

test("CSS: rules by their selectors", () => {
  checkChunks(
    "a.css",
    `
▶ text
@import "a.css";
▶ section .button, .link:hover
/* The button. */
.button, .link:hover {
  color: red;
}
▶ section @media (max-width: 3px)
@media (max-width: 3px) {
  .a { b: c }
}
▶ section @keyframes spin
@keyframes spin { from { a: b } }
▶ section :root
:root { --x: 1px; }
▶ text
@font-face { src: x }
`,
  );
});

test("Vue: the script by its language", () => {
  checkChunks(
    "a.vue",
    `
▶ text
<template>
  <p>{{ x }}</p>
</template>

<script setup lang="ts">
import { ref } from "vue";
const x = ref(1);

▶ function go
/** Goes on. */
function go(step: number): void {
  x.value += step;
}
▶ text
</script>

<style scoped>
p { color: red; }
</style>
`,
  );
});
