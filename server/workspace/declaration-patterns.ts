import type { ChunkKind } from "../../shared/search-types.ts";

/** A line that opens a declaration; its first group that matched is the name. */
export type DeclarationPattern = readonly [ChunkKind, RegExp];

/**
 * How declarations look in languages without a grammar, or when the grammar failed. A line is enough, since code is indented; what a pattern misses
 * is still found by its text.
 */
export const DECLARATION_PATTERNS: Readonly<Record<string, readonly DeclarationPattern[]>> = {
  kotlin: [
    ["class", /^\s*(?:[a-z]+ )*(?:class|object) (\w+)/],
    ["interface", /^\s*(?:[a-z]+ )*interface (\w+)/],
    ["function", /^\s*(?:@\w+(?:\([^)]*\))? )*(?:[a-z]+ )*fun (?:<[^(]*> ?)?([\w.`<>?, ]*?[\w`]+)\s*\(/],
    ["type", /^\s*(?:[a-z]+ )*typealias (\w+)/],
  ],
  swift: [
    ["class", /^\s*(?:@\w+ )*(?:[a-z()]+ )*(?:class|struct|actor|extension) ([\w.]+)/],
    ["interface", /^\s*(?:[a-z]+ )*protocol (\w+)/],
    ["enum", /^\s*(?:[a-z]+ )*enum (\w+)/],
    ["function", /^\s*(?:@\w+(?:\([^)]*\))? )*(?:[a-z()]+ )*func ([^\s(<]+)/],
    ["method", /^\s*(?:[a-z]+ )*(init|deinit|subscript)\b[?!]?\s*[(<{]/],
    ["type", /^\s*(?:[a-z]+ )*typealias (\w+)/],
  ],
  scala: [
    ["class", /^\s*(?:[a-z[\]]+ )*(?:class|object|enum) (\w+)/],
    ["interface", /^\s*(?:[a-z[\]]+ )*trait (\w+)/],
    ["function", /^\s*(?:[a-z[\]]+ )*def ([^\s([:=]+)/],
    ["type", /^\s*(?:[a-z[\]]+ )*type (\w+)/],
    ["constant", /^\s*(?:[a-z[\]]+ )*given (\w+)/],
  ],
  lua: [
    ["function", /^\s*(?:local )?function ([\w.:]+)/],
    ["function", /^\s*(?:local )?([\w.]+)\s*=\s*function\b/],
  ],
  elixir: [
    ["module", /^\s*(?:defmodule|defprotocol|defimpl) ([\w.]+)/],
    ["function", /^\s*(?:defp?|defmacrop?|defguardp?|defdelegate) ([^\s(,]+)/],
    ["function", /^\s*(?:describe|test) "([^"]+)"/],
  ],
  haskell: [
    ["type", /^(?:data|newtype|type(?: family)?) (?:\([^)]*\) => )?(\w+)/],
    ["interface", /^class (?:.*=> )?(\w+)/],
    ["class", /^instance (.*?)(?: where)?$/],
    ["function", /^([a-z_][\w']*)(?:, [a-z_][\w']*)*\s*::/],
  ],
  elm: [
    ["type", /^type (?:alias )?(\w+)/],
    ["function", /^([a-z]\w*) :/],
  ],
  purescript: [
    ["type", /^(?:data|newtype|type) (\w+)/],
    ["function", /^([a-z_][\w']*)\s*::/],
  ],
  zig: [
    ["function", /^\s*(?:(?:pub|export|extern|inline)(?: "\w+")? )*fn (\w+)/],
    ["class", /^\s*(?:pub )?const (\w+) = (?:extern |packed )?(?:struct|union)\b/],
    ["enum", /^\s*(?:pub )?const (\w+) = enum\b/],
    ["function", /^test "([^"]+)"/],
  ],
  dart: [
    ["class", /^\s*(?:[a-z]+ )*(?:class|mixin|extension) (\w+)/],
    ["enum", /^\s*enum (\w+)/],
    [
      "function",
      /^\s*(?:(?:static|external|override|@\w+) )*[\w<>?,[\] ]*?\b(?!if|for|while|switch|catch|return)(\w+)\([^;]*\)\s*(?:async\*?|sync\*)?\s*(?:\{|=>)\s*/,
    ],
  ],
  julia: [
    ["module", /^\s*(?:bare)?module (\w+)/],
    ["class", /^\s*(?:mutable )?struct (\w+)/],
    ["type", /^\s*(?:abstract|primitive) type (\w+)/],
    ["function", /^\s*(?:@\w+ )?(?:function|macro) ([\w.!]+)/],
    ["function", /^([\w.!]+)\([^=]*\)(?: where .*)? = /],
  ],
  r: [["function", /^\s*[`"]?([\w.<-]+?)[`"]?\s*(?:<-|=)\s*function\s*\(/]],
  perl: [
    ["module", /^package ([\w:]+)/],
    ["function", /^\s*sub (\w+)/],
  ],
  clojure: [
    ["module", /^\(ns (?:\^\S+ )?([\w.-]+)/],
    ["function", /^\(def(?:n-?|macro|multi|method|test) (?:\^\S+ )?(\S+)/],
    ["interface", /^\(defprotocol (\S+)/],
    ["class", /^\(def(?:record|type) (\S+)/],
    ["constant", /^\(def(?:once)? (?:\^\S+ )?(\S+)/],
  ],
  commonlisp: [
    ["function", /^\(def(?:un|macro|method|generic) (\S+)/],
    ["class", /^\(def(?:class|struct) \(?(\S+)/],
    ["constant", /^\(def(?:var|parameter|constant) (\S+)/],
  ],
  emacslisp: [
    ["function", /^\(def(?:un|macro|subst|ine-minor-mode|ine-derived-mode) (\S+)/],
    ["function", /^\(cl-def(?:un|macro|method|generic) (\S+)/],
    ["constant", /^\(def(?:var|const|custom|group|face|var-local) (\S+)/],
  ],
  scheme: [["function", /^\s*\(define(?:-syntax|-record-type)? \(?([^\s()]+)/]],
  racket: [["function", /^\s*\((?:define|struct)(?:-syntax|\/contract)? \(?([^\s()]+)/]],
  erlang: [
    ["module", /^-module\(([\w']+)/],
    ["class", /^-record\(([\w']+)/],
    ["function", /^([a-z]\w*)\(.*\)(?: when .*)? ->/],
  ],
  ocaml: [
    ["module", /^\s*module (?:type |rec )?(\w+)/],
    ["type", /^\s*type (?:nonrec )?(?:\([^)]*\) |'\w+ )?(\w+)/],
    ["function", /^(?:let|and)(?:%\w+)? (?:rec )?(\w+)/],
    ["function", /^\s*val (\w+)/],
  ],
  fsharp: [
    ["module", /^\s*(?:module|namespace) (?:rec )?([\w.]+)/],
    ["type", /^\s*(?:type|and) (?:private |internal )?(\w+)/],
    ["method", /^\s*(?:static |abstract |override |default )*member (?:\w+\.)?(\w+)/],
    ["function", /^(?: {0,4})let (?:rec |inline |private |internal )*(\w+)/],
  ],
  nim: [
    ["function", /^\s*(?:proc|func|method|iterator|template|macro|converter) ([\w`]+)/],
    ["type", /^\s{0,2}(?:type )?(\w+)\*? ?(?:\{[^}]*\} )?= (?:ref )?(?:object|enum|tuple)/],
  ],
  crystal: [
    ["class", /^\s*(?:abstract )?(?:class|struct) ([\w:]+)/],
    ["module", /^\s*(?:module|lib) ([\w:]+)/],
    ["enum", /^\s*enum (\w+)/],
    ["method", /^\s*(?:private |protected |abstract )?(?:def|macro) ([\w.?!=]+)/],
  ],
  groovy: [
    ["class", /^\s*(?:[a-z]+ )*class (\w+)/],
    ["interface", /^\s*(?:[a-z]+ )*(?:interface|trait) (\w+)/],
    [
      "function",
      /^\s*(?:(?:public|private|protected|static|final) )*(?:def|void|[A-Z]\w*(?:<[^>]*>)?) (\w+)\s*\([^)]*\)\s*\{/,
    ],
    ["function", /^\s*(?:task |tasks\.register\(["'])(\w+)/],
  ],
  objectivec: [
    ["class", /^@(?:interface|implementation) (\w+)/],
    ["interface", /^@protocol (\w+)\b(?!.*;)/],
    ["method", /^[-+]\s*\([^)]*\)\s*(\w+)/],
    ["function", /^(?:static |inline |extern )*[\w *]+?\b(\w+)\([^;]*\)\s*\{/],
  ],
  gdscript: [
    ["class", /^\s*class(?:_name)? (\w+)/],
    ["function", /^\s*(?:static )?func (\w+)/],
    ["enum", /^enum (\w+)/],
  ],
  solidity: [
    ["class", /^\s*(?:abstract )?(?:contract|library|struct) (\w+)/],
    ["interface", /^\s*interface (\w+)/],
    ["enum", /^\s*enum (\w+)/],
    ["function", /^\s*(?:function|modifier) (\w+)|^\s*(constructor)\b/],
  ],
  sql: [
    [
      "type",
      /^\s*create (?:or replace )?(?:temp(?:orary)? |unlogged |materialized )*(?:table|view|type) (?:if not exists )?([\w."`[\]]+)/i,
    ],
    ["function", /^\s*create (?:or replace )?(?:function|procedure|trigger) (?:if not exists )?([\w."`[\]]+)/i],
  ],
  proto: [
    ["class", /^\s*message (\w+)/],
    ["interface", /^\s*service (\w+)/],
    ["enum", /^\s*enum (\w+)/],
    ["method", /^\s*rpc (\w+)/],
  ],
  thrift: [
    ["class", /^\s*(?:struct|union|exception) (\w+)/],
    ["interface", /^\s*service (\w+)/],
    ["enum", /^\s*enum (\w+)/],
  ],
  graphql: [
    ["type", /^(?:extend )?(?:type|input|union|scalar) (\w+)/],
    ["interface", /^(?:extend )?interface (\w+)/],
    ["enum", /^(?:extend )?enum (\w+)/],
    ["function", /^(?:query|mutation|subscription|fragment|directive) @?(\w+)/],
  ],
  prisma: [
    ["class", /^(?:model|type) (\w+)/],
    ["enum", /^enum (\w+)/],
  ],
  terraform: [["constant", /^(?:resource|data|module|variable|output|provider)\s+"([^"]+)"(?:\s+"[^"]+")?\s*\{/]],
  makefile: [["function", /^([\w./%-]+(?: [\w./%-]+)*)\s*:(?![:=])/]],
  just: [["function", /^@?([\w-]+)(?: [^:=]*)?:(?!=)/]],
  cmake: [["function", /^\s*(?:function|macro)\s*\(\s*(\w+)/i]],
  fish: [["function", /^\s*function (\S+)/]],
  awk: [["function", /^\s*function (\w+)/]],
  vim: [["function", /^\s*(?:export )?(?:def|fu(?:nction)?)!? (?:<SID>|s:)?([\w:#.]+)/]],
  tcl: [["function", /^\s*proc (\S+)/]],
  pascal: [
    ["class", /^\s*(\w+)\s*=\s*(?:class|record|interface)\b/i],
    ["function", /^\s*(?:class )?(?:procedure|function|constructor|destructor) ([\w.]+)/i],
  ],
  fortran: [
    ["module", /^\s*(?:module|program|submodule \([^)]*\)) (?!procedure)(\w+)\s*$/i],
    ["function", /^\s*(?:[\w()*, ]+ )?(?:subroutine|function) (\w+)/i],
  ],
  ada: [
    ["module", /^\s*package (?:body )?([\w.]+)/i],
    ["function", /^\s*(?:procedure|function) (\w+)/i],
  ],
  d: [
    ["class", /^\s*(?:[a-z]+ )*(?:class|struct|union|template) (\w+)/],
    ["interface", /^\s*interface (\w+)/],
    ["enum", /^\s*enum (\w+)\s*(?::|$|\{)/],
  ],
  haxe: [
    ["class", /^\s*(?:[a-z]+ )*(?:class|abstract) (\w+)/],
    ["function", /^\s*(?:[a-z]+ )*function (\w+)/],
  ],
  verilog: [
    ["module", /^\s*module (\w+)/],
    ["function", /^\s*(?:function|task)\b.*?(\w+)\s*[(;]/],
  ],
  systemverilog: [
    ["module", /^\s*(?:module|package|interface|program) (\w+)/],
    ["class", /^\s*(?:virtual )?class (\w+)/],
    ["function", /^\s*(?:[a-z]+ )*(?:function|task)\b.*?(\w+)\s*[(;]/],
  ],
  vhdl: [
    ["module", /^\s*(?:entity|architecture|package(?: body)?) (\w+)/i],
    ["function", /^\s*(?:function|procedure) (\w+)/i],
  ],
  visualbasic: [
    ["class", /^\s*(?:[a-z]+ )*(?:class|module|structure) (\w+)/i],
    ["function", /^\s*(?:(?:public|private|friend|protected|shared|overrides) )*(?:sub|function|property) (\w+)/i],
  ],
  apex: [
    ["class", /^\s*(?:[a-z@]+ )*(?:class|enum|interface) (\w+)/i],
    ["method", /^\s*(?:(?:public|private|protected|global|static|override|virtual) )+[\w<>,.[\] ]+ (\w+)\s*\([^;]*$/i],
  ],
  vue: [
    ["function", /^\s*(?:export )?(?:async )?(?:function (\w+)|(?:const|let) (\w+) = (?:async )?(?:\([^)]*\)|\w+) =>)/],
  ],
  svelte: [
    ["function", /^\s*(?:export )?(?:async )?(?:function (\w+)|(?:const|let) (\w+) = (?:async )?(?:\([^)]*\)|\w+) =>)/],
  ],
};
