import { estimate } from "../eval/bootstrap.ts";
import { FolderIndexer } from "../eval/folder-indexer.ts";
import { type RealVectors, realVectors } from "../measure/real-vectors.ts";
import { type Arm, measureRounds, SYSTEM_CLOCK } from "../measure/rounds.ts";
import { inEnglish } from "../measure/shown.ts";
import { percentile, summarise } from "../measure/statistics.ts";
import { type VectorForm, type VectorSet, vectorForms } from "../measure/vector-forms.ts";
import { recallOf } from "../measure/vector-recall.ts";
import { nodeHost } from "../node-host.ts";
import { VectorArena } from "../vectors/arena.ts";
import { loadKernels } from "../vectors/load-kernels.ts";
import { signsOf } from "../vectors/signs.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bringCorpus } from "./corpus.ts";
import { loadPeer } from "./peer-packages.ts";

const WANTED = 10;
const QUERIES = 200;
/** A round is one query, answered by all in turns. */
const LIMITS = { warmUp: 20, least: 100, most: 400, ms: 60_000, precision: 0.02 };
const MILLION = { warmUp: 3, least: 15, most: 40, ms: 30_000, precision: 0.02 };
/** What is asked of each form: recall@10 of the bundled model's real vectors. */
const LEAST_RECALL: Readonly<Record<string, number>> = { int8: 0.99, "binary-int8": 0.96 };

/** Vectors in fewer bytes: what they find, and how long looking through all of them takes. */
export const vectors: Benchmark = {
  name: "vectors",
  about: "recall@10 and scan of int8, int4, binary and cut vectors beside float and usearch, on real vectors",
  async run({ quick }, note, skip) {
    note("bringing the code");
    const { root } = bringCorpus(quick ? "small" : "large");
    const host = nodeHost();
    const indexer = await FolderIndexer.create();
    try {
      note("cutting and embedding it");
      const texts = await indexer.read(host, [{ root }]);
      const found = await realVectors(indexer, texts, host, {
        vectors: quick ? 10_000 : 100_000,
        queries: quick ? QUERIES / 4 : QUERIES,
      });
      const kernels = loadKernels(host.files);
      const figures = await compared(found, vectorForms(found.set, kernels), note, skip);
      if (quick) skip("scans of a million", "not with --quick");
      else note("looking through a million");
      return [...figures, ...(quick ? [] : await scans(found))];
    } finally {
      indexer.close();
    }
  },
};

async function compared(
  { set, queries }: RealVectors,
  forms: readonly VectorForm[],
  note: (what: string) => void,
  skip: (what: string, reason: string) => void,
): Promise<Figure[]> {
  const peers = usearchForms(set, note, skip);
  const all = [...forms, ...peers.map(({ form }) => form)];
  note(`asking ${queries.length} queries of ${set.count.toLocaleString("en-US")} vectors`);
  const never = new AbortController().signal;
  const recall = await recallOf(set, all, queries, WANTED, never);
  const arms: Arm[] = all.map((form) => ({
    run(round) {
      form.closest(queries[(round + LIMITS.warmUp) % queries.length], WANTED);
      return undefined;
    },
  }));
  const { values } = await measureRounds(arms, LIMITS, SYSTEM_CLOCK, never);
  return [
    { name: "vectors", value: set.count, unit: "vectors" },
    ...recall.flatMap(({ form: { id, name, bytes }, shares }, i) => {
      const { mean, low, high } = estimate(shares);
      const target = id in LEAST_RECALL ? { target: { atLeast: LEAST_RECALL[id] } } : {};
      const build = peers.find(({ form }) => form.id === id);
      return [
        { name: `${inEnglish(name)}: recall@10`, value: mean, unit: "", ...target },
        { name: "  at least (95 %)", value: low, unit: "" },
        { name: "  at most (95 %)", value: high, unit: "" },
        { name: "  bytes of one", value: bytes, unit: "bytes" },
        { name: "  ten closest, p50", value: summarise(values[i]).median, unit: "ms" },
        { name: "  p95", value: percentile(values[i], 0.95), unit: "ms" },
        ...(build ? [{ name: "  building it", value: build.seconds, unit: "s" }] : []),
      ];
    }),
  ];
}

