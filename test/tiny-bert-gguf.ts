import { EPSILON, type TinyBert, WORDS } from "../server/bench/tiny-bert.ts";
import { GgmlType, gguf } from "./gguf-fixture.ts";

/** How the file says that a text's tokens become one vector; "rank" is of models that give marks to pairs of texts. */
const POOLING = { none: 0, mean: 1, cls: 2, last: 3, rank: 4 } as const;

export interface GgufForm {
  readonly pooling?: keyof typeof POOLING;
  /** Says nothing of pooling, as models that write texts. */
  readonly silent?: boolean;
  readonly name?: string;
}

/** The same model as the file that llama.cpp loads. */
export function tinyBertGguf(bert: TinyBert, { pooling = "mean", silent, name = "Tiny" }: GgufForm = {}): Uint8Array {
  const { hidden, layers, heads, inner, positions } = bert.shape;
  const metadata = {
    "general.architecture": "bert",
    "general.name": name,
    "bert.block_count": layers,
    "bert.context_length": positions,
    "bert.embedding_length": hidden,
    "bert.feed_forward_length": inner,
    "bert.attention.head_count": heads,
    "bert.attention.layer_norm_epsilon": Float32Array.of(EPSILON),
    "bert.attention.causal": false,
    ...(silent ? {} : { "bert.pooling_type": POOLING[pooling] }),
    "tokenizer.ggml.model": "bert",
    "tokenizer.ggml.pre": "jina-v2-en",
    // A piece that begins a word has a mark before it.
    "tokenizer.ggml.tokens": WORDS.map((word, i) => (i < SPECIAL ? word : `\u2581${word}`)),
    "tokenizer.ggml.token_type": Int32Array.from(WORDS, (_, i) => (i < SPECIAL ? 3 : 1)),
    "tokenizer.ggml.token_type_count": 2,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.unknown_token_id": 1,
    "tokenizer.ggml.bos_token_id": 2,
    "tokenizer.ggml.cls_token_id": 2,
    "tokenizer.ggml.eos_token_id": 3,
    "tokenizer.ggml.seperator_token_id": 3,
  };
  const tensor = (as: string, values: Float32Array, ...sizes: readonly number[]) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return { name: as, type: GgmlType.F32, sizes, bytes };
  };
  const linear = (as: string, from: string, cols: number, rows: number) => [
    tensor(`${as}.weight`, transposed(bert.weight(`${from}.weight`), cols, rows), cols, rows),
    tensor(`${as}.bias`, bert.weight(`${from}.bias`), rows),
  ];
  const norm = (as: string, from: string) => [
    tensor(`${as}.weight`, bert.weight(`${from}.scale`), hidden),
    tensor(`${as}.bias`, bert.weight(`${from}.shift`), hidden),
  ];
  return gguf(metadata, [
    tensor("token_embd.weight", bert.weight("words"), hidden, WORDS.length),
    tensor("position_embd.weight", bert.weight("positions"), hidden, positions),
    tensor("token_types.weight", bert.weight("types"), hidden, 2),
    ...norm("token_embd_norm", "embedded"),
    ...Array.from({ length: layers }, (_, layer) => [
      ...linear(`blk.${layer}.attn_q`, `${layer}.query`, hidden, hidden),
      ...linear(`blk.${layer}.attn_k`, `${layer}.key`, hidden, hidden),
      ...linear(`blk.${layer}.attn_v`, `${layer}.value`, hidden, hidden),
      ...linear(`blk.${layer}.attn_output`, `${layer}.attended`, hidden, hidden),
      ...norm(`blk.${layer}.attn_output_norm`, `${layer}.first`),
      ...linear(`blk.${layer}.ffn_up`, `${layer}.grow`, hidden, inner),
      ...linear(`blk.${layer}.ffn_down`, `${layer}.shrink`, inner, hidden),
      ...norm(`blk.${layer}.layer_output_norm`, `${layer}.second`),
    ]).flat(),
  ]);
}

/** Of the vocabulary; they stand first. */
const SPECIAL = 4;

/** llama.cpp has what comes out as rows. */
function transposed(values: Float32Array, rows: number, cols: number): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % rows) * cols + Math.floor(i / rows)]);
}
