import { test } from "node:test";
import { checkChunks } from "./chunk-fixture.ts";

test("TypeScript", () => {
  checkChunks(
    "a.ts",
    `
▶ text
import { sleep } from "./sleep.ts";

▶ constant LIMIT
export const LIMIT = 3;

▶ interface Options
/** How to retry. */
export interface Options {
  attempts: number;
}

▶ type Task
type Task = () => void;

▶ class Queue
@injectable()
export abstract class Queue<T> {
  private readonly items: T[] = [];
  private closed = false;

  ▶ method Queue > push
  /** Adds an item. */
  @logged
  push(item: T): void {
    this.items.push(item);
  }

  ▶ method Queue > drain
  drain = async () => {
    await this.flush();
  };
}

▶ function retry
export async function retry(task: Task): Promise<void> {
  await task();
}

▶ function pause
const pause = (ms: number) => sleep(ms);

▶ enum Mode
export const enum Mode { Fast, Slow }

▶ module Inner
namespace Inner { export const x = 1; }

▶ module pkg
declare module "pkg" { export function f(): void; }

▶ function default
export default () => retry(() => {});
`,
  );
});

test("JavaScript: exports, prototypes, tests by title, object methods", () => {
  checkChunks(
    "a.js",
    `
▶ text
"use strict";
const fs = require("fs");

▶ function retry
exports.retry = function (fn) { return fn(); };

▶ class Pool
module.exports = class Pool { take() {} };

▶ method Queue > push
Queue.prototype.push = function push(x) { this.items.push(x); };

▶ function describe
function* describe() {}

▶ function retry
describe("retry", () => {
  ▶ function retry > waits between attempts
  it("waits between attempts", async () => {
    const fake = clock();
    await retry(fake);
    expect(fake.waits).toEqual([100, 200]);
  });
});

▶ constant handlers
const handlers = {
  ▶ method handlers > open
  open() {
    return "a method of an object that is too long for one chunk";
  },
  ▶ method handlers > close
  close: () => {
    return "a property with a function is a method, too";
  },
  },
};
`,
  );
});

test("TSX", () => {
  checkChunks(
    "a.tsx",
    `
▶ function Button
/** A button. */
export const Button: React.FC<Props> = ({ label }) => {
  return <button>{label}</button>;
};

▶ function App
export default function App() { return <Button label="x" />; }
`,
  );
});

test("Python", () => {
  checkChunks(
    "a.py",
    `
▶ text
"""Module."""
import os

▶ constant LIMIT
LIMIT = 10
▶ constant handlers
handlers = {
    "a": 1,
}

▶ function index
@app.route("/")
async def index(request, *, page: int = 1) -> str:
    """Shows the index."""
    return ""


▶ class Pool
class Pool(Base):
    """A pool of connections."""

    size: int = 3

    ▶ method Pool > acquire
    # Takes one.
    def acquire(self):
        return 1

    ▶ method Pool > free
    @property
    def free(self): return 0

▶ text
if __name__ == "__main__":
    index()
`,
  );
});

test("Go: methods have their receiver as parent", () => {
  checkChunks(
    "a.go",
    `
▶ text
package queue

import "errors"

▶ constant A
const (
	A = iota
	B
)

▶ text
type (
	▶ type Option
	// Option configures.
	Option func(*Queue)
	▶ type ID
	ID string
)

▶ class Queue
// Queue is a bounded FIFO.
type Queue[T any] struct {
	items []T
}

▶ method Queue > Push
// Push adds an item.
func (q *Queue[T]) Push(item T) error {
	return nil
}

▶ function New
func New() *Queue[int] { return nil }

▶ interface Store
type Store interface {
	Get(k string) string
}
`,
  );
});

test("Rust: what is implemented for a type has the type as parent", () => {
  checkChunks(
    "a.rs",
    `
▶ text
//! A pool.
use std::fmt;

▶ class Pool
/// A pool of connections.
#[derive(Debug)]
pub struct Pool<T> {
    items: Vec<T>,
}

▶ class Pool
impl<T: Clone> Pool<T> {
    ▶ method Pool > acquire
    /// Takes one out.
    #[inline]
    pub fn acquire(&mut self) -> Option<T> {
        self.waiting.push(1);
        self.items.pop()
    }
}

▶ class Pool
impl<T> fmt::Display for net::Pool<T> { }

▶ interface Store
pub trait Store { fn get(&self, key: &str) -> Option<String>; }

▶ enum Mode
pub enum Mode { Fast, Slow }

▶ constant LIMIT
const LIMIT: usize = 10;

▶ function square
macro_rules! square { ($x:expr) => { $x * $x }; }

▶ module tests
#[cfg(test)]
mod tests { }
`,
  );
});