/** What is used of usearch. */
interface Usearch {
  Index: new (options: {
    dimensions: number;
    metric: "cos";
    quantization: "f32" | "i8";
  }) => {
    add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
    search(query: Float32Array, wanted: number, threads: number): { keys: BigUint64Array };
  };
}

/** A graph of neighbours that is not looked through as a whole; what it takes besides the vectors is not counted. */
function usearchForms(
  set: VectorSet,
  note: (what: string) => void,
  skip: (what: string, reason: string) => void,
): { form: VectorForm; seconds: number }[] {
  const loaded = loadPeer<Usearch>("usearch");
  if ("reason" in loaded) {
    skip("usearch", loaded.reason);
    return [];
  }
  const { dims, count, exact } = set;
  return (["f32", "i8"] as const).map((quantization) => {
    note(`building usearch, ${quantization}`);
    const started = performance.now();
    const index = new loaded.module.Index({ dimensions: dims, metric: "cos", quantization });
    index.add(
      BigUint64Array.from({ length: count }, (_, row) => BigInt(row)),
      exact,
      1,
    );
    const seconds = (performance.now() - started) / 1000;
    const form: VectorForm = {
      id: `usearch-${quantization}`,
      name: { text: "usearch, {0}", values: [quantization] },
      bytes: quantization === "f32" ? 4 * dims : dims,
      closest: (query, wanted) => Array.from(index.search(query.exact, wanted, 1).keys, Number),
    };
    return { form, seconds };
  });
}

/** Looking through a million vectors on one core: the real ones, again and again. */
async function scans({ set: { dims, count, codes }, queries }: RealVectors): Promise<Figure[]> {
  const million = 1_000_000;
  const many = new Int8Array(million * dims);
  for (let row = 0; row < million; row += count) {
    many.set(codes.subarray(0, Math.min(count, million - row) * dims), row * dims);
  }
  const kernels = loadKernels(nodeHost().files);
  const [int8, binary] = [VectorArena.create(many.length, kernels), VectorArena.create(many.length / 8, kernels)];
  const [codesAt, signsAt] = [int8.place(many), binary.place(new Int8Array(signsOf(many).buffer))];
  const query = (round: number) => queries[(round + MILLION.warmUp) % queries.length].codes;
  const arm = (run: (round: number) => void): Arm => ({
    run(round) {
      run(round);
      return undefined;
    },
  });
  const arms = [
    arm((round) => void int8.dots(codesAt, million, query(round))),
    arm((round) => void binary.distances(signsAt, million, signsOf(query(round)))),
    arm((round) => void binary.signDots(signsAt, million, query(round))),
    // What memory alone takes: one number of each line of it, in four streams, as the kernels read.
    arm(() => void everyLine(new Float64Array(many.buffer))),
  ];
  const { values } = await measureRounds(arms, MILLION, SYSTEM_CLOCK, new AbortController().signal);
  const [exact, signs, asymmetric, memory] = values.map((own) => summarise(own).median);
  return [
    { name: "a million int8: all compared, p50", value: exact, unit: "ms", target: { atMost: 15 } },
    { name: "as many bytes read, and nothing done with them, p50", value: memory, unit: "ms" },
    { name: "a million binary: all compared, p50", value: signs, unit: "ms", target: { atMost: 4 } },
    { name: "a million binary, the query as it is: all compared, p50", value: asymmetric, unit: "ms" },
  ];
}

/** @returns a sum, so that reading is not left out */
function everyLine(numbers: Float64Array): number {
  const quarter = numbers.length / 4;
  let sum = 0;
  for (let at = 0; at < quarter; at += 8) {
    sum += numbers[at] + numbers[at + quarter] + numbers[at + 2 * quarter] + numbers[at + 3 * quarter];
  }
  return sum;
}
