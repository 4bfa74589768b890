/** A model in the shape of BERT with random weights: as the ONNX file that an engine loads, and as plain arithmetic. */

import { randomNumbers } from "../measure/random-numbers.ts";
import { FLOAT, FLOAT16, OnnxGraph, OWN } from "./onnx-writer.ts";
import { BLOCK, inFourBits, type Packing, withFourBits } from "./packed-weights.ts";

export interface Shape {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly inner: number;
  readonly positions: number;
}

export interface OnnxForm {
  /** Without, as models that know no pairs of texts are. */
  readonly tokenTypes?: boolean;
  /** What the model gives: vectors of the tokens, the same in half precision, or the mean of a text's. */
  readonly output?: "tokens" | "half" | "pooled";
  /** How the file has the weights, and with `f16` computes; in four bits it has those of the layers of sums. */
  readonly precision?: FilePrecision;
}

export type FilePrecision = "fp32" | "fp16" | Packing | "q4f16";

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
/** Every word that the tests use; without others the tokenizer knows no more. */
export const WORDS = [
  ...SPECIAL,
  ..."a of the read write file cache error retry loop query passage find open close parse token line word index search".split(
    " ",
  ),
  ":",
];

const SPREAD = 0.15;
export const EPSILON = 1e-12;

export class TinyBert {
  readonly shape: Shape;
  readonly #words: readonly string[];
  readonly #weights = new Map<string, Float32Array>();

  /** @param words pieces that the tokenizer knows, those within a word with `##` before them */
  constructor(shape: Shape, seed = 11, words: readonly string[] = WORDS.slice(SPECIAL.length)) {
    this.shape = shape;
    this.#words = [...SPECIAL, ...words];
    const random = randomNumbers(seed);
    const number = () => (2 * random() - 1) * SPREAD;
    const { hidden, inner, layers, positions } = shape;
    const add = (name: string, length: number, around = 0) =>
      this.#weights.set(
        name,
        Float32Array.from({ length }, () => around + number()),
      );
    add("words", this.#words.length * hidden);
    add("positions", positions * hidden);
    add("types", 2 * hidden);
    const norm = (name: string) => {
      add(`${name}.scale`, hidden, 1);
      add(`${name}.shift`, hidden);
    };
    const linear = (name: string, from: number, to: number) => {
      add(`${name}.weight`, from * to);
      add(`${name}.bias`, to);
    };
    norm("embedded");
    for (let layer = 0; layer < layers; layer++) {
      for (const part of ["query", "key", "value", "attended"]) linear(`${layer}.${part}`, hidden, hidden);
      linear(`${layer}.grow`, hidden, inner);
      linear(`${layer}.shrink`, inner, hidden);
      norm(`${layer}.first`);
      norm(`${layer}.second`);
    }
  }

