;; The inner loops of the delta codec. server/delta/plain-kernels.ts does the same in TypeScript and gives the same
;; bits; change both together. FORMAT.md says what the numbers mean. Addresses and sizes are in bytes, `n`, `rows` and
;; `cols` in values. What is read or written in vectors may reach 64 bytes past an array: the callers leave that room.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; ---- Differences: z = zigzag(ordered(fine) - ordered(base)) as u32, e = the base's exponent as u8.
  ;; ordered(x) = x ^ ((x >> sign) & flip) makes the bits of a float grow with its value; flip is 0 for integers.

  (func (export "split8")
    (param $base i32) (param $fine i32) (param $n i32) (param $flip i32) (param $shift i32) (param $mask i32)
    (param $z i32) (param $e i32)
    (local $end i32) (local $a v128) (local $d v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $base) (local.get $n)))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $base) (local.get $end)))
        (local.set $a (v128.load (local.get $base)))
        (local.set $d (v128.load (local.get $fine)))
        (v128.store (local.get $e) (v128.and
          (i8x16.shr_u (local.get $a) (local.get $shift)) (i8x16.splat (local.get $mask))))
        (local.set $d (i8x16.sub
          (v128.xor (local.get $d)
            (v128.and (i8x16.shr_s (local.get $d) (i32.const 7)) (i8x16.splat (local.get $flip))))
          (v128.xor (local.get $a)
            (v128.and (i8x16.shr_s (local.get $a) (i32.const 7)) (i8x16.splat (local.get $flip))))))
        (local.set $d (v128.xor
          (i8x16.shl (local.get $d) (i32.const 1)) (i8x16.shr_s (local.get $d) (i32.const 7))))
        (local.set $low (i16x8.extend_low_i8x16_u (local.get $d)))
        (local.set $high (i16x8.extend_high_i8x16_u (local.get $d)))
        (v128.store (local.get $z) (i32x4.extend_low_i16x8_u (local.get $low)))
        (v128.store offset=16 (local.get $z) (i32x4.extend_high_i16x8_u (local.get $low)))
        (v128.store offset=32 (local.get $z) (i32x4.extend_low_i16x8_u (local.get $high)))
        (v128.store offset=48 (local.get $z) (i32x4.extend_high_i16x8_u (local.get $high)))
        (local.set $base (i32.add (local.get $base) (i32.const 16)))
        (local.set $fine (i32.add (local.get $fine) (i32.const 16)))
        (local.set $z (i32.add (local.get $z) (i32.const 64)))
        (local.set $e (i32.add (local.get $e) (i32.const 16)))
        (br $step))))

  (func (export "split16")
    (param $base i32) (param $fine i32) (param $n i32) (param $flip i32) (param $shift i32) (param $mask i32)
    (param $z i32) (param $e i32)
    (local $end i32) (local $a v128) (local $d v128) (local $f v128)
    (local.set $end (i32.add (local.get $base) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $base) (local.get $end)))
        (local.set $a (v128.load (local.get $base)))
        (local.set $d (v128.load (local.get $fine)))
        (local.set $f (v128.and
          (i16x8.shr_u (local.get $a) (local.get $shift)) (i16x8.splat (local.get $mask))))
        (v128.store64_lane 0 (local.get $e) (i8x16.narrow_i16x8_u (local.get $f) (local.get $f)))
        (local.set $d (i16x8.sub
          (v128.xor (local.get $d)
            (v128.and (i16x8.shr_s (local.get $d) (i32.const 15)) (i16x8.splat (local.get $flip))))
          (v128.xor (local.get $a)
            (v128.and (i16x8.shr_s (local.get $a) (i32.const 15)) (i16x8.splat (local.get $flip))))))
        (local.set $d (v128.xor
          (i16x8.shl (local.get $d) (i32.const 1)) (i16x8.shr_s (local.get $d) (i32.const 15))))
        (v128.store (local.get $z) (i32x4.extend_low_i16x8_u (local.get $d)))
        (v128.store offset=16 (local.get $z) (i32x4.extend_high_i16x8_u (local.get $d)))
        (local.set $base (i32.add (local.get $base) (i32.const 16)))
        (local.set $fine (i32.add (local.get $fine) (i32.const 16)))
        (local.set $z (i32.add (local.get $z) (i32.const 32)))
        (local.set $e (i32.add (local.get $e) (i32.const 8)))
        (br $step))))

  (func (export "split32")
    (param $base i32) (param $fine i32) (param $n i32) (param $flip i32) (param $shift i32) (param $mask i32)
    (param $z i32) (param $e i32)
    (local $end i32) (local $a v128) (local $d v128) (local $f v128)
    (local.set $end (i32.add (local.get $base) (i32.shl (local.get $n) (i32.const 2))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $base) (local.get $end)))
        (local.set $a (v128.load (local.get $base)))
        (local.set $d (v128.load (local.get $fine)))
        (local.set $f (v128.and
          (i32x4.shr_u (local.get $a) (local.get $shift)) (i32x4.splat (local.get $mask))))
        (local.set $f (i16x8.narrow_i32x4_u (local.get $f) (local.get $f)))
        (v128.store32_lane 0 (local.get $e) (i8x16.narrow_i16x8_u (local.get $f) (local.get $f)))
        (local.set $d (i32x4.sub
          (v128.xor (local.get $d)
            (v128.and (i32x4.shr_s (local.get $d) (i32.const 31)) (i32x4.splat (local.get $flip))))
          (v128.xor (local.get $a)
            (v128.and (i32x4.shr_s (local.get $a) (i32.const 31)) (i32x4.splat (local.get $flip))))))
        (v128.store (local.get $z) (v128.xor
          (i32x4.shl (local.get $d) (i32.const 1)) (i32x4.shr_s (local.get $d) (i32.const 31))))
        (local.set $base (i32.add (local.get $base) (i32.const 16)))
        (local.set $fine (i32.add (local.get $fine) (i32.const 16)))
        (local.set $z (i32.add (local.get $z) (i32.const 16)))
        (local.set $e (i32.add (local.get $e) (i32.const 4)))
        (br $step))))

  ;; ---- The way back: out = unordered(ordered(base) + unzigzag(z)); `out` may be `base`.

  (func (export "join8")
    (param $base i32) (param $z i32) (param $n i32) (param $flip i32) (param $out i32)
    (local $end i32) (local $a v128) (local $d v128)
    (local.set $end (i32.add (local.get $base) (local.get $n)))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $base) (local.get $end)))
        (local.set $a (v128.load (local.get $base)))
        (local.set $d (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_u (v128.load (local.get $z)) (v128.load offset=16 (local.get $z)))
          (i16x8.narrow_i32x4_u (v128.load offset=32 (local.get $z)) (v128.load offset=48 (local.get $z)))))
        (local.set $d (v128.xor
          (i8x16.shr_u (local.get $d) (i32.const 1))
          (i8x16.neg (v128.and (local.get $d) (i8x16.splat (i32.const 1))))))
        (local.set $a (i8x16.add (local.get $d) (v128.xor (local.get $a)
          (v128.and (i8x16.shr_s (local.get $a) (i32.const 7)) (i8x16.splat (local.get $flip))))))
        (v128.store (local.get $out) (v128.xor (local.get $a)
          (v128.and (i8x16.shr_s (local.get $a) (i32.const 7)) (i8x16.splat (local.get $flip)))))
        (local.set $base (i32.add (local.get $base) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $z (i32.add (local.get $z) (i32.const 64)))
        (br $step))))

  (func (export "join16")
    (param $base i32) (param $z i32) (param $n i32) (param $flip i32) (param $out i32)
    (local $end i32) (local $a v128) (local $d v128)
    (local.set $end (i32.add (local.get $base) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $base) (local.get $end)))
        (local.set $a (v128.load (local.get $base)))
        (local.set $d (i16x8.narrow_i32x4_u (v128.load (local.get $z)) (v128.load offset=16 (local.get $z))))
        (local.set $d (v128.xor
          (i16x8.shr_u (local.get $d) (i32.const 1))
          (i16x8.neg (v128.and (local.get $d) (i16x8.splat (i32.const 1))))))
        (local.set $a (i16x8.add (local.get $d) (v128.xor (local.get $a)
          (v128.and (i16x8.shr_s (local.get $a) (i32.const 15)) (i16x8.splat (local.get $flip))))))
        (v128.store (local.get $out) (v128.xor (local.get $a)
          (v128.and (i16x8.shr_s (local.get $a) (i32.const 15)) (i16x8.splat (local.get $flip)))))
        (local.set $base (i32.add (local.get $base) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $z (i32.add (local.get $z) (i32.const 32)))
        (br $step))))

  (func (export "join32")
    (param $base i32) (param $z i32) (param $n i32) (param $flip i32) (param $out i32)
    (local $end i32) (local $a v128) (local $d v128)
    (local.set $end (i32.add (local.get $base) (i32.shl (local.get $n) (i32.const 2))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $base) (local.get $end)))
        (local.set $a (v128.load (local.get $base)))
        (local.set $d (v128.load (local.get $z)))
        (local.set $d (v128.xor
          (i32x4.shr_u (local.get $d) (i32.const 1))
          (i32x4.neg (v128.and (local.get $d) (i32x4.splat (i32.const 1))))))
        (local.set $a (i32x4.add (local.get $d) (v128.xor (local.get $a)
          (v128.and (i32x4.shr_s (local.get $a) (i32.const 31)) (i32x4.splat (local.get $flip))))))
        (v128.store (local.get $out) (v128.xor (local.get $a)
          (v128.and (i32x4.shr_s (local.get $a) (i32.const 31)) (i32x4.splat (local.get $flip)))))
        (local.set $base (i32.add (local.get $base) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $z (i32.add (local.get $z) (i32.const 16)))
        (br $step))))

  ;; Sums of |difference| * 2^(e - 127), about the change of a value in units of its format: by row into rowSums (f32),
  ;; by column added to colSums (f32). A row is added in four lanes, these in pairs, then what is left of it. For the
  ;; encoder's choice of contexts only.
  (func (export "magnitudes")
    (param $z i32) (param $e i32) (param $rows i32) (param $cols i32) (param $rowSums i32) (param $colSums i32)
    (local $sums v128) (local $values v128) (local $sum f32) (local $value f32) (local $at i32) (local $end i32)
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $sums (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $colSums))
        (local.set $end (i32.add (local.get $at) (i32.and (i32.shl (local.get $cols) (i32.const 2)) (i32.const -16))))
        (block $narrow
          (loop $four
            (br_if $narrow (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $values (f32x4.mul
              (f32x4.convert_i32x4_s (i32x4.shr_u
                (i32x4.add (v128.load (local.get $z)) (v128.const i32x4 1 1 1 1)) (i32.const 1)))
              (i32x4.shl
                (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $e))))
                (i32.const 23))))
            (local.set $sums (f32x4.add (local.get $sums) (local.get $values)))
            (v128.store (local.get $at) (f32x4.add (v128.load (local.get $at)) (local.get $values)))
            (local.set $z (i32.add (local.get $z) (i32.const 16)))
            (local.set $e (i32.add (local.get $e) (i32.const 4)))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $four)))
        (local.set $sum (f32.add
          (f32.add (f32x4.extract_lane 0 (local.get $sums)) (f32x4.extract_lane 1 (local.get $sums)))
          (f32.add (f32x4.extract_lane 2 (local.get $sums)) (f32x4.extract_lane 3 (local.get $sums)))))
        (local.set $end (i32.add (local.get $colSums) (i32.shl (local.get $cols) (i32.const 2))))
        (block $whole
          (loop $one
            (br_if $whole (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $value (f32.mul
              (f32.convert_i32_s (i32.shr_u (i32.add (i32.load (local.get $z)) (i32.const 1)) (i32.const 1)))
              (f32.reinterpret_i32 (i32.shl (i32.load8_u (local.get $e)) (i32.const 23)))))
            (local.set $sum (f32.add (local.get $sum) (local.get $value)))
            (f32.store (local.get $at) (f32.add (f32.load (local.get $at)) (local.get $value)))
            (local.set $z (i32.add (local.get $z) (i32.const 4)))
            (local.set $e (i32.add (local.get $e) (i32.const 1)))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (br $one)))
        (f32.store (local.get $rowSums) (local.get $sum))
        (local.set $rowSums (i32.add (local.get $rowSums) (i32.const 4)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; ---- Tokens. Rows are worked on in pieces of 2,048 values, each in passes that need few registers, over a scratch:
  ;; keys (u16, times 4, as the map has entries of 4 bytes), and from 4,160 on tokens (u16, times 16, as the tables of
  ;; tokens have entries of 16 bytes).

  ;; Splits each z into a token and low bits. Together with its context the token is a pair (u16): the context's number
  ;; times 2,048, which is map[(e << step) + row + col] (u32), plus the token times 16. Pairs are counted in counts (u32,
  ;; at counts + pair); the low bits are packed into bits, least significant first. Returns the address after the bits,
  ;; rounded up to whole bytes.
  (func (export "tokens")
    (param $z i32) (param $e i32) (param $rows i32) (param $cols i32) (param $rowKeys i32) (param $colKeys i32)
    (param $step i32) (param $map i32) (param $tokenTable i32) (param $pairs i32) (param $counts i32) (param $bits i32)
    (param $scratch i32) (result i32)
    (local $n i32) (local $left i32) (local $col i32) (local $rowMap i32) (local $tokens i32) (local $position i32)
    (local.set $tokens (i32.add (local.get $scratch) (i32.const 4160)))
    (i32.store8 (local.get $bits) (i32.const 0))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $rowMap (i32.add (local.get $map) (i32.shl (i32.load8_u (local.get $rowKeys)) (i32.const 2))))
        (local.set $col (local.get $colKeys))
        (local.set $left (local.get $cols))
        (loop $piece
          (local.set $n (select (local.get $left) (i32.const 2048) (i32.lt_u (local.get $left) (i32.const 2048))))
          (call $keys (local.get $e) (local.get $col) (local.get $n) (local.get $step) (local.get $scratch))
          (call $splitTokens (local.get $z) (local.get $n) (local.get $tokens))
          (call $pairTokens (local.get $scratch) (local.get $tokens) (local.get $n) (local.get $rowMap)
            (local.get $pairs) (local.get $counts))
          (local.set $position (call $packLow (local.get $z) (local.get $tokens) (local.get $n)
            (local.get $tokenTable) (local.get $bits) (local.get $position)))
          (local.set $pairs (i32.add (local.get $pairs) (i32.shl (local.get $n) (i32.const 1))))
          (local.set $z (i32.add (local.get $z) (i32.shl (local.get $n) (i32.const 2))))
          (local.set $e (i32.add (local.get $e) (local.get $n)))
          (local.set $col (i32.add (local.get $col) (local.get $n)))
          (br_if $piece (local.tee $left (i32.sub (local.get $left) (local.get $n)))))
        (local.set $rowKeys (i32.add (local.get $rowKeys) (i32.const 1)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row)))
    (i32.add (local.get $bits) (i32.shr_u (i32.add (local.get $position) (i32.const 7)) (i32.const 3))))

  (func $keys (param $e i32) (param $col i32) (param $n i32) (param $step i32) (param $out i32)
    (local $end i32) (local $a v128) (local $b v128)
    (local.set $end (i32.add (local.get $e) (local.get $n)))
    (block $done
      (loop $sixteen
        (br_if $done (i32.ge_u (local.get $e) (local.get $end)))
        (local.set $a (v128.load (local.get $e)))
        (local.set $b (v128.load (local.get $col)))
        (v128.store (local.get $out) (i16x8.shl (i16x8.add
          (i16x8.shl (i16x8.extend_low_i8x16_u (local.get $a)) (local.get $step))
          (i16x8.extend_low_i8x16_u (local.get $b))) (i32.const 2)))
        (v128.store offset=16 (local.get $out) (i16x8.shl (i16x8.add
          (i16x8.shl (i16x8.extend_high_i8x16_u (local.get $a)) (local.get $step))
          (i16x8.extend_high_i8x16_u (local.get $b))) (i32.const 2)))
        (local.set $e (i32.add (local.get $e) (i32.const 16)))
        (local.set $col (i32.add (local.get $col) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 32)))
        (br $sixteen))))

  ;; A float's exponent and the two highest bits of its fraction are a token, but for the exponent's bias. From 2^24 on
  ;; the eight lowest bits go first, so that the float is exact enough.
  (func $splitTokens (param $z i32) (param $n i32) (param $out i32)
    (local $end i32) (local $a v128) (local $b v128) (local $large v128)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $eight
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $a (v128.load (local.get $z)))
        (local.set $b (v128.load offset=16 (local.get $z)))
        (if (v128.any_true (i32x4.shr_u (v128.or (local.get $a) (local.get $b)) (i32.const 24)))
          (then
            (local.set $large (i32x4.ne
              (i32x4.shr_u (local.get $a) (i32.const 24)) (v128.const i32x4 0 0 0 0)))
            (local.set $a (i32x4.add
              (call $smallTokens (v128.bitselect
                (i32x4.shr_u (local.get $a) (i32.const 8)) (local.get $a) (local.get $large)))
              (v128.and (local.get $large) (i32x4.splat (i32.const 32)))))
            (local.set $large (i32x4.ne
              (i32x4.shr_u (local.get $b) (i32.const 24)) (v128.const i32x4 0 0 0 0)))
            (local.set $b (i32x4.add
              (call $smallTokens (v128.bitselect
                (i32x4.shr_u (local.get $b) (i32.const 8)) (local.get $b) (local.get $large)))
              (v128.and (local.get $large) (i32x4.splat (i32.const 32))))))
          (else
            (local.set $a (call $smallTokens (local.get $a)))
            (local.set $b (call $smallTokens (local.get $b)))))
        (v128.store (local.get $out)
          (i16x8.shl (i16x8.narrow_i32x4_u (local.get $a) (local.get $b)) (i32.const 4)))
        (local.set $z (i32.add (local.get $z) (i32.const 32)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $eight))))

  ;; For z below 2^24.
  (func $smallTokens (param $z v128) (result v128)
    (v128.bitselect
      (local.get $z)
      (i32x4.sub
        (i32x4.shr_u (f32x4.convert_i32x4_s (local.get $z)) (i32.const 21))
        (i32x4.splat (i32.const 508)))
      (i32x4.lt_s (local.get $z) (i32x4.splat (i32.const 16)))))

  (func $pairTokens
    (param $keys i32) (param $tokens i32) (param $n i32) (param $map i32) (param $pairs i32) (param $counts i32)
    (local $end i32) (local $pair i32)
    (local.set $end (i32.add (local.get $tokens) (i32.shl (i32.and (local.get $n) (i32.const -4)) (i32.const 1))))
    (block $fewer
      (loop $four
        (br_if $fewer (i32.ge_u (local.get $tokens) (local.get $end)))
        (local.set $pair (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=0 (local.get $keys))))
          (i32.load16_u offset=0 (local.get $tokens))))
        (i32.store16 offset=0 (local.get $pairs) (local.get $pair))
        (local.set $pair (i32.add (local.get $counts) (local.get $pair)))
        (i32.store (local.get $pair) (i32.add (i32.load (local.get $pair)) (i32.const 1)))
        (local.set $pair (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=2 (local.get $keys))))
          (i32.load16_u offset=2 (local.get $tokens))))
        (i32.store16 offset=2 (local.get $pairs) (local.get $pair))
        (local.set $pair (i32.add (local.get $counts) (local.get $pair)))
        (i32.store (local.get $pair) (i32.add (i32.load (local.get $pair)) (i32.const 1)))
        (local.set $pair (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=4 (local.get $keys))))
          (i32.load16_u offset=4 (local.get $tokens))))
        (i32.store16 offset=4 (local.get $pairs) (local.get $pair))
        (local.set $pair (i32.add (local.get $counts) (local.get $pair)))
        (i32.store (local.get $pair) (i32.add (i32.load (local.get $pair)) (i32.const 1)))
        (local.set $pair (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=6 (local.get $keys))))
          (i32.load16_u offset=6 (local.get $tokens))))
        (i32.store16 offset=6 (local.get $pairs) (local.get $pair))
        (local.set $pair (i32.add (local.get $counts) (local.get $pair)))
        (i32.store (local.get $pair) (i32.add (i32.load (local.get $pair)) (i32.const 1)))
        (local.set $keys (i32.add (local.get $keys) (i32.const 8)))
        (local.set $tokens (i32.add (local.get $tokens) (i32.const 8)))
        (local.set $pairs (i32.add (local.get $pairs) (i32.const 8)))
        (br $four)))
    (local.set $end (i32.add (local.get $tokens) (i32.shl (i32.and (local.get $n) (i32.const 3)) (i32.const 1))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $tokens) (local.get $end)))
        (local.set $pair (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=0 (local.get $keys))))
          (i32.load16_u offset=0 (local.get $tokens))))
        (i32.store16 offset=0 (local.get $pairs) (local.get $pair))
        (local.set $pair (i32.add (local.get $counts) (local.get $pair)))
        (i32.store (local.get $pair) (i32.add (i32.load (local.get $pair)) (i32.const 1)))
        (local.set $keys (i32.add (local.get $keys) (i32.const 2)))
        (local.set $tokens (i32.add (local.get $tokens) (i32.const 2)))
        (local.set $pairs (i32.add (local.get $pairs) (i32.const 2)))
        (br $one))))

  ;; Appends the low bits of each z at a position in bits, and returns the position after them. Of eight values often
  ;; none has any, or none more than 13: four of those fit into 64 bits together.
  (func $packLow
    (param $z i32) (param $tokens i32) (param $n i32) (param $tokenTable i32) (param $bits i32) (param $position i32)
    (result i32)
    (local $end i32) (local $entry i32) (local $acc i64) (local $used i32) (local $at i32) (local $fourEnd i32)
    (local.set $end (i32.add (local.get $tokens) (i32.shl (local.get $n) (i32.const 1))))
    (local.set $fourEnd (i32.add (local.get $tokens) (i32.shl (i32.and (local.get $n) (i32.const -4)) (i32.const 1))))
    (local.set $at (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
    (local.set $used (i32.and (local.get $position) (i32.const 7)))
    (local.set $acc (i64.load8_u (local.get $at)))
    (block $fewer
      (loop $four
        (br_if $fewer (i32.ge_u (local.get $tokens) (local.get $fourEnd)))
        (if (i64.eqz (i64.and (i64.load (local.get $tokens)) (i64.const 0x0400_0400_0400_0400)))
          (then
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=0 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=0 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=2 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=4 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=4 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=8 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=6 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=12 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (i64.store (local.get $at) (local.get $acc))
            (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $used) (i32.const 3))))
            (local.set $acc (i64.shr_u (local.get $acc)
              (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
            (local.set $used (i32.and (local.get $used) (i32.const 7)))
          )
          (else
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=0 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=0 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (i64.store (local.get $at) (local.get $acc))
            (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $used) (i32.const 3))))
            (local.set $acc (i64.shr_u (local.get $acc)
              (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
            (local.set $used (i32.and (local.get $used) (i32.const 7)))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=2 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=4 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (i64.store (local.get $at) (local.get $acc))
            (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $used) (i32.const 3))))
            (local.set $acc (i64.shr_u (local.get $acc)
              (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
            (local.set $used (i32.and (local.get $used) (i32.const 7)))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=4 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=8 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (i64.store (local.get $at) (local.get $acc))
            (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $used) (i32.const 3))))
            (local.set $acc (i64.shr_u (local.get $acc)
              (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
            (local.set $used (i32.and (local.get $used) (i32.const 7)))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=6 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=12 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (i64.store (local.get $at) (local.get $acc))
            (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $used) (i32.const 3))))
            (local.set $acc (i64.shr_u (local.get $acc)
              (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
            (local.set $used (i32.and (local.get $used) (i32.const 7)))
          ))
        (local.set $z (i32.add (local.get $z) (i32.const 16)))
        (local.set $tokens (i32.add (local.get $tokens) (i32.const 8)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $tokens) (local.get $end)))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=0 (local.get $tokens))))
            (local.set $acc (i64.or (local.get $acc) (i64.shl
              (i64.extend_i32_u (i32.sub (i32.load offset=0 (local.get $z)) (i32.load (local.get $entry))))
              (i64.extend_i32_u (local.get $used)))))
            (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
            (i64.store (local.get $at) (local.get $acc))
            (local.set $at (i32.add (local.get $at) (i32.shr_u (local.get $used) (i32.const 3))))
            (local.set $acc (i64.shr_u (local.get $acc)
              (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
            (local.set $used (i32.and (local.get $used) (i32.const 7)))
        (local.set $z (i32.add (local.get $z) (i32.const 4)))
        (local.set $tokens (i32.add (local.get $tokens) (i32.const 2)))
        (br $one)))
    (i64.store (local.get $at) (local.get $acc))
    (i32.add (i32.shl (i32.sub (local.get $at) (local.get $bits)) (i32.const 3)) (local.get $used)))

  ;; Codes the pairs, last to first, with four rANS states that take turns. A symbol's entry (16 bytes, at symbols +
  ;; pair): u64 2^43 / frequency, rounded up, u32 limit, u16 start, u16 4096 - frequency. 16-bit words are written
  ;; downwards from `end`; the four states (u32) lie at `states`. Returns the address of the first word.
  (func (export "encode")
    (param $pairs i32) (param $n i32) (param $symbols i32) (param $end i32) (param $states i32) (result i32)
    (local $at i32) (local $symbol i32) (local $limit i32)
    (local $s0 i32) (local $s1 i32) (local $s2 i32) (local $s3 i32)
    (local.set $s0 (i32.const 0x8000)) (local.set $s1 (i32.const 0x8000))
    (local.set $s2 (i32.const 0x8000)) (local.set $s3 (i32.const 0x8000))
    (local.set $at (i32.add (local.get $pairs) (i32.shl (local.get $n) (i32.const 1))))
    ;; What is more than a multiple of four: all states are still the same, so they need not be told apart.
    (block $even
      (loop $one
        (br_if $even (i32.eqz (i32.and (local.get $n) (i32.const 3))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (local.set $at (i32.sub (local.get $at) (i32.const 2)))
        (local.set $symbol (i32.add (local.get $symbols) (i32.load16_u offset=0 (local.get $at))))
        (local.set $limit (i32.load offset=8 (local.get $symbol)))
        (i32.store16 (i32.sub (local.get $end) (i32.const 2)) (local.get $s3))
        (local.set $end (i32.sub (local.get $end)
          (i32.shl (i32.ge_u (local.get $s3) (local.get $limit)) (i32.const 1))))
        (local.set $s3 (call $pushed (local.get $symbol) (select
          (i32.shr_u (local.get $s3) (i32.const 16))
          (local.get $s3)
          (i32.ge_u (local.get $s3) (local.get $limit)))))
        (local.set $symbol (local.get $s3))
        (local.set $s3 (local.get $s2))
        (local.set $s2 (local.get $s1))
        (local.set $s1 (local.get $s0))
        (local.set $s0 (local.get $symbol))
        (br $one)))
    (block $done
      (loop $four
        (br_if $done (i32.le_u (local.get $at) (local.get $pairs)))
        (local.set $at (i32.sub (local.get $at) (i32.const 8)))
        (local.set $symbol (i32.add (local.get $symbols) (i32.load16_u offset=6 (local.get $at))))
        (local.set $limit (i32.load offset=8 (local.get $symbol)))
        (i32.store16 (i32.sub (local.get $end) (i32.const 2)) (local.get $s3))
        (local.set $end (i32.sub (local.get $end)
          (i32.shl (i32.ge_u (local.get $s3) (local.get $limit)) (i32.const 1))))
        (local.set $s3 (call $pushed (local.get $symbol) (select
          (i32.shr_u (local.get $s3) (i32.const 16))
          (local.get $s3)
          (i32.ge_u (local.get $s3) (local.get $limit)))))
        (local.set $symbol (i32.add (local.get $symbols) (i32.load16_u offset=4 (local.get $at))))
        (local.set $limit (i32.load offset=8 (local.get $symbol)))
        (i32.store16 (i32.sub (local.get $end) (i32.const 2)) (local.get $s2))
        (local.set $end (i32.sub (local.get $end)
          (i32.shl (i32.ge_u (local.get $s2) (local.get $limit)) (i32.const 1))))
        (local.set $s2 (call $pushed (local.get $symbol) (select
          (i32.shr_u (local.get $s2) (i32.const 16))
          (local.get $s2)
          (i32.ge_u (local.get $s2) (local.get $limit)))))
        (local.set $symbol (i32.add (local.get $symbols) (i32.load16_u offset=2 (local.get $at))))
        (local.set $limit (i32.load offset=8 (local.get $symbol)))
        (i32.store16 (i32.sub (local.get $end) (i32.const 2)) (local.get $s1))
        (local.set $end (i32.sub (local.get $end)
          (i32.shl (i32.ge_u (local.get $s1) (local.get $limit)) (i32.const 1))))
        (local.set $s1 (call $pushed (local.get $symbol) (select
          (i32.shr_u (local.get $s1) (i32.const 16))
          (local.get $s1)
          (i32.ge_u (local.get $s1) (local.get $limit)))))
        (local.set $symbol (i32.add (local.get $symbols) (i32.load16_u offset=0 (local.get $at))))
        (local.set $limit (i32.load offset=8 (local.get $symbol)))
        (i32.store16 (i32.sub (local.get $end) (i32.const 2)) (local.get $s0))
        (local.set $end (i32.sub (local.get $end)
          (i32.shl (i32.ge_u (local.get $s0) (local.get $limit)) (i32.const 1))))
        (local.set $s0 (call $pushed (local.get $symbol) (select
          (i32.shr_u (local.get $s0) (i32.const 16))
          (local.get $s0)
          (i32.ge_u (local.get $s0) (local.get $limit)))))
        (br $four)))
    (i32.store (local.get $states) (local.get $s0))
    (i32.store offset=4 (local.get $states) (local.get $s1))
    (i32.store offset=8 (local.get $states) (local.get $s2))
    (i32.store offset=12 (local.get $states) (local.get $s3))
    (local.get $end))

  ;; The state after a symbol: division by multiplication, exact for all states below the limit.
  (func $pushed (param $symbol i32) (param $x i32) (result i32)
    (i32.add
      (i32.add (local.get $x) (i32.load16_u offset=12 (local.get $symbol)))
      (i32.mul
        (i32.wrap_i64 (i64.shr_u
          (i64.mul (i64.extend_i32_u (local.get $x)) (i64.load (local.get $symbol))) (i64.const 43)))
        (i32.load16_u offset=14 (local.get $symbol)))))

  ;; The reverse of tokens and encode. The map (u32) has the address of each context's slots; a slot's entry (u32):
  ;; token, frequency from bit 8, slot - start from bit 20. A token's entry (16 bytes): u32 smallest z, u32 number of low
  ;; bits, u32 as many ones. `states` holds four states, the address of the next word, and the position in bits; they
  ;; are left there as they are after the values, so that the rest can follow.
  (func (export "decode")
    (param $e i32) (param $rows i32) (param $cols i32) (param $rowKeys i32) (param $colKeys i32) (param $step i32)
    (param $map i32) (param $tokenTable i32) (param $states i32) (param $bits i32) (param $z i32) (param $scratch i32)
    (local $n i32) (local $left i32) (local $col i32) (local $rowMap i32)
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $rowMap (i32.add (local.get $map) (i32.shl (i32.load8_u (local.get $rowKeys)) (i32.const 2))))
        (local.set $col (local.get $colKeys))
        (local.set $left (local.get $cols))
        (loop $piece
          (local.set $n (select (local.get $left) (i32.const 2048) (i32.lt_u (local.get $left) (i32.const 2048))))
          (call $keys (local.get $e) (local.get $col) (local.get $n) (local.get $step) (local.get $scratch))
          (call $popTokens (local.get $scratch) (local.get $n) (local.get $rowMap) (local.get $states))
          (i32.store offset=20 (local.get $states) (call $addLow (local.get $scratch) (local.get $n)
            (local.get $tokenTable) (local.get $bits) (i32.load offset=20 (local.get $states)) (local.get $z)))
          (local.set $z (i32.add (local.get $z) (i32.shl (local.get $n) (i32.const 2))))
          (local.set $e (i32.add (local.get $e) (local.get $n)))
          (local.set $col (i32.add (local.get $col) (local.get $n)))
          (br_if $piece (local.tee $left (i32.sub (local.get $left) (local.get $n)))))
        (local.set $rowKeys (i32.add (local.get $rowKeys) (i32.const 1)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; Replaces each key by a token, in its first byte.
  (func $popTokens (param $keys i32) (param $n i32) (param $map i32) (param $states i32)
    (local $x i32) (local $entry i32) (local $words i32) (local $end i32)
    (local $s0 i32) (local $s1 i32) (local $s2 i32) (local $s3 i32)
    (local.set $s0 (i32.load (local.get $states)))
    (local.set $s1 (i32.load offset=4 (local.get $states)))
    (local.set $s2 (i32.load offset=8 (local.get $states)))
    (local.set $s3 (i32.load offset=12 (local.get $states)))
    (local.set $words (i32.load offset=16 (local.get $states)))
    (local.set $end (i32.add (local.get $keys) (i32.shl (i32.and (local.get $n) (i32.const -4)) (i32.const 1))))
    (block $fewer
      (loop $four
        (br_if $fewer (i32.ge_u (local.get $keys) (local.get $end)))
        (local.set $entry (i32.load (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=0 (local.get $keys))))
          (i32.shl (i32.and (local.get $s0) (i32.const 4095)) (i32.const 2)))))
        (i32.store8 offset=0 (local.get $keys) (local.get $entry))
        (local.set $x (call $popped (local.get $entry) (local.get $s0)))
        (local.set $s0 (select
          (i32.or (i32.shl (local.get $x) (i32.const 16)) (i32.load16_u (local.get $words)))
          (local.get $x)
          (i32.lt_u (local.get $x) (i32.const 0x8000))))
        (local.set $words (select
          (i32.add (local.get $words) (i32.const 2))
          (local.get $words)
          (i32.le_u (local.get $x) (i32.const 0x7fff))))
        (local.set $entry (i32.load (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=2 (local.get $keys))))
          (i32.shl (i32.and (local.get $s1) (i32.const 4095)) (i32.const 2)))))
        (i32.store8 offset=2 (local.get $keys) (local.get $entry))
        (local.set $x (call $popped (local.get $entry) (local.get $s1)))
        (local.set $s1 (select
          (i32.or (i32.shl (local.get $x) (i32.const 16)) (i32.load16_u (local.get $words)))
          (local.get $x)
          (i32.lt_u (local.get $x) (i32.const 0x8000))))
        (local.set $words (select
          (i32.add (local.get $words) (i32.const 2))
          (local.get $words)
          (i32.le_u (local.get $x) (i32.const 0x7fff))))
        (local.set $entry (i32.load (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=4 (local.get $keys))))
          (i32.shl (i32.and (local.get $s2) (i32.const 4095)) (i32.const 2)))))
        (i32.store8 offset=4 (local.get $keys) (local.get $entry))
        (local.set $x (call $popped (local.get $entry) (local.get $s2)))
        (local.set $s2 (select
          (i32.or (i32.shl (local.get $x) (i32.const 16)) (i32.load16_u (local.get $words)))
          (local.get $x)
          (i32.lt_u (local.get $x) (i32.const 0x8000))))
        (local.set $words (select
          (i32.add (local.get $words) (i32.const 2))
          (local.get $words)
          (i32.le_u (local.get $x) (i32.const 0x7fff))))
        (local.set $entry (i32.load (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=6 (local.get $keys))))
          (i32.shl (i32.and (local.get $s3) (i32.const 4095)) (i32.const 2)))))
        (i32.store8 offset=6 (local.get $keys) (local.get $entry))
        (local.set $x (call $popped (local.get $entry) (local.get $s3)))
        (local.set $s3 (select
          (i32.or (i32.shl (local.get $x) (i32.const 16)) (i32.load16_u (local.get $words)))
          (local.get $x)
          (i32.lt_u (local.get $x) (i32.const 0x8000))))
        (local.set $words (select
          (i32.add (local.get $words) (i32.const 2))
          (local.get $words)
          (i32.le_u (local.get $x) (i32.const 0x7fff))))
        (local.set $keys (i32.add (local.get $keys) (i32.const 8)))
        (br $four)))
    (local.set $end (i32.add (local.get $keys) (i32.shl (i32.and (local.get $n) (i32.const 3)) (i32.const 1))))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $keys) (local.get $end)))
        (local.set $entry (i32.load (i32.add
          (i32.load (i32.add (local.get $map) (i32.load16_u offset=0 (local.get $keys))))
          (i32.shl (i32.and (local.get $s0) (i32.const 4095)) (i32.const 2)))))
        (i32.store8 offset=0 (local.get $keys) (local.get $entry))
        (local.set $x (call $popped (local.get $entry) (local.get $s0)))
        (local.set $s0 (select
          (i32.or (i32.shl (local.get $x) (i32.const 16)) (i32.load16_u (local.get $words)))
          (local.get $x)
          (i32.lt_u (local.get $x) (i32.const 0x8000))))
        (local.set $words (select
          (i32.add (local.get $words) (i32.const 2))
          (local.get $words)
          (i32.le_u (local.get $x) (i32.const 0x7fff))))
        (local.set $x (local.get $s0))
        (local.set $s0 (local.get $s1))
        (local.set $s1 (local.get $s2))
        (local.set $s2 (local.get $s3))
        (local.set $s3 (local.get $x))
        (local.set $keys (i32.add (local.get $keys) (i32.const 2)))
        (br $one)))
    (i32.store (local.get $states) (local.get $s0))
    (i32.store offset=4 (local.get $states) (local.get $s1))
    (i32.store offset=8 (local.get $states) (local.get $s2))
    (i32.store offset=12 (local.get $states) (local.get $s3))
    (i32.store offset=16 (local.get $states) (local.get $words)))

  (func $popped (param $entry i32) (param $x i32) (result i32)
    (i32.add
      (i32.mul
        (i32.and (i32.shr_u (local.get $entry) (i32.const 8)) (i32.const 4095))
        (i32.shr_u (local.get $x) (i32.const 12)))
      (i32.shr_u (local.get $entry) (i32.const 20))))

  ;; Makes each token a z with its low bits, from a position in bits on; returns the position after them. As in
  ;; $packLow, four values are done at once where that can be. What lies behind the tokens is decoded too, for nothing.
  (func $addLow
    (param $tokens i32) (param $n i32) (param $tokenTable i32) (param $bits i32) (param $position i32) (param $z i32)
    (result i32)
    (local $end i32) (local $entry i32) (local $next i64) (local $a v128) (local $fourEnd i32)
    (local.set $end (i32.add (local.get $tokens) (i32.shl (local.get $n) (i32.const 1))))
    (local.set $entry (local.get $tokens))
    (loop $eight
      (v128.store (local.get $entry) (i16x8.shl
        (v128.and (v128.load (local.get $entry)) (i16x8.splat (i32.const 127))) (i32.const 4)))
      (br_if $eight (i32.lt_u (local.tee $entry (i32.add (local.get $entry) (i32.const 16))) (local.get $end))))
    (local.set $fourEnd (i32.add (local.get $tokens) (i32.shl (i32.and (local.get $n) (i32.const -4)) (i32.const 1))))
    (block $fewer
      (loop $four
        (br_if $fewer (i32.ge_u (local.get $tokens) (local.get $fourEnd)))
        (if (i64.eqz (i64.and (i64.load (local.get $tokens)) (i64.const 0x0400_0400_0400_0400)))
          (then
            (local.set $next (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=0 (local.get $tokens))))
            (i32.store offset=0 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
            (local.set $next (i64.shr_u (local.get $next) (i64.load32_u offset=4 (local.get $entry))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=2 (local.get $tokens))))
            (i32.store offset=4 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
            (local.set $next (i64.shr_u (local.get $next) (i64.load32_u offset=4 (local.get $entry))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=4 (local.get $tokens))))
            (i32.store offset=8 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
            (local.set $next (i64.shr_u (local.get $next) (i64.load32_u offset=4 (local.get $entry))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=6 (local.get $tokens))))
            (i32.store offset=12 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
          )
          (else
            (local.set $next (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=0 (local.get $tokens))))
            (i32.store offset=0 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
            (local.set $next (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=2 (local.get $tokens))))
            (i32.store offset=4 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
            (local.set $next (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=4 (local.get $tokens))))
            (i32.store offset=8 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
            (local.set $next (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=6 (local.get $tokens))))
            (i32.store offset=12 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
          ))
        (local.set $z (i32.add (local.get $z) (i32.const 16)))
        (local.set $tokens (i32.add (local.get $tokens) (i32.const 8)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $tokens) (local.get $end)))
            (local.set $next (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (local.set $entry (i32.add (local.get $tokenTable) (i32.load16_u offset=0 (local.get $tokens))))
            (i32.store offset=0 (local.get $z) (i32.add (i32.load (local.get $entry))
              (i32.and (i32.wrap_i64 (local.get $next)) (i32.load offset=8 (local.get $entry)))))
            (local.set $position (i32.add (local.get $position) (i32.load offset=4 (local.get $entry))))
        (local.set $z (i32.add (local.get $z) (i32.const 4)))
        (local.set $tokens (i32.add (local.get $tokens) (i32.const 2)))
        (br $one)))
    (local.get $position))

  ;; ---- Low-rank prediction. Products and sums are f32, in the order written, never fused: every machine predicts the
  ;; same bits.

  (func (export "floatsOfBf16") (param $from i32) (param $n i32) (param $to i32)
    (local $end i32) (local $a v128)
    (local.set $end (i32.add (local.get $from) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $a (v128.load (local.get $from)))
        (v128.store (local.get $to)
          (i32x4.shl (i32x4.extend_low_i16x8_u (local.get $a)) (i32.const 16)))
        (v128.store offset=16 (local.get $to)
          (i32x4.shl (i32x4.extend_high_i16x8_u (local.get $a)) (i32.const 16)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (br $step))))

  ;; Rounds half to even.
  (func (export "bf16OfFloats") (param $from i32) (param $n i32) (param $to i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
        (v128.store (local.get $to) (i16x8.narrow_i32x4_u
          (call $roundBf16 (v128.load (local.get $from)))
          (call $roundBf16 (v128.load offset=16 (local.get $from)))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $step))))

  (func $roundBf16 (param $a v128) (result v128)
    (i32x4.shr_u
      (i32x4.add (local.get $a) (i32x4.add (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff)
        (v128.and (i32x4.shr_u (local.get $a) (i32.const 16)) (v128.const i32x4 1 1 1 1))))
      (i32.const 16)))

  ;; Half floats by a shift and a factor of 2^112, which is exact but for infinities: those become large numbers.
  (func (export "floatsOfF16") (param $from i32) (param $n i32) (param $to i32)
    (local $end i32) (local $a v128)
    (local.set $end (i32.add (local.get $from) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $a (v128.load (local.get $from)))
        (v128.store (local.get $to) (call $floatOfHalf (i32x4.extend_low_i16x8_u (local.get $a))))
        (v128.store offset=16 (local.get $to) (call $floatOfHalf (i32x4.extend_high_i16x8_u (local.get $a))))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (br $step))))

  (func $floatOfHalf (param $a v128) (result v128)
    (v128.or
      (i32x4.shl (v128.and (local.get $a) (i32x4.splat (i32.const 0x8000))) (i32.const 16))
      (f32x4.mul
        (i32x4.shl (v128.and (local.get $a) (i32x4.splat (i32.const 0x7fff))) (i32.const 13))
        (i32x4.splat (i32.const 0x77800000)))))

  (func (export "f16OfFloats") (param $from i32) (param $n i32) (param $to i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
        (v128.store (local.get $to) (i16x8.narrow_i32x4_u
          (call $halfOfFloat (v128.load (local.get $from)))
          (call $halfOfFloat (v128.load offset=16 (local.get $from)))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $step))))

  (func $halfOfFloat (param $a v128) (result v128)
    (local $scaled v128)
    (local.set $scaled (f32x4.mul
      (v128.and (local.get $a) (i32x4.splat (i32.const 0x7fffffff)))
      (i32x4.splat (i32.const 0x07800000))))
    (v128.or
      (v128.and (i32x4.shr_u (local.get $a) (i32.const 16)) (i32x4.splat (i32.const 0x8000)))
      (i32x4.min_u
        (i32x4.shr_u
          (i32x4.add (local.get $scaled) (i32x4.add (i32x4.splat (i32.const 0xfff))
            (v128.and (i32x4.shr_u (local.get $scaled) (i32.const 13)) (i32x4.splat (i32.const 1)))))
          (i32.const 13))
        (i32x4.splat (i32.const 0x7fff)))))

  ;; values[r][c] += left[r][0] * right[0][c] + left[r][1] * right[1][c] + ...; a row of `right` is `stride` floats
  ;; long, a multiple of 4.
  (func (export "addProduct")
    (param $values i32) (param $rows i32) (param $cols i32) (param $left i32) (param $right i32) (param $rank i32)
    (param $stride i32)
    (local $col i32) (local $k i32) (local $at i32) (local $l v128) (local $leftEnd i32) (local $rowBytes i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $colEnd i32)
    (local.set $rowBytes (i32.shl (local.get $stride) (i32.const 2)))
    (local.set $colEnd (i32.shl (local.get $cols) (i32.const 2)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $leftEnd (i32.add (local.get $left) (i32.shl (local.get $rank) (i32.const 2))))
        (local.set $col (i32.const 0))
        (block $wide
          (loop $sixteen
            (br_if $wide (i32.gt_u (i32.add (local.get $col) (i32.const 64)) (local.get $colEnd)))
            (local.set $a (v128.const i32x4 0 0 0 0))
            (local.set $b (local.get $a)) (local.set $c (local.get $a)) (local.set $d (local.get $a))
            (local.set $k (local.get $left))
            (local.set $at (i32.add (local.get $right) (local.get $col)))
            (loop $factor
              (local.set $l (v128.load32_splat (local.get $k)))
              (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $l) (v128.load (local.get $at)))))
              (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $l) (v128.load offset=16 (local.get $at)))))
              (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $l) (v128.load offset=32 (local.get $at)))))
              (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $l) (v128.load offset=48 (local.get $at)))))
              (local.set $at (i32.add (local.get $at) (local.get $rowBytes)))
              (local.set $k (i32.add (local.get $k) (i32.const 4)))
              (br_if $factor (i32.lt_u (local.get $k) (local.get $leftEnd))))
            (local.set $at (i32.add (local.get $values) (local.get $col)))
            (v128.store (local.get $at) (call $sum (v128.load (local.get $at)) (local.get $a)))
            (v128.store offset=16 (local.get $at) (call $sum (v128.load offset=16 (local.get $at)) (local.get $b)))
            (v128.store offset=32 (local.get $at) (call $sum (v128.load offset=32 (local.get $at)) (local.get $c)))
            (v128.store offset=48 (local.get $at) (call $sum (v128.load offset=48 (local.get $at)) (local.get $d)))
            (local.set $col (i32.add (local.get $col) (i32.const 64)))
            (br $sixteen)))
        (block $rest
          (loop $one
            (br_if $rest (i32.ge_u (local.get $col) (local.get $colEnd)))
            (local.set $a (v128.const i32x4 0 0 0 0))
            (local.set $k (local.get $left))
            (local.set $at (i32.add (local.get $right) (local.get $col)))
            (loop $factor
              (local.set $a (f32x4.add (local.get $a) (f32x4.mul
                (v128.load32_splat (local.get $k)) (v128.load32_splat (local.get $at)))))
              (local.set $at (i32.add (local.get $at) (local.get $rowBytes)))
              (local.set $k (i32.add (local.get $k) (i32.const 4)))
              (br_if $factor (i32.lt_u (local.get $k) (local.get $leftEnd))))
            (local.set $at (i32.add (local.get $values) (local.get $col)))
            (f32.store (local.get $at) (f32x4.extract_lane 0
              (call $sum (v128.load32_splat (local.get $at)) (local.get $a))))
            (local.set $col (i32.add (local.get $col) (i32.const 4)))
            (br $one)))
        (local.set $left (local.get $leftEnd))
        (local.set $values (i32.add (local.get $values) (local.get $colEnd)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; What is not a number has many bit patterns, and which of them a sum has is left to the machine: here it has one.
  (func $sum (param $a v128) (param $b v128) (result v128)
    (local.set $a (f32x4.add (local.get $a) (local.get $b)))
    (v128.bitselect (local.get $a) (i32x4.splat (i32.const 0x7fc00000))
      (f32x4.eq (local.get $a) (local.get $a))))

  ;; ---- To find the factors. values is rows x cols; right is cols x width, left is rows x width, width a multiple of 16.

  ;; a = b - a
  (func (export "subtract") (param $a i32) (param $b i32) (param $n i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $n) (i32.const 2))))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (v128.store (local.get $a) (f32x4.sub (v128.load (local.get $b)) (v128.load (local.get $a))))
        (local.set $a (i32.add (local.get $a) (i32.const 16)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (br $step))))

  ;; left = values * right
  (func (export "times")
    (param $values i32) (param $rows i32) (param $cols i32) (param $right i32) (param $width i32) (param $left i32)
    (local $k i32) (local $at i32) (local $end i32) (local $z i32) (local $v v128) (local $widthBytes i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $widthBytes (i32.shl (local.get $width) (i32.const 2)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $end (i32.add (local.get $values) (i32.shl (local.get $cols) (i32.const 2))))
        (local.set $k (i32.const 0))
        (loop $sixteen
          (local.set $a (v128.const i32x4 0 0 0 0))
          (local.set $b (local.get $a)) (local.set $c (local.get $a)) (local.set $d (local.get $a))
          (local.set $at (local.get $values))
          (local.set $z (i32.add (local.get $right) (local.get $k)))
          (loop $col
            (local.set $v (v128.load32_splat (local.get $at)))
            (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $v) (v128.load (local.get $z)))))
            (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $v) (v128.load offset=16 (local.get $z)))))
            (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $v) (v128.load offset=32 (local.get $z)))))
            (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $v) (v128.load offset=48 (local.get $z)))))
            (local.set $z (i32.add (local.get $z) (local.get $widthBytes)))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (br_if $col (i32.lt_u (local.get $at) (local.get $end))))
          (local.set $z (i32.add (local.get $left) (local.get $k)))
          (v128.store (local.get $z) (local.get $a))
          (v128.store offset=16 (local.get $z) (local.get $b))
          (v128.store offset=32 (local.get $z) (local.get $c))
          (v128.store offset=48 (local.get $z) (local.get $d))
          (local.set $k (i32.add (local.get $k) (i32.const 64)))
          (br_if $sixteen (i32.lt_u (local.get $k) (local.get $widthBytes))))
        (local.set $values (local.get $end))
        (local.set $left (i32.add (local.get $left) (local.get $widthBytes)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; right += transposed(values) * left
  (func (export "addTransposedTimes")
    (param $values i32) (param $rows i32) (param $cols i32) (param $left i32) (param $width i32) (param $right i32)
    (local $k i32) (local $at i32) (local $end i32) (local $z i32) (local $v v128) (local $widthBytes i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $widthBytes (i32.shl (local.get $width) (i32.const 2)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $end (i32.add (local.get $values) (i32.shl (local.get $cols) (i32.const 2))))
        (local.set $k (i32.const 0))
        (loop $sixteen
          (local.set $z (i32.add (local.get $left) (local.get $k)))
          (local.set $a (v128.load (local.get $z)))
          (local.set $b (v128.load offset=16 (local.get $z)))
          (local.set $c (v128.load offset=32 (local.get $z)))
          (local.set $d (v128.load offset=48 (local.get $z)))
          (local.set $at (local.get $values))
          (local.set $z (i32.add (local.get $right) (local.get $k)))
          (loop $col
            (local.set $v (v128.load32_splat (local.get $at)))
            (v128.store (local.get $z)
              (f32x4.add (v128.load (local.get $z)) (f32x4.mul (local.get $v) (local.get $a))))
            (v128.store offset=16 (local.get $z)
              (f32x4.add (v128.load offset=16 (local.get $z)) (f32x4.mul (local.get $v) (local.get $b))))
            (v128.store offset=32 (local.get $z)
              (f32x4.add (v128.load offset=32 (local.get $z)) (f32x4.mul (local.get $v) (local.get $c))))
            (v128.store offset=48 (local.get $z)
              (f32x4.add (v128.load offset=48 (local.get $z)) (f32x4.mul (local.get $v) (local.get $d))))
            (local.set $z (i32.add (local.get $z) (local.get $widthBytes)))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (br_if $col (i32.lt_u (local.get $at) (local.get $end))))
          (local.set $k (i32.add (local.get $k) (i32.const 64)))
          (br_if $sixteen (i32.lt_u (local.get $k) (local.get $widthBytes))))
        (local.set $values (local.get $end))
        (local.set $left (i32.add (local.get $left) (local.get $widthBytes)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))
)
