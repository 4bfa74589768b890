/** How the values of a tensor are laid out in bits, as far as the codec makes use of it. */
export interface NumberFormat {
  /** Bytes of a value: 1, 2, 4 or 8. */
  width: 1 | 2 | 4 | 8;
  /** All bits but the sign for floats, 0 for integers: see `split` in `delta-kernels.wat`. */
  flip: number;
  /** Where the exponent is: `(bits >> shift) & mask`, at most 255. For integers, their highest bits. */
  shift: number;
  mask: number;
}

/** By the name that safetensors gives them. Formats of 8 bytes are coded by bytes alone. */
const FORMATS: Readonly<Record<string, NumberFormat>> = {
  BF16: { width: 2, flip: 0x7fff, shift: 7, mask: 0xff },
  F16: { width: 2, flip: 0x7fff, shift: 10, mask: 0x1f },
  F32: { width: 4, flip: 0x7fffffff, shift: 23, mask: 0xff },
  F64: { width: 8, flip: 0, shift: 0, mask: 0 },
  C64: { width: 4, flip: 0x7fffffff, shift: 23, mask: 0xff },
  F8_E4M3: { width: 1, flip: 0x7f, shift: 3, mask: 0xf },
  F8_E5M2: { width: 1, flip: 0x7f, shift: 2, mask: 0x1f },
  I8: { width: 1, flip: 0, shift: 0, mask: 0xff },
  U8: { width: 1, flip: 0, shift: 0, mask: 0xff },
  I16: { width: 2, flip: 0, shift: 8, mask: 0xff },
  U16: { width: 2, flip: 0, shift: 8, mask: 0xff },
  I32: { width: 4, flip: 0, shift: 24, mask: 0xff },
  U32: { width: 4, flip: 0, shift: 24, mask: 0xff },
  I64: { width: 8, flip: 0, shift: 0, mask: 0 },
  U64: { width: 8, flip: 0, shift: 0, mask: 0 },
};

/** Whatever has no format of its own is coded as bytes. */
const BYTES: NumberFormat = { width: 1, flip: 0, shift: 0, mask: 0xff };

export function numberFormat(dtype: string): NumberFormat {
  return Object.hasOwn(FORMATS, dtype) ? FORMATS[dtype] : BYTES;
}

/** The values of a tensor's bytes as floats; undefined for formats that are no floats of 2 or 4 bytes. */
export function floatValues(dtype: string, bytes: Uint8Array): Float32Array | undefined {
  const count = bytes.length / numberFormat(dtype).width;
  if (dtype === "F32") return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  if (dtype !== "BF16" && dtype !== "F16") return undefined;
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  if (dtype === "BF16") return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
  return Float32Array.from(halves, halfValue);
}

/** The value of an IEEE 754 half. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