test("Java", () => {
  checkChunks(
    "A.java",
    `
▶ text
package com.example;

▶ class Retry
/** Retries a call. */
@Service
public class Retry<T> extends Base {
    private int count = 0;

    ▶ method Retry > run
    /** Runs it. */
    @Override
    public void run() { count++; }

    ▶ method Retry > Retry
    public Retry(int n) { this.count = n; }

    ▶ enum Retry > State
    enum State { ON, OFF }
}

▶ interface Store
interface Store { String get(String key); }

▶ class Point
record Point(int x, int y) {}
`,
  );
});

test("C", () => {
  checkChunks(
    "a.c",
    `
▶ text
#include <stdio.h>
#ifdef X
▶ function MAX
#define MAX(a, b) ((a) > (b) ? (a) : (b))

▶ class node
/* A node. */
struct node { struct node *next; };

▶ class list_t
typedef struct list { struct node *head; } list_t;

▶ type callback
typedef int (*callback)(void *data);

▶ constant table
static const int table[] = {
  1, 2, 3,
};

▶ function list_push
/** Appends a value. */
static struct node *list_push(struct list *l, int value)
{
  return 0;
}

▶ function get_fn
int (*get_fn(int a))(int) { return 0; }
▶ text
int prototype(int a);
#endif
▶ enum color
enum color { RED, GREEN };
`,
  );
});

test("C++: qualified names, templates, export macros", () => {
  checkChunks(
    "a.cpp",
    `
▶ module net
namespace net {
▶ class net > Pool
/// A pool.
template <typename T>
class Pool : public Base {
 public:
  ▶ method net > Pool > Pool
  explicit Pool(int n) : n_(n) {}
  ▶ class net > Pool
  T* acquire();
 private:
  std::vector<T> items_;
  int n_;
};

▶ method net > Pool > acquire
template <typename T>
T* Pool<T>::acquire() { return nullptr; }
▶ function net > operator==
bool operator==(const A& a, const A& b) { return true; }
▶ type net > Names
using Names = std::vector<int>;
▶ class net > Server
class NET_API Server { int port; };
▶ enum net > Mode
enum class Mode { Fast };
}
▶ method net > Server > run
int net::Server::run(int argc) { return 0; }
`,
  );
});

test("C#", () => {
  checkChunks(
    "A.cs",
    `
▶ text
using System;

namespace Shop.Orders;

▶ class Shop.Orders > Service
/// <summary>Places orders.</summary>
[Serializable]
public class Service : IService
{
    public string Name { get; set; }
    ▶ method Shop.Orders > Service > RunAsync
    public async Task<int> RunAsync(int a) { return a; }
    ▶ method Shop.Orders > Service > Service
    public Service(int x) { _x = x; }
}
▶ interface Shop.Orders > IService
public interface IService { }
▶ class Shop.Orders > Order
public record Order(int Id);
▶ enum Shop.Orders > Mode
public enum Mode { Fast }
▶ type Shop.Orders > Handler
public delegate void Handler(object sender);
`,
  );
});

test("Ruby: modules, self methods, RSpec titles", () => {
  checkChunks(
    "a.rb",
    `
▶ text
require "json"

▶ module Shop
module Shop
  ▶ class Shop > Service
  # Places orders.
  class Service < Base
    ▶ constant Shop > Service > LIMITS
    LIMITS = { a: 1,
               b: 2 }

    ▶ method Shop > Service > run
    # Runs it.
    def run(order)
      order.save!
    end

    ▶ method Shop > Service > build
    def self.build = new
  end
end

▶ class Rails > Engine
class Rails::Engine; end

▶ function Shop::Service
RSpec.describe Shop::Service do
  it("runs") { run }
end
`,
  );
});

test("PHP", () => {
  checkChunks(
    "a.php",
    `
▶ text
<?php
namespace App\\Http;

use Foo\\Bar;

▶ class App\\Http > Kernel
/** Handles requests. */
#[Attr]
final class Kernel extends Base
{
    private $a = 1;

    ▶ method App\\Http > Kernel > handle
    /** Runs. */
    public function handle(Request $r): Response
    {
        return new Response();
    }
}

▶ interface App\\Http > Y
interface Y { public function z(); }
▶ class App\\Http > T
trait T { }
▶ enum App\\Http > Suit
enum Suit: string { case A = 'a'; }
▶ function App\\Http > helper
function helper(int $x): int { return $x; }
`,
  );
});

test("Bash and PowerShell", () => {
  checkChunks(
    "run",
    `
▶ text
#!/usr/bin/env bash
set -e

▶ function usage
# Prints usage.
usage() {
  echo "usage"
}

▶ function main
function main {
  usage
}

▶ text
main "$@"
`,
  );
  checkChunks(
    "a.ps1",
    `
▶ function Get-Thing
# Gets it.
function Get-Thing {
  param([string]$Name)
  Write-Output $Name
}
▶ class Pool
class Pool { [int]$Size }
`,
  );
});
