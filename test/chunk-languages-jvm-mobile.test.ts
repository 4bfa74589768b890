import { test } from "node:test";
import { checkChunks } from "./chunk-fixture.ts";

test("Kotlin", () => {
  checkChunks(
    "a.kt",
    `
▶ text
package net.pool

import java.io.File

/** The most. */
const val MAX_SIZE = 10

▶ class Pool
/**
 * A pool of connections.
 */
@Serializable
internal open class Pool<T>(private val size: Int) : Base {
    val items = mutableListOf<T>()
    ▶ method Pool > acquire
    // Takes one out.
    @Synchronized
    override suspend fun <R> acquire(owner: Any? = null): R {
        return items.pop()
    }
    ▶ method Pool > constructor
    constructor(a: Int, b: Int) : this(a)
    ▶ class Pool
    companion object {
        ▶ method Pool > create
        fun create(): Pool<Int> = Pool(1)
    }
    ▶ method Pool > full
    var full: Boolean
        get() = items.size == size
        set(value) {
            error("no")
        }
}

▶ function Pool > withOne
fun Pool<Int>.withOne(action: () -> Unit) { action() }
▶ class Point
data class Point(val x: Int)
▶ interface Store
interface Store {
    fun get(key: String): String
}
▶ enum Mode
enum class Mode {
    Fast,
    Slow;
    fun next() = Fast
}
▶ class Registry
object Registry { fun add(x: Int) {} }
▶ type Handler
typealias Handler = (Int) -> Unit
`,
  );
});

test("Swift", () => {
  checkChunks(
    "a.swift",
    `
▶ text
import UIKit
▶ interface Store
/// How things go.
public protocol Store { func get() -> Int
  var count: Int { get } }
▶ text
let limit = 3
▶ class View
/// A view.
@objc public final class View: UIView {
    let name: String
    ▶ method View > init
    public init(frame: CGRect) { super.init(frame: frame) }
    ▶ method View > deinit
    deinit { stop() }
    ▶ method View > draw
    @objc private func draw(_ rect: CGRect) { paint() }
    ▶ method View > area
    var area: Int {
        return 1
    }
    ▶ method View > subscript
    subscript(i: Int) -> Int { i }
}
▶ class View
extension View: Store {
    func get() -> Int { 1 }
}
▶ class Point
struct Point { var x: Int }
▶ enum Mode
enum Mode { case fast, slow(Int)
  func next() -> Mode { .fast } }
▶ class Bank
actor Bank { func pay() async {} }
▶ type Handler
typealias Handler = (Int) -> Void
▶ function main
func main() { print(1) }
`,
  );
});

test("Scala", () => {
  checkChunks(
    "a.scala",
    `
▶ text
package net.pool

import scala.util.Try

▶ interface Decoder
/** Decodes. */
trait Decoder[A] extends Serializable {
  def decode(text: String): A
  val x: Int = 1
}
▶ class Decoder
object Decoder {
  ▶ method Decoder > apply
  /** Makes one. */
  def apply[A](f: String => A): Decoder[A] = new Decoder[A] { def decode(t: String) = f(t) }
  ▶ class Decoder
  val Max = 10
  ▶ type Decoder > Id
  type Id = Int
}
▶ class Point
@deprecated
case class Point(x: Int, y: Int) { def norm = x + y }
▶ enum Color
enum Color { case Red, Green }
▶ module inner
package object inner { def y = 1 }
▶ class A
class A:
  def go(): Unit =
    println(1)
▶ constant ord
given ord: Ordering[Int] with
  def compare(a: Int, b: Int) = a - b

▶ text
given Ordering[Point] = ???
extension (p: Point)
  ▶ function flip
  def flip: Point = p
`,
  );
});

test("Dart: the body of a method stands beside its header", () => {
  checkChunks(
    "a.dart",
    `
▶ text
import 'dart:io';
▶ class Pool
/// A pool.
@immutable
class Pool<T> extends Base with Mix {
  final int size;
  static const max = 3;
  ▶ method Pool > Pool
  Pool(this.size);
  ▶ method Pool > empty
  Pool.empty() : size = 0;
  ▶ method Pool > of
  factory Pool.of(int x) { return Pool(x); }
  ▶ method Pool > acquire
  /// Takes one.
  @override
  Future<T> acquire(int owner) async {
    return items.pop();
  }
  ▶ method Pool > count
  int get count => 1;
  ▶ method Pool > count
  set count(int x) { y = x; }
  ▶ method Pool > operator ==
  operator ==(Object o) { return true; }
}
▶ class Mix
mixin Mix on Base { void go() {} }
▶ class Ext
extension Ext on String { int get n => 1; }
▶ enum Mode
enum Mode { fast, slow }
▶ type Handler
typedef Handler = void Function(int);
▶ function main
void main() { print(1); }
▶ text
const limit = 3;
▶ class Store
abstract class Store { int get(String k); }
`,
  );
});
