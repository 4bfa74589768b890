/**
 * Writes ONNX files: as much of the format (protocol buffers, see onnx.proto) as a transformer needs. Field numbers are
 * those of the format's definition.
 */

type Numbers = Float32Array | Float16Array | Uint8Array | BigInt64Array;
type Attribute = number | { readonly float: number } | readonly number[];

export const FLOAT = 1;
const UINT8 = 2;
const INT64 = 7;
export const FLOAT16 = 10;
const OPSET = 17;
/** Operations that are the engine's own. */
export const OWN = "com.microsoft";

export class OnnxGraph {
  readonly #nodes: Buffer[] = [];
  readonly #tensors = new Map<string, Buffer>();
  #count = 0;

  /** A tensor of the file. Those of one name are written once. */
  constant(name: string, dims: readonly number[], data: Numbers): string {
    const type = typeOf(data);
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#tensors.set(
      name,
      Buffer.concat([...dims.map((dim) => integer(1, dim)), integer(2, type), bytes(8, name), bytes(9, raw)]),
    );
    return name;
  }

  integers(name: string, ...values: readonly number[]): string {
    return this.constant(name, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Adds an operation and gives the name of its result. @param domain `OWN` for one of the engine's own */
  node(
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): string {
    const output = `t${this.#count++}`;
    this.#add(operation, inputs, output, attributes, domain);
    return output;
  }

  /** The file. Inputs are whole numbers by text and token; the output has what a node gave. */
  file(
    inputs: readonly string[],
    output: { name: string; from: string; half?: boolean; dims: readonly (string | number)[] },
  ): Buffer {
    this.#add("Identity", [output.from], output.name, {}, "");
    const graph = Buffer.concat([
      ...this.#nodes.map((node) => bytes(1, node)),
      bytes(2, "test"),
      ...[...this.#tensors.values()].map((tensor) => bytes(5, tensor)),
      ...inputs.map((name) => bytes(11, valueInfo(name, INT64, ["batch", "sequence"]))),
      bytes(12, valueInfo(output.name, output.half ? FLOAT16 : FLOAT, output.dims)),
    ]);
    const opsets = [
      ["", OPSET],
      [OWN, 1],
    ] as const;
    const imports = opsets.map(([domain, version]) => Buffer.concat([bytes(1, domain), integer(2, version)]));
    return Buffer.concat([integer(1, 8), bytes(7, graph), ...imports.map((used) => bytes(8, used))]);
  }

  #add(
    operation: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>>,
    domain: string,
  ): void {
    this.#nodes.push(
      Buffer.concat([
        ...inputs.map((input) => bytes(1, input)),
        bytes(2, output),
        bytes(4, operation),
        ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
        bytes(7, domain),
      ]),
    );
  }
}

function typeOf(data: Numbers): number {
  if (data instanceof Float32Array) return FLOAT;
  if (data instanceof Float16Array) return FLOAT16;
  return data instanceof Uint8Array ? UINT8 : INT64;
}

function attribute(name: string, value: Attribute): Buffer {
  const [field, type] =
    typeof value === "number"
      ? [integer(3, value), 2]
      : "float" in value
        ? [float(2, value.float), 1]
        : [Buffer.concat(value.map((item) => integer(8, item))), 7];
  return Buffer.concat([bytes(1, name), field, integer(20, type)]);
}

function valueInfo(name: string, type: number, dims: readonly (string | number)[]): Buffer {
  const shape = Buffer.concat(dims.map((dim) => bytes(1, typeof dim === "string" ? bytes(2, dim) : integer(1, dim))));
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, Buffer.concat([integer(1, type), bytes(2, shape)])))]);
}

function bytes(field: number, content: string | Uint8Array): Buffer {
  const data = Buffer.from(content as Uint8Array);
  return Buffer.concat([varint(field * 8 + 2), varint(data.length), data]);
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function float(field: number, value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + 5), data]);
}

/** Seven bits a byte; negative numbers in the ten bytes that the format gives them. */
function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(out);
}