  /** The files that a repository on the Hub would have. */
  files(form: OnnxForm = {}): Record<string, Uint8Array> {
    return {
      "config.json": Buffer.from(JSON.stringify({ model_type: "bert", hidden_size: this.shape.hidden })),
      "tokenizer.json": Buffer.from(JSON.stringify(tokenizer(this.#words))),
      "tokenizer_config.json": Buffer.from(JSON.stringify({ tokenizer_class: "BertTokenizer", pad_token: "[PAD]" })),
      "onnx/model_quantized.onnx": this.onnx(form),
    };
  }

  /** The tokens of a text of words between spaces, without special ones. */
  tokens(text: string): number[] {
    return (text.match(/:|[^\s:]+/g) ?? []).map((word) =>
      Math.max(this.#words.indexOf(word), SPECIAL.indexOf("[UNK]")),
    );
  }

  /** The same between the tokens that open and close a text. */
  wrapped(tokens: readonly number[]): number[] {
    return [SPECIAL.indexOf("[CLS]"), ...tokens, SPECIAL.indexOf("[SEP]")];
  }

  /** The same model with the numbers that a file of a precision has. */
  rounded(precision: FilePrecision): TinyBert {
    const rounded = new TinyBert(this.shape, 0, this.#words.slice(SPECIAL.length));
    for (const [name, weight] of this.#weights) {
      const packing = packingOf(precision, name);
      const own = packing ? withFourBits(weight, this.#columns(name), packing) : weight;
      rounded.#weights.set(name, isHalf(precision) ? new Float32Array(new Float16Array(own)) : own);
    }
    return rounded;
  }

  onnx({ tokenTypes = true, output = "tokens", precision = "fp32" }: OnnxForm = {}): Buffer {
    const { hidden, heads, inner, layers, positions } = this.shape;
    const graph = new OnnxGraph();
    const numbers = (values: Iterable<number>) =>
      isHalf(precision) ? Float16Array.from(values) : Float32Array.from(values);
    const weight = (name: string, ...dims: readonly number[]) => graph.constant(name, dims, numbers(this.weight(name)));
    const scalar = (name: string, value: number) => graph.constant(name, [], numbers([value]));
    const product = (x: string, name: string, from: number, to: number) => {
      const packing = packingOf(precision, name);
      if (!packing) return graph.node("MatMul", [x, weight(name, from, to)]);
      const { codes, scales } = inFourBits(this.weight(name), to, packing);
      const shape = packing === "q4" ? [to, from / BLOCK, BLOCK / 2] : [codes.length];
      const packed = graph.constant(`${name} packed`, shape, codes);
      const inputs = [x, packed, graph.constant(`${name} scales`, [scales.length], numbers(scales))];
      const sizes = { K: from, N: to, block_size: BLOCK };
      return packing === "q4"
        ? graph.node("MatMulNBits", inputs, { ...sizes, bits: 4 }, OWN)
        : graph.node("MatMulBnb4", inputs, { ...sizes, quant_type: 1 }, OWN);
    };
    const linear = (x: string, name: string, from: number, to: number) =>
      graph.node("Add", [product(x, `${name}.weight`, from, to), weight(`${name}.bias`, to)]);
    const norm = (x: string, name: string) =>
      graph.node("LayerNormalization", [x, weight(`${name}.scale`, hidden), weight(`${name}.shift`, hidden)], {
        axis: -1,
        epsilon: { float: EPSILON },
      });

    const length = graph.node("Gather", [graph.node("Shape", ["input_ids"]), graph.integers("one", 1)], { axis: 0 });
    const all = graph.constant(
      "all positions",
      [1, positions],
      BigInt64Array.from({ length: positions }, (_, i) => BigInt(i)),
    );
    const place = graph.node("Slice", [all, graph.integers("zero", 0), length, graph.integers("axis", 1)]);
    const words = graph.node("Gather", [weight("words", this.#words.length, hidden), "input_ids"]);
    const types = tokenTypes
      ? graph.node("Gather", [weight("types", 2, hidden), "token_type_ids"])
      : graph.constant("type 0", [hidden], numbers(this.weight("types").subarray(0, hidden)));
    const placed = graph.node("Gather", [weight("positions", positions, hidden), place]);
    let x = norm(graph.node("Add", [graph.node("Add", [words, types]), placed]), "embedded");

    const mask = graph.node("Cast", ["attention_mask"], { to: isHalf(precision) ? FLOAT16 : FLOAT });
    const missing = graph.node("Sub", [
      scalar("1.0", 1),
      graph.node("Unsqueeze", [mask, graph.integers("heads and queries", 1, 2)]),
    ]);
    const penalty = graph.node("Mul", [missing, scalar("much", -10_000)]);
    const split = graph.integers("split", 0, 0, heads, hidden / heads);
    for (let layer = 0; layer < layers; layer++) {
      const byHead = (part: string, perm: readonly number[]) =>
        graph.node("Transpose", [graph.node("Reshape", [linear(x, `${layer}.${part}`, hidden, hidden), split])], {
          perm,
        });
      const scores = graph.node("Div", [
        graph.node("MatMul", [byHead("query", [0, 2, 1, 3]), byHead("key", [0, 2, 3, 1])]),
        scalar("root", Math.sqrt(hidden / heads)),
      ]);
      const shares = graph.node("Softmax", [graph.node("Add", [scores, penalty])], { axis: -1 });
      const mixed = graph.node("Transpose", [graph.node("MatMul", [shares, byHead("value", [0, 2, 1, 3])])], {
        perm: [0, 2, 1, 3],
      });
      const joined = graph.node("Reshape", [mixed, graph.integers("join", 0, 0, hidden)]);
      x = norm(graph.node("Add", [linear(joined, `${layer}.attended`, hidden, hidden), x]), `${layer}.first`);
      const grown = linear(x, `${layer}.grow`, hidden, inner);
      const bent = graph.node("Erf", [graph.node("Div", [grown, scalar("root of 2", Math.SQRT2)])]);
      const gelu = graph.node("Mul", [
        graph.node("Mul", [grown, graph.node("Add", [bent, scalar("1.0", 1)])]),
        scalar("half", 0.5),
      ]);
      x = norm(graph.node("Add", [linear(gelu, `${layer}.shrink`, inner, hidden), x]), `${layer}.second`);
    }
    const inputs = ["input_ids", "attention_mask", ...(tokenTypes ? ["token_type_ids"] : [])];
    const half = output === "half" || isHalf(precision);
    if (output !== "pooled") {
      const from = output === "half" ? graph.node("Cast", [x], { to: FLOAT16 }) : x;
      return graph.file(inputs, { name: "last_hidden_state", from, half, dims: ["batch", "sequence", hidden] });
    }
    const counted = graph.node("Mul", [x, graph.node("Unsqueeze", [mask, graph.integers("last", 2)])]);
    const sum = graph.node("ReduceSum", [counted, graph.integers("axis", 1)], { keepdims: 0 });
    const count = graph.node("ReduceSum", [mask, graph.integers("axis", 1)], { keepdims: 1 });
    return graph.file(inputs, {
      name: "sentence_embedding",
      from: graph.node("Div", [sum, count]),
      half,
      dims: ["batch", hidden],
    });
  }

  /** The vectors of tokens, worked out one number after the other. */
  forward(tokens: readonly number[]): number[][] {
    const { hidden, heads, inner, layers } = this.shape;
    const row = (name: string, index: number) => this.weight(name).subarray(index * hidden, (index + 1) * hidden);
    let x = tokens.map((token, place) => {
      const [word, position, type] = [row("words", token), row("positions", place), row("types", 0)];
      return this.#norm(
        "embedded",
        Array.from(word, (value, i) => value + position[i] + type[i]),
      );
    });
    for (let layer = 0; layer < layers; layer++) {
      const [query, key, value] = ["query", "key", "value"].map((part) =>
        x.map((vector) => this.#linear(`${layer}.${part}`, vector, hidden)),
      );
      x = x.map((vector, i) => {
        const mixed = new Array<number>(hidden).fill(0);
        const size = hidden / heads;
        for (let head = 0; head < heads; head++) {
          const part = (of: readonly number[]) => of.slice(head * size, (head + 1) * size);
          const scores = key.map((other) => Math.exp(dot(part(query[i]), part(other)) / Math.sqrt(size)));
          const total = scores.reduce((sum, score) => sum + score, 0);
          for (const [j, score] of scores.entries()) {
            for (let d = 0; d < size; d++) mixed[head * size + d] += (score / total) * value[j][head * size + d];
          }
        }
        const first = this.#norm(`${layer}.first`, add(this.#linear(`${layer}.attended`, mixed, hidden), vector));
        const grown = this.#linear(`${layer}.grow`, first, inner).map((n) => (n / 2) * (1 + erf(n / Math.SQRT2)));
        return this.#norm(`${layer}.second`, add(this.#linear(`${layer}.shrink`, grown, hidden), first));
      });
    }
    return x;
  }

  /** The unit vector that pooling makes of the tokens' vectors. */
  embedding(tokens: readonly number[], pooling: "mean" | "cls" | "last"): number[] {
    const hidden = this.forward(tokens);
    if (pooling === "cls") return unit(hidden[0]);
    if (pooling === "last") return unit(hidden[hidden.length - 1]);
    return unit(hidden[0].map((_, d) => hidden.reduce((sum, vector) => sum + vector[d], 0) / hidden.length));
  }

  /** Numbers that a layer of sums gives. */
  #columns(weight: string): number {
    return this.weight(weight.replace(/\.weight$/, ".bias")).length;
  }

  #linear(name: string, x: readonly number[], to: number): number[] {
    const [weight, bias] = [this.weight(`${name}.weight`), this.weight(`${name}.bias`)];
    return Array.from(bias, (start, column) =>
      x.reduce((sum, value, i) => sum + value * weight[i * to + column], start),
    );
  }

  #norm(name: string, x: readonly number[]): number[] {
    const [scale, shift] = [this.weight(`${name}.scale`), this.weight(`${name}.shift`)];
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + EPSILON)) * scale[i] + shift[i]);
  }

  /** One of its arrays of weights; of a layer of sums, the rows are what goes in. */
  weight(name: string): Float32Array {
    const weight = this.#weights.get(name);
    if (!weight) throw new Error(`there is no weight ${name}`);
    return weight;
  }
}

function isHalf(precision: FilePrecision): boolean {
  return precision === "fp16" || precision === "q4f16";
}

/** How a weight is packed; undefined for a number each. */
function packingOf(precision: FilePrecision, weight: string): Packing | undefined {
  if (!weight.endsWith(".weight")) return undefined;
  if (precision === "bnb4") return precision;
  return precision === "q4" || precision === "q4f16" ? "q4" : undefined;
}

function tokenizer(words: readonly string[]): object {
  const special = (content: string) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map(special),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [],
      special_tokens: Object.fromEntries(
        ["[CLS]", "[SEP]"].map((id) => [id, { id, ids: [words.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  };
}

export function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function add(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + b[i]);
}

/** To 1.5e-7 (Abramowitz and Stegun, 7.1.26). */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}
