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

  ;; Sums of z * 2^(e - 127), about twice the change of a value in units of its format: by row into rowSums (f32), by
  ;; column added to colSums (f32). For the encoder's choice of contexts only.
  (func (export "magnitudes")
    (param $z i32) (param $e i32) (param $rows i32) (param $cols i32) (param $rowSums i32) (param $colSums i32)
    (local $sum f32) (local $value f32) (local $at i32) (local $end i32)
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $sum (f32.const 0))
        (local.set $at (local.get $colSums))
        (local.set $end (i32.add (local.get $at) (i32.shl (local.get $cols) (i32.const 2))))
        (loop $col
          (local.set $value (f32.mul
            (f32.convert_i32_u (i32.load (local.get $z)))
            (f32.reinterpret_i32 (i32.shl (i32.load8_u (local.get $e)) (i32.const 23)))))
          (local.set $sum (f32.add (local.get $sum) (local.get $value)))
          (f32.store (local.get $at) (f32.add (f32.load (local.get $at)) (local.get $value)))
          (local.set $z (i32.add (local.get $z) (i32.const 4)))
          (local.set $e (i32.add (local.get $e) (i32.const 1)))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (br_if $col (i32.lt_u (local.get $at) (local.get $end))))
        (f32.store (local.get $rowSums) (local.get $sum))
        (local.set $rowSums (i32.add (local.get $rowSums) (i32.const 4)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; Splits each z into a token and low bits. The token goes with its context, map[(e << step) + row + col], into pairs
  ;; (u16, context * 128 + token) and is counted in counts (u32, indexed by the pair); the low bits are packed into
  ;; bits, least significant first. tokenTable is that of `decode`. Returns the address after the bits, rounded up to
  ;; whole bytes. The tokens are made in the upper half of pairs, which is overwritten behind them.
  (func (export "tokens")
    (param $z i32) (param $e i32) (param $rows i32) (param $cols i32) (param $rowKeys i32) (param $colKeys i32)
    (param $step i32) (param $map i32) (param $tokenTable i32) (param $pairs i32) (param $counts i32) (param $bits i32)
    (result i32)
    (local $entry i32) (local $pair i32) (local $used i32) (local $acc i64) (local $token i32) (local $tokens i32)
    (local $col i32) (local $end i32) (local $rowMap i32) (local $n i32)
    (local.set $n (i32.mul (local.get $rows) (local.get $cols)))
    (local.set $tokens (i32.add (local.get $pairs) (local.get $n)))
    (call $tokenBytes (local.get $z) (local.get $n) (local.get $tokens))
    (local.set $end (i32.add (local.get $colKeys) (local.get $cols)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $rowMap (i32.add (local.get $map) (i32.load8_u (local.get $rowKeys))))
        (local.set $col (local.get $colKeys))
        (loop $one
          (local.set $token (i32.load8_u (local.get $tokens)))
          (local.set $pair (i32.add
            (i32.shl
              (i32.load8_u (i32.add (local.get $rowMap) (i32.add
                (i32.shl (i32.load8_u (local.get $e)) (local.get $step))
                (i32.load8_u (local.get $col)))))
              (i32.const 7))
            (local.get $token)))
          (i32.store16 (local.get $pairs) (local.get $pair))
          (local.set $pair (i32.add (local.get $counts) (i32.shl (local.get $pair) (i32.const 2))))
          (i32.store (local.get $pair) (i32.add (i32.load (local.get $pair)) (i32.const 1)))
          (local.set $entry (i32.add (local.get $tokenTable) (i32.shl (local.get $token) (i32.const 3))))
          (local.set $acc (i64.or (local.get $acc) (i64.shl
            (i64.extend_i32_u (i32.sub (i32.load (local.get $z)) (i32.load (local.get $entry))))
            (i64.extend_i32_u (local.get $used)))))
          (local.set $used (i32.add (local.get $used) (i32.load offset=4 (local.get $entry))))
          (i64.store (local.get $bits) (local.get $acc))
          (local.set $bits (i32.add (local.get $bits) (i32.shr_u (local.get $used) (i32.const 3))))
          (local.set $acc (i64.shr_u (local.get $acc)
            (i64.extend_i32_u (i32.and (local.get $used) (i32.const 56)))))
          (local.set $used (i32.and (local.get $used) (i32.const 7)))
          (local.set $z (i32.add (local.get $z) (i32.const 4)))
          (local.set $e (i32.add (local.get $e) (i32.const 1)))
          (local.set $tokens (i32.add (local.get $tokens) (i32.const 1)))
          (local.set $pairs (i32.add (local.get $pairs) (i32.const 2)))
          (local.set $col (i32.add (local.get $col) (i32.const 1)))
          (br_if $one (i32.lt_u (local.get $col) (local.get $end))))
        (local.set $rowKeys (i32.add (local.get $rowKeys) (i32.const 1)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row)))
    (i64.store (local.get $bits) (local.get $acc))
    (i32.add (local.get $bits) (i32.ne (local.get $used) (i32.const 0))))

  ;; The token of each z, as a byte.
  (func $tokenBytes (param $z i32) (param $n i32) (param $out i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $out) (local.get $n)))
    (block $done
      (loop $step
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store (local.get $out) (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_u
            (call $fourTokens (v128.load (local.get $z)))
            (call $fourTokens (v128.load offset=16 (local.get $z))))
          (i16x8.narrow_i32x4_u
            (call $fourTokens (v128.load offset=32 (local.get $z)))
            (call $fourTokens (v128.load offset=48 (local.get $z))))))
        (local.set $z (i32.add (local.get $z) (i32.const 64)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $step))))

  ;; A float's exponent and the two highest bits of its fraction are a token, but for the exponent's bias. From 2^24 on
  ;; the low bits go first, so that rounding to a float cannot carry.
  (func $fourTokens (param $z v128) (result v128)
    (v128.bitselect
      (local.get $z)
      (i32x4.sub
        (i32x4.shr_u
          (f32x4.convert_i32x4_u (v128.andnot (local.get $z) (v128.and
            (i32x4.gt_u (local.get $z) (i32x4.splat (i32.const 0xffffff)))
            (i32x4.splat (i32.const 0xff)))))
          (i32.const 21))
        (i32x4.splat (i32.const 508)))
      (i32x4.lt_u (local.get $z) (i32x4.splat (i32.const 16)))))

  ;; Codes the pairs, last to first, with four rANS states that take turns. A symbol's entry (16 bytes, indexed by the
  ;; pair): u32 reciprocal, u32 limit, u16 start, u16 4096 - frequency, u32 shift of the reciprocal. 16-bit words are
  ;; written downwards from `end`; the four states (u32) lie at `states`. Returns the address of the first word.
  (func (export "encode")
    (param $pairs i32) (param $n i32) (param $symbols i32) (param $end i32) (param $states i32) (result i32)
    (local $at i32) (local $symbol i32) (local $x i32) (local $over i32)
    (local $s0 i32) (local $s1 i32) (local $s2 i32) (local $s3 i32)
    (local.set $s0 (i32.const 0x8000)) (local.set $s1 (i32.const 0x8000))
    (local.set $s2 (i32.const 0x8000)) (local.set $s3 (i32.const 0x8000))
    (local.set $at (i32.add (local.get $pairs) (i32.shl (local.get $n) (i32.const 1))))
    (block $done
      (loop $one
        (br_if $done (i32.le_u (local.get $at) (local.get $pairs)))
        (local.set $at (i32.sub (local.get $at) (i32.const 2)))
        (local.set $symbol (i32.add (local.get $symbols) (i32.shl (i32.load16_u (local.get $at)) (i32.const 4))))
        (local.set $x (local.get $s3))
        (local.set $over (i32.ge_u (local.get $x) (i32.load offset=4 (local.get $symbol))))
        (i32.store16 (i32.sub (local.get $end) (i32.const 2)) (local.get $x))
        (local.set $end (i32.sub (local.get $end) (i32.shl (local.get $over) (i32.const 1))))
        (local.set $x (i32.shr_u (local.get $x) (i32.shl (local.get $over) (i32.const 4))))
        (local.set $s3 (local.get $s2))
        (local.set $s2 (local.get $s1))
        (local.set $s1 (local.get $s0))
        (local.set $s0 (i32.add
          (i32.add (local.get $x) (i32.load16_u offset=8 (local.get $symbol)))
          (i32.mul
            (i32.wrap_i64 (i64.shr_u
              (i64.mul (i64.extend_i32_u (local.get $x)) (i64.load32_u (local.get $symbol)))
              (i64.load32_u offset=12 (local.get $symbol))))
            (i32.load16_u offset=10 (local.get $symbol)))))
        (br $one)))
    (i32.store (local.get $states) (local.get $s0))
    (i32.store offset=4 (local.get $states) (local.get $s1))
    (i32.store offset=8 (local.get $states) (local.get $s2))
    (i32.store offset=12 (local.get $states) (local.get $s3))
    (local.get $end))

  ;; The reverse of tokens and encode. A slot's entry (u32, indexed by context * 4096 + slot): token, frequency - 1 from
  ;; bit 7, slot - start from bit 19. A token's entry (8 bytes): u32 smallest z, u32 number of low bits. Leaves the
  ;; final states at `states`, after them the address behind the last word and the number of low bits that were read.
  (func (export "decode")
    (param $e i32) (param $rows i32) (param $cols i32) (param $rowKeys i32) (param $colKeys i32) (param $step i32)
    (param $map i32) (param $slots i32) (param $tokenTable i32) (param $states i32) (param $words i32)
    (param $bits i32) (param $z i32)
    (local $x i32) (local $entry i32) (local $low i32) (local $k i32) (local $token i32) (local $position i32)
    (local $col i32) (local $end i32) (local $rowMap i32)
    (local $s0 i32) (local $s1 i32) (local $s2 i32) (local $s3 i32)
    (local.set $s0 (i32.load (local.get $states)))
    (local.set $s1 (i32.load offset=4 (local.get $states)))
    (local.set $s2 (i32.load offset=8 (local.get $states)))
    (local.set $s3 (i32.load offset=12 (local.get $states)))
    (local.set $end (i32.add (local.get $colKeys) (local.get $cols)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $rowMap (i32.add (local.get $map) (i32.load8_u (local.get $rowKeys))))
        (local.set $col (local.get $colKeys))
        (loop $one
          (local.set $entry (i32.load (i32.add (local.get $slots) (i32.add
            (i32.shl
              (i32.load8_u (i32.add (local.get $rowMap) (i32.add
                (i32.shl (i32.load8_u (local.get $e)) (local.get $step))
                (i32.load8_u (local.get $col)))))
              (i32.const 14))
            (i32.shl (i32.and (local.get $s0) (i32.const 4095)) (i32.const 2))))))
          (local.set $x (i32.add
            (i32.mul
              (i32.add (i32.and (i32.shr_u (local.get $entry) (i32.const 7)) (i32.const 4095)) (i32.const 1))
              (i32.shr_u (local.get $s0) (i32.const 12)))
            (i32.shr_u (local.get $entry) (i32.const 19))))
          (local.set $low (i32.lt_u (local.get $x) (i32.const 0x8000)))
          (local.set $s0 (local.get $s1))
          (local.set $s1 (local.get $s2))
          (local.set $s2 (local.get $s3))
          (local.set $s3 (select
            (i32.or (i32.shl (local.get $x) (i32.const 16)) (i32.load16_u (local.get $words)))
            (local.get $x)
            (local.get $low)))
          (local.set $words (i32.add (local.get $words) (i32.shl (local.get $low) (i32.const 1))))
          (local.set $token (i32.add (local.get $tokenTable)
            (i32.shl (i32.and (local.get $entry) (i32.const 127)) (i32.const 3))))
          (local.set $k (i32.load offset=4 (local.get $token)))
          (i32.store (local.get $z) (i32.add (i32.load (local.get $token)) (i32.and
            (i32.wrap_i64 (i64.shr_u
              (i64.load (i32.add (local.get $bits) (i32.shr_u (local.get $position) (i32.const 3))))
              (i64.extend_i32_u (i32.and (local.get $position) (i32.const 7)))))
            (i32.sub (i32.shl (i32.const 1) (local.get $k)) (i32.const 1)))))
          (local.set $position (i32.add (local.get $position) (local.get $k)))
          (local.set $z (i32.add (local.get $z) (i32.const 4)))
          (local.set $e (i32.add (local.get $e) (i32.const 1)))
          (local.set $col (i32.add (local.get $col) (i32.const 1)))
          (br_if $one (i32.lt_u (local.get $col) (local.get $end))))
        (local.set $rowKeys (i32.add (local.get $rowKeys) (i32.const 1)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row)))
    (i32.store (local.get $states) (local.get $s0))
    (i32.store offset=4 (local.get $states) (local.get $s1))
    (i32.store offset=8 (local.get $states) (local.get $s2))
    (i32.store offset=12 (local.get $states) (local.get $s3))
    (i32.store offset=16 (local.get $states) (local.get $words))
    (i32.store offset=20 (local.get $states) (local.get $position)))

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
