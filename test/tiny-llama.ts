import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { normal, randomNumbers } from "./delta-fixture.ts";
import { GgmlType, gguf } from "./gguf-fixture.ts";

const EMBEDDING = 64;
const LAYERS = 2;
const HEADS = 4;
const FEED_FORWARD = 128;
/** Pieces of words that are learnt: enough that a token is about three letters of English or code. */
const MERGES = 600;

const SPECIAL = ["<|im_start|>", "<|im_end|>"];
const TEMPLATE =
  "{%- for m in messages -%}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{%- endfor -%}" +
  "{%- if add_generation_prompt -%}<|im_start|>assistant\n{%- endif -%}";

/** Words as GPT-2's vocabulary separates them. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/**
 * Writes a language model of the llama architecture: real layers, a vocabulary learnt from Cairn's own texts, a chat
 * template, and random weights. It answers in nonsense, the same for every run, and never comes to an end by itself.
 */
export function writeTinyLlama(path: string, { contextLength = 8192 } = {}): void {
  writeFileSync(path, tinyLlama(contextLength));
}

function tinyLlama(contextLength: number): Uint8Array {
  const { pieces, merges } = learnVocabulary();
  const tokens = [...pieces, ...SPECIAL];
  const end = tokens.length - 1;
  const random = randomNumbers(7);
  const matrix = (name: string, cols: number, rows: number) => {
    const values = Float32Array.from({ length: cols * rows }, () => normal(random, 1 / Math.sqrt(cols)));
    return { name, type: GgmlType.F32, sizes: [cols, rows], bytes: new Uint8Array(values.buffer) };
  };
  const ones = (name: string) => {
    const bytes = new Uint8Array(new Float32Array(EMBEDDING).fill(1).buffer);
    return { name, type: GgmlType.F32, sizes: [EMBEDDING], bytes };
  };
  const output = matrix("output.weight", EMBEDDING, tokens.length);
  // Nothing speaks for the special tokens: others are always likelier.
  output.bytes.fill(0, 4 * EMBEDDING * pieces.length);
  const layers = Array.from({ length: LAYERS }, (_, i) => [
    ones(`blk.${i}.attn_norm.weight`),
    ...["q", "k", "v", "output"].map((part) => matrix(`blk.${i}.attn_${part}.weight`, EMBEDDING, EMBEDDING)),
    ones(`blk.${i}.ffn_norm.weight`),
    matrix(`blk.${i}.ffn_gate.weight`, EMBEDDING, FEED_FORWARD),
    matrix(`blk.${i}.ffn_up.weight`, EMBEDDING, FEED_FORWARD),
    matrix(`blk.${i}.ffn_down.weight`, FEED_FORWARD, EMBEDDING),
  ]);
  const metadata = {
    "general.architecture": "llama",
    "general.name": "tiny",
    "llama.block_count": LAYERS,
    "llama.context_length": contextLength,
    "llama.embedding_length": EMBEDDING,
    "llama.feed_forward_length": FEED_FORWARD,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": HEADS,
    "llama.attention.layer_norm_rms_epsilon": Float32Array.of(1e-5),
    "llama.rope.dimension_count": EMBEDDING / HEADS,
    "llama.vocab_size": tokens.length,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": Int32Array.from(tokens, (_, i) => (i < pieces.length ? 1 : 3)),
    "tokenizer.ggml.merges": merges,
    "tokenizer.ggml.eos_token_id": end,
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.chat_template": TEMPLATE,
  };
  const embedding = matrix("token_embd.weight", EMBEDDING, tokens.length);
  return gguf(metadata, [embedding, ones("output_norm.weight"), output, ...layers.flat()]);
}

/** Byte-pair encoding: the most frequent pair of neighbours becomes one piece, again and again. */
function learnVocabulary(): { pieces: string[]; merges: string[] } {
  const root = dirname(import.meta.dirname);
  const texts = ["README.md", "ARCHITECTURE.md", "server/answer/answer.ts"];
  const counts = new Map<string, number>();
  for (const [word] of texts
    .map((name) => readFileSync(join(root, name), "utf8"))
    .join("\n")
    .matchAll(WORDS)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => ({ parts: [...Buffer.from(word)].map(letterOf), count }));
  const pieces = Array.from({ length: 256 }, (_, byte) => letterOf(byte));
  const merges: string[] = [];
  const pairs = new Map<string, Pair>();
  const countPairs = (index: number, sign: 1 | -1) => {
    const { parts, count } = words[index];
    for (let i = 1; i < parts.length; i++) {
      const name = `${parts[i - 1]} ${parts[i]}`;
      const pair = pairs.get(name) ?? { count: 0, words: new Set() };
      pair.count += sign * count;
      if (sign === 1) pair.words.add(index);
      else pair.words.delete(index);
      pairs.set(name, pair);
    }
  };
  for (const index of words.keys()) countPairs(index, 1);
  while (merges.length < MERGES) {
    const most = Math.max(...[...pairs.values()].map(({ count }) => count));
    const equal = [...pairs].filter(([, { count }]) => count === most);
    // Of several the one that comes first in the texts.
    const [best, { words: holders }] = equal.reduce((first, pair) =>
      firstPlace(pair) < firstPlace(first) ? pair : first,
    );
    const [left, right] = best.split(" ");
    merges.push(best);
    pieces.push(left + right);
    for (const index of [...holders]) {
      const { parts } = words[index];
      countPairs(index, -1);
      for (let i = 1; i < parts.length; i++) {
        if (parts[i - 1] === left && parts[i] === right) parts.splice(i - 1, 2, left + right);
      }
      countPairs(index, 1);
    }
  }
  return { pieces: [...new Set(pieces)], merges };

  function firstPlace([name, { words: holders }]: [string, Pair]): number {
    const word = Math.min(...holders);
    const { parts } = words[word];
    const within = parts.findIndex((part, i) => `${part} ${parts[i + 1]}` === name);
    return word + within / parts.length;
  }
}

/** Two pieces that follow each other, with the words that they do it in. */
interface Pair {
  count: number;
  words: Set<number>;
}

/** GPT-2 writes each byte as a letter that can be seen: the printable ones as they are, the others from U+0100 on. */
function letterOf(byte: number): string {
  const printable = (code: number) => (code > 32 && code < 127) || (code > 160 && code !== 173);
  if (printable(byte)) return String.fromCharCode(byte);
  let before = 0;
  for (let code = 0; code < byte; code++) if (!printable(code)) before++;
  return String.fromCharCode(256 + before);
}
