import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CairnError } from "../../shared/errors.ts";
import { bf16, floatsOf, normal, safetensors, weights, withAdapter } from "../measure/made-weights.ts";
import { randomNumbers } from "../measure/random-numbers.ts";

/** A fine-tune, its base, and what its saving should reach. */
export interface Pair {
  name: string;
  base: string;
  fine: string;
  /** Percent saved, and points more than BitX. */
  target?: { saved: number; overBitx?: number };
}

/**
 * Makes pairs that look like what training leaves: rows of their own scale, changes of about one size whatever the
 * weight's, some rows untouched; a merged adapter of rank 16; weights of which training in bf16 changed one in twenty.
 */
export function makePairs(folder: string): Pair[] {
  const random = randomNumbers(7);
  const rows = 1024;
  const cols = 1024;
  const count = 4;
  const base = Array.from({ length: count }, () => weights(random, rows, cols));
  const write = (name: string, dtype: "BF16" | "F32", tensors: readonly Float32Array[]): string => {
    const path = join(folder, `${name}.safetensors`);
    writeFileSync(path, safetensors(dtype, tensors, [rows, cols]));
    return path;
  };
  const rounded = base.map((tensor) => floatsOf(bf16(tensor)));
  const full = base.map((tensor) => tensor.map((value) => value + normal(random, 2e-4)));
  const merged = rounded.map((tensor) => withAdapter(random, tensor, cols, 16, 1e-3));
  const pure = rounded.map((tensor) =>
    tensor.map((value) => (random() < 0.05 ? value * (1 + 2 ** -8 * Math.sign(random() - 0.5)) : value)),
  );
  const bf16Base = write("base.BF16", "BF16", base);
  const f32Base = write("base.F32", "F32", base);
  return [
    { name: "made: bf16 full, 1%", base: bf16Base, fine: write("full.BF16", "BF16", full) },
    { name: "made: bf16 LoRA merged", base: bf16Base, fine: write("merged.BF16", "BF16", merged) },
    { name: "made: bf16, one weight in 20 changed", base: bf16Base, fine: write("pure.BF16", "BF16", pure) },
    { name: "made: f32 full, 1%", base: f32Base, fine: write("full.F32", "F32", full) },
  ];
}

/** The pairs in a folder by their names: `base*.X.safetensors` and every other `*.X.safetensors` beside it. */
export function pairsIn(folder: string): Pair[] {
  if (!existsSync(folder)) throw new CairnError("input", `There is no folder ${folder}.`, "Give one with --data.");
  const names = readdirSync(folder, { withFileTypes: true });
  const deeper = names.filter((entry) => entry.isDirectory()).flatMap((entry) => pairsIn(join(folder, entry.name)));
  const files = names.map(({ name }) => name).filter((name) => name.endsWith(".safetensors"));
  const bases = files.filter((name) => /^base/.test(name));
  const own = files
    .filter((name) => !bases.includes(name))
    .flatMap((name): Pair[] => {
      const base = baseOf(name, bases);
      return base
        ? [
            {
              name: name.replace(".safetensors", ""),
              base: join(folder, base),
              fine: join(folder, name),
              target: targetOf(name),
            },
          ]
        : [];
    });
  return [...own, ...deeper];
}

/** `purebf_x.BF16` belongs to `basebf.BF16`, `x-part.F32` to `base-part.F32`, all else of a format to `base.<format>`. */
function baseOf(name: string, bases: readonly string[]): string | undefined {
  const [, part, format] = /(-part)?(\.[^.]+\.safetensors)$/.exec(name) ?? [];
  const wanted = `base${name.startsWith("purebf") ? "bf" : ""}${part ?? ""}${format}`;
  return bases.find((base) => base === wanted);
}

function targetOf(name: string): Pair["target"] {
  if (name.startsWith("full") && name.includes("BF16")) return { saved: 74, overBitx: 10 };
  if (name.startsWith("lora")) return { saved: 85 };
  if (name.startsWith("purebf")) return { saved: 96 };
  if (name.startsWith("full") && name.includes("F32")) return { saved: 38.5, overBitx: 4 };
  return undefined;
}
