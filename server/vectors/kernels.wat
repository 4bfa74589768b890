;; The inner loops over vectors, as SIMD. server/vectors/plain-kernels.ts does the same arithmetic in TypeScript and
;; gives the same bits; change both together. Addresses and sizes are in bytes, `dims` in components.
;; Rows of codes lie one after the other. `dims` is a multiple of 16 for the dot products, of 32 for the rest.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; The code that stands for the largest component of a vector.
  (global $top f32 (f32.const 127))

  ;; Dot products of one query with `count` rows: out[i] = rows[i] . query, exact in 32 bits. Four rows go together, one of
  ;; each quarter of all: memory brings four streams in less time than one, by a quarter where it is what takes the time.
  (func (export "dots")
    (param $rows i32) (param $query i32) (param $out i32) (param $count i32) (param $dims i32)
    (local $row1 i32) (local $row2 i32) (local $row3 i32) (local $out1 i32) (local $out2 i32) (local $out3 i32)
    (local $end i32) (local $size i32) (local $sums v128)
    (local.set $size (i32.and (local.get $count) (i32.const -4)))
    (local.set $row1 (i32.add (local.get $rows) (i32.mul (i32.shr_u (local.get $size) (i32.const 2)) (local.get $dims))))
    (local.set $row2 (i32.add (local.get $row1) (i32.sub (local.get $row1) (local.get $rows))))
    (local.set $row3 (i32.add (local.get $row2) (i32.sub (local.get $row1) (local.get $rows))))
    (local.set $out1 (i32.add (local.get $out) (local.get $size)))
    (local.set $out2 (i32.add (local.get $out1) (local.get $size)))
    (local.set $out3 (i32.add (local.get $out2) (local.get $size)))
    (local.set $end (local.get $out1))
    (block $single
      (loop $four
        (br_if $single (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $sums (call $fourDots (local.get $rows) (local.get $row1) (local.get $row2) (local.get $row3)
          (local.get $query) (local.get $dims)))
        (v128.store32_lane 0 (local.get $out) (local.get $sums))
        (v128.store32_lane 1 (local.get $out1) (local.get $sums))
        (v128.store32_lane 2 (local.get $out2) (local.get $sums))
        (v128.store32_lane 3 (local.get $out3) (local.get $sums))
        (local.set $rows (i32.add (local.get $rows) (local.get $dims)))
        (local.set $row1 (i32.add (local.get $row1) (local.get $dims)))
        (local.set $row2 (i32.add (local.get $row2) (local.get $dims)))
        (local.set $row3 (i32.add (local.get $row3) (local.get $dims)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $out1 (i32.add (local.get $out1) (i32.const 4)))
        (local.set $out2 (i32.add (local.get $out2) (i32.const 4)))
        (local.set $out3 (i32.add (local.get $out3) (i32.const 4)))
        (br $four)))
    ;; What is left follows the last quarter.
    (local.set $count (i32.and (local.get $count) (i32.const 3)))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $count)))
        (i32.store (local.get $out3) (call $dot (local.get $row3) (local.get $query) (local.get $dims)))
        (local.set $row3 (i32.add (local.get $row3) (local.get $dims)))
        (local.set $out3 (i32.add (local.get $out3) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  ;; The same for `count` rows by their numbers, in the order given: out[i] = rows[numbers[i]] . query. Four at a time
  ;; wait for memory together.
  (func (export "dotsOf")
    (param $rows i32) (param $numbers i32) (param $query i32) (param $out i32) (param $count i32) (param $dims i32)
    (block $single
      (loop $four
        (br_if $single (i32.lt_s (local.get $count) (i32.const 4)))
        (v128.store (local.get $out) (call $fourDots
          (i32.add (local.get $rows) (i32.mul (local.get $dims) (i32.load (local.get $numbers))))
          (i32.add (local.get $rows) (i32.mul (local.get $dims) (i32.load offset=4 (local.get $numbers))))
          (i32.add (local.get $rows) (i32.mul (local.get $dims) (i32.load offset=8 (local.get $numbers))))
          (i32.add (local.get $rows) (i32.mul (local.get $dims) (i32.load offset=12 (local.get $numbers))))
          (local.get $query) (local.get $dims)))
        (local.set $numbers (i32.add (local.get $numbers) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $count)))
        (i32.store (local.get $out) (call $dot
          (i32.add (local.get $rows) (i32.mul (local.get $dims) (i32.load (local.get $numbers))))
          (local.get $query) (local.get $dims)))
        (local.set $numbers (i32.add (local.get $numbers) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  ;; In how many of 256 bits each of `count` rows differs from the query, as bytes: 256 counts as 255. The processor
  ;; counts the bits of 64 at once; counting bytes as SIMD needs eight instructions for what is one here. Four streams, as
  ;; above.
  (func (export "distances") (param $rows i32) (param $query i32) (param $out i32) (param $count i32)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $end i32) (local $quarter i32)
    (local $row1 i32) (local $row2 i32) (local $row3 i32) (local $out1 i32) (local $out2 i32) (local $out3 i32)
    (local.set $a (i64.load (local.get $query)))
    (local.set $b (i64.load offset=8 (local.get $query)))
    (local.set $c (i64.load offset=16 (local.get $query)))
    (local.set $d (i64.load offset=24 (local.get $query)))
    (local.set $quarter (i32.shr_u (local.get $count) (i32.const 2)))
    (local.set $row1 (i32.add (local.get $rows) (i32.shl (local.get $quarter) (i32.const 5))))
    (local.set $row2 (i32.add (local.get $row1) (i32.shl (local.get $quarter) (i32.const 5))))
    (local.set $row3 (i32.add (local.get $row2) (i32.shl (local.get $quarter) (i32.const 5))))
    (local.set $out1 (i32.add (local.get $out) (local.get $quarter)))
    (local.set $out2 (i32.add (local.get $out1) (local.get $quarter)))
    (local.set $out3 (i32.add (local.get $out2) (local.get $quarter)))
    (local.set $end (local.get $out1))
    (block $single
      (loop $four
        (br_if $single (i32.ge_u (local.get $out) (local.get $end)))
        (i32.store8 (local.get $out)
          (call $distance (local.get $rows) (local.get $a) (local.get $b) (local.get $c) (local.get $d)))
        (i32.store8 (local.get $out1)
          (call $distance (local.get $row1) (local.get $a) (local.get $b) (local.get $c) (local.get $d)))
        (i32.store8 (local.get $out2)
          (call $distance (local.get $row2) (local.get $a) (local.get $b) (local.get $c) (local.get $d)))
        (i32.store8 (local.get $out3)
          (call $distance (local.get $row3) (local.get $a) (local.get $b) (local.get $c) (local.get $d)))
        (local.set $rows (i32.add (local.get $rows) (i32.const 32)))
        (local.set $row1 (i32.add (local.get $row1) (i32.const 32)))
        (local.set $row2 (i32.add (local.get $row2) (i32.const 32)))
        (local.set $row3 (i32.add (local.get $row3) (i32.const 32)))
        (local.set $out (i32.add (local.get $out) (i32.const 1)))
        (local.set $out1 (i32.add (local.get $out1) (i32.const 1)))
        (local.set $out2 (i32.add (local.get $out2) (i32.const 1)))
        (local.set $out3 (i32.add (local.get $out3) (i32.const 1)))
        (br $four)))
    (local.set $count (i32.and (local.get $count) (i32.const 3)))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $count)))
        (i32.store8 (local.get $out3)
          (call $distance (local.get $row3) (local.get $a) (local.get $b) (local.get $c) (local.get $d)))
        (local.set $row3 (i32.add (local.get $row3) (i32.const 32)))
        (local.set $out3 (i32.add (local.get $out3) (i32.const 1)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  (func $distance (param $row i32) (param $a i64) (param $b i64) (param $c i64) (param $d i64) (result i32)
    (local $differing i32)
    (local.set $differing (i32.wrap_i64 (i64.add
      (i64.add
        (i64.popcnt (i64.xor (local.get $a) (i64.load (local.get $row))))
        (i64.popcnt (i64.xor (local.get $b) (i64.load offset=8 (local.get $row)))))
      (i64.add
        (i64.popcnt (i64.xor (local.get $c) (i64.load offset=16 (local.get $row))))
        (i64.popcnt (i64.xor (local.get $d) (i64.load offset=24 (local.get $row))))))))
    (i32.sub (local.get $differing) (i32.shr_u (local.get $differing) (i32.const 8))))

  ;; The numbers of those of `count` bytes that are at most the limit, ascending, and how many they are. 16 are tried at
  ;; once; what is left at the end, one by one.
  (func (export "within") (param $bytes i32) (param $limit i32) (param $count i32) (param $out i32) (result i32)
    (local $limits v128) (local $at i32) (local $first i32) (local $mask i32)
    (local.set $limits (i8x16.splat (local.get $limit)))
    (local.set $first (local.get $out))
    (block $rest
      (loop $sixteen
        (br_if $rest (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $count)))
        (local.set $mask (i8x16.bitmask (i8x16.le_u
          (v128.load (i32.add (local.get $bytes) (local.get $at))) (local.get $limits))))
        (block $none
          (loop $hit
            (br_if $none (i32.eqz (local.get $mask)))
            (i32.store (local.get $out) (i32.add (local.get $at) (i32.ctz (local.get $mask))))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))
            (local.set $mask (i32.and (local.get $mask) (i32.sub (local.get $mask) (i32.const 1))))
            (br $hit)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $sixteen)))
    (block $done
      (loop $one
        (br_if $done (i32.ge_u (local.get $at) (local.get $count)))
        (if (i32.le_u (i32.load8_u (i32.add (local.get $bytes) (local.get $at))) (local.get $limit))
          (then
            (i32.store (local.get $out) (local.get $at))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $one)))
    (i32.shr_u (i32.sub (local.get $out) (local.get $first)) (i32.const 2)))

  ;; Dot products of one int8 query with `count` rows of four bits a component: 16 bytes have 32 components, the first 16 in
  ;; their low halves. Exact in 32 bits.
  (func (export "dots4")
    (param $rows i32) (param $query i32) (param $out i32) (param $count i32) (param $dims i32)
    (local $bytes i32) (local $row1 i32) (local $row2 i32) (local $row3 i32) (local $less v128)
    (local.set $bytes (i32.shr_u (local.get $dims) (i32.const 1)))
    (local.set $less (call $eightfold (local.get $query) (local.get $dims)))
    (block $single
      (loop $four
        (br_if $single (i32.lt_s (local.get $count) (i32.const 4)))
        (local.set $row1 (i32.add (local.get $rows) (local.get $bytes)))
        (local.set $row2 (i32.add (local.get $row1) (local.get $bytes)))
        (local.set $row3 (i32.add (local.get $row2) (local.get $bytes)))
        (v128.store (local.get $out) (i32x4.sub
          (call $fourDots4 (local.get $rows) (local.get $row1) (local.get $row2) (local.get $row3)
            (local.get $query) (local.get $dims))
          (local.get $less)))
        (local.set $rows (i32.add (local.get $row3) (local.get $bytes)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $count)))
        (v128.store32_lane 0 (local.get $out) (i32x4.sub
          (call $fourDots4 (local.get $rows) (local.get $rows) (local.get $rows) (local.get $rows)
            (local.get $query) (local.get $dims))
          (local.get $less)))
        (local.set $rows (i32.add (local.get $rows) (local.get $bytes)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  ;; The same for `count` rows by their numbers, in the order given. Four at a time wait for memory together.
  (func (export "dots4Of")
    (param $rows i32) (param $numbers i32) (param $query i32) (param $out i32) (param $count i32) (param $dims i32)
    (local $bytes i32) (local $row i32) (local $less v128)
    (local.set $bytes (i32.shr_u (local.get $dims) (i32.const 1)))
    (local.set $less (call $eightfold (local.get $query) (local.get $dims)))
    (block $single
      (loop $four
        (br_if $single (i32.lt_s (local.get $count) (i32.const 4)))
        (v128.store (local.get $out) (i32x4.sub
          (call $fourDots4
            (i32.add (local.get $rows) (i32.mul (local.get $bytes) (i32.load (local.get $numbers))))
            (i32.add (local.get $rows) (i32.mul (local.get $bytes) (i32.load offset=4 (local.get $numbers))))
            (i32.add (local.get $rows) (i32.mul (local.get $bytes) (i32.load offset=8 (local.get $numbers))))
            (i32.add (local.get $rows) (i32.mul (local.get $bytes) (i32.load offset=12 (local.get $numbers))))
            (local.get $query) (local.get $dims))
          (local.get $less)))
        (local.set $numbers (i32.add (local.get $numbers) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $row (i32.add (local.get $rows) (i32.mul (local.get $bytes) (i32.load (local.get $numbers)))))
        (v128.store32_lane 0 (local.get $out) (i32x4.sub
          (call $fourDots4 (local.get $row) (local.get $row) (local.get $row) (local.get $row)
            (local.get $query) (local.get $dims))
          (local.get $less)))
        (local.set $numbers (i32.add (local.get $numbers) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  ;; Four rows of four bits a component, each code 8 more than it is, so that none has a sign: what that adds is the same for
  ;; all rows, and the callers take it off. Two bytes are a lane of 16 bits, whose four codes are taken out by shifts alone;
  ;; the query's components are brought into the same order once for the four rows.
  (func $fourDots4
    (param $row i32) (param $row1 i32) (param $row2 i32) (param $row3 i32) (param $query i32) (param $dims i32)
    (result v128)
    (local $end i32) (local $even v128) (local $odd v128) (local $evenHigh v128) (local $oddHigh v128)
    (local $codes v128) (local $low v128) (local $eight v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $low (i16x8.splat (i32.const 15)))
    (local.set $eight (i8x16.splat (i32.const 0x88)))
    (local.set $end (i32.add (local.get $query) (local.get $dims)))
    (loop $step
      (local.set $odd (v128.load (local.get $query)))
      (local.set $even (i16x8.shr_s (i16x8.shl (local.get $odd) (i32.const 8)) (i32.const 8)))
      (local.set $odd (i16x8.shr_s (local.get $odd) (i32.const 8)))
      (local.set $oddHigh (v128.load offset=16 (local.get $query)))
      (local.set $evenHigh (i16x8.shr_s (i16x8.shl (local.get $oddHigh) (i32.const 8)) (i32.const 8)))
      (local.set $oddHigh (i16x8.shr_s (local.get $oddHigh) (i32.const 8)))
      (local.set $codes (v128.xor (v128.load (local.get $row)) (local.get $eight)))
      (local.set $a (i32x4.add (local.get $a) (i32x4.add
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (local.get $codes) (local.get $low)) (local.get $even))
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 8)) (local.get $low)) (local.get $odd)))
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 4)) (local.get $low))
            (local.get $evenHigh))
          (i32x4.dot_i16x8_s (i16x8.shr_u (local.get $codes) (i32.const 12)) (local.get $oddHigh))))))
      (local.set $codes (v128.xor (v128.load (local.get $row1)) (local.get $eight)))
      (local.set $b (i32x4.add (local.get $b) (i32x4.add
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (local.get $codes) (local.get $low)) (local.get $even))
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 8)) (local.get $low)) (local.get $odd)))
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 4)) (local.get $low))
            (local.get $evenHigh))
          (i32x4.dot_i16x8_s (i16x8.shr_u (local.get $codes) (i32.const 12)) (local.get $oddHigh))))))
      (local.set $codes (v128.xor (v128.load (local.get $row2)) (local.get $eight)))
      (local.set $c (i32x4.add (local.get $c) (i32x4.add
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (local.get $codes) (local.get $low)) (local.get $even))
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 8)) (local.get $low)) (local.get $odd)))
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 4)) (local.get $low))
            (local.get $evenHigh))
          (i32x4.dot_i16x8_s (i16x8.shr_u (local.get $codes) (i32.const 12)) (local.get $oddHigh))))))
      (local.set $codes (v128.xor (v128.load (local.get $row3)) (local.get $eight)))
      (local.set $d (i32x4.add (local.get $d) (i32x4.add
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (local.get $codes) (local.get $low)) (local.get $even))
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 8)) (local.get $low)) (local.get $odd)))
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.and (i16x8.shr_u (local.get $codes) (i32.const 4)) (local.get $low))
            (local.get $evenHigh))
          (i32x4.dot_i16x8_s (i16x8.shr_u (local.get $codes) (i32.const 12)) (local.get $oddHigh))))))
      (local.set $query (i32.add (local.get $query) (i32.const 32)))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $row1 (i32.add (local.get $row1) (i32.const 16)))
      (local.set $row2 (i32.add (local.get $row2) (i32.const 16)))
      (local.set $row3 (i32.add (local.get $row3) (i32.const 16)))
      (br_if $step (i32.lt_u (local.get $query) (local.get $end))))
    (call $laneSums (local.get $a) (local.get $b) (local.get $c) (local.get $d)))

  ;; Eight times the sum of the query's components, in every lane.
  (func $eightfold (param $query i32) (param $dims i32) (result v128)
    (local $end i32) (local $sum v128)
    (local.set $end (i32.add (local.get $query) (local.get $dims)))
    (loop $step
      (local.set $sum (i32x4.add (local.get $sum)
        (i32x4.extadd_pairwise_i16x8_s (i16x8.extadd_pairwise_i8x16_s (v128.load (local.get $query))))))
      (local.set $query (i32.add (local.get $query) (i32.const 16)))
      (br_if $step (i32.lt_u (local.get $query) (local.get $end))))
    (i32x4.shl (i32x4.splat (call $lanes (local.get $sum))) (i32.const 3)))

  ;; For each of `count` rows of signs, one bit a component: the sum of those components of the int8 query whose bit is
  ;; set. Eight lanes look at one byte, each at its own bit.
  (func (export "signSums")
    (param $rows i32) (param $query i32) (param $out i32) (param $count i32) (param $dims i32)
    (local $at i32) (local $end i32) (local $bits v128) (local $signs v128) (local $sum v128)
    (local.set $bits (v128.const i8x16 1 2 4 8 16 32 64 -128 1 2 4 8 16 32 64 -128))
    (local.set $end (i32.add (local.get $query) (local.get $dims)))
    (block $done
      (loop $one
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (local.get $query))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (loop $step
          (local.set $signs (v128.load32_splat (local.get $rows)))
          (local.set $sum (i32x4.add (local.get $sum) (i32x4.extadd_pairwise_i16x8_s (i16x8.add
            (i16x8.extadd_pairwise_i8x16_s (v128.and (v128.load (local.get $at)) (i8x16.eq (local.get $bits) (v128.and
              (local.get $bits)
              (i8x16.shuffle 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 (local.get $signs) (local.get $signs))))))
            (i16x8.extadd_pairwise_i8x16_s (v128.and (v128.load offset=16 (local.get $at)) (i8x16.eq (local.get $bits)
              (v128.and
                (local.get $bits)
                (i8x16.shuffle 2 2 2 2 2 2 2 2 3 3 3 3 3 3 3 3 (local.get $signs) (local.get $signs))))))))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br_if $step (i32.lt_u (local.get $at) (local.get $end))))
        (i32.store (local.get $out) (call $lanes (local.get $sum)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $one))))

  (func $lanes (param $sum v128) (result i32)
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
      (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))

  (func $dot (param $row i32) (param $query i32) (param $dims i32) (result i32)
    (local $end i32) (local $sum v128)
    (local.set $end (i32.add (local.get $row) (local.get $dims)))
    (loop $step
      (local.set $sum (i32x4.add (local.get $sum)
        (i32x4.add
          (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $row)) (v128.load8x8_s (local.get $query)))
          (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $row)) (v128.load8x8_s offset=8 (local.get $query))))))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $query (i32.add (local.get $query) (i32.const 16)))
      (br_if $step (i32.lt_u (local.get $row) (local.get $end))))
    (call $lanes (local.get $sum)))

  ;; Four rows share each load of the query. (With the row length fixed in the instructions this is 10 %
  ;; faster while the rows fit the cache, and no faster from memory: not worth a second copy.)
  (func $fourDots
    (param $row i32) (param $row1 i32) (param $row2 i32) (param $row3 i32)
    (param $query i32) (param $dims i32) (result v128)
    (local $end i32)
    (local $low v128) (local $high v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $row) (local.get $dims)))
    (loop $step
      (local.set $low (v128.load8x8_s (local.get $query)))
      (local.set $high (v128.load8x8_s offset=8 (local.get $query)))
      (local.set $a (i32x4.add (local.get $a) (i32x4.add
        (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $row)) (local.get $low))
        (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $row)) (local.get $high)))))
      (local.set $b (i32x4.add (local.get $b) (i32x4.add
        (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $row1)) (local.get $low))
        (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $row1)) (local.get $high)))))
      (local.set $c (i32x4.add (local.get $c) (i32x4.add
        (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $row2)) (local.get $low))
        (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $row2)) (local.get $high)))))
      (local.set $d (i32x4.add (local.get $d) (i32x4.add
        (i32x4.dot_i16x8_s (v128.load8x8_s (local.get $row3)) (local.get $low))
        (i32x4.dot_i16x8_s (v128.load8x8_s offset=8 (local.get $row3)) (local.get $high)))))
      (local.set $query (i32.add (local.get $query) (i32.const 16)))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $row1 (i32.add (local.get $row1) (i32.const 16)))
      (local.set $row2 (i32.add (local.get $row2) (i32.const 16)))
      (local.set $row3 (i32.add (local.get $row3) (i32.const 16)))
      (br_if $step (i32.lt_u (local.get $row) (local.get $end))))
    (call $laneSums (local.get $a) (local.get $b) (local.get $c) (local.get $d)))

  ;; (sum of a's lanes, sum of b's, of c's, of d's)
  (func $laneSums (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (local $ab v128) (local $cd v128)
    (local.set $ab (i32x4.add
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
    (local.set $cd (i32x4.add
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
    (i32x4.add
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $ab) (local.get $cd))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $ab) (local.get $cd))))

  ;; Weighted sum of table rows, in the order given: sum[d] = weights[0] * table[tokens[0]][d] + ...
  ;; `tokens` are i32 row numbers, `weights` and `sum` are f32, `stride` is the length of a table row.
  ;; 32 components at a time stay in registers while all tokens pass.
  (func $pool (export "pool")
    (param $table i32) (param $stride i32) (param $tokens i32) (param $weights i32) (param $count i32)
    (param $dims i32) (param $sum i32)
    (local $end i32) (local $next i32) (local $left i32) (local $row i32) (local $weight v128)
    (local $low v128) (local $high v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local.set $end (i32.add (local.get $sum) (i32.shl (local.get $dims) (i32.const 2))))
    (loop $block
      (local.set $a (v128.const i32x4 0 0 0 0))
      (local.set $b (local.get $a)) (local.set $c (local.get $a)) (local.set $d (local.get $a))
      (local.set $e (local.get $a)) (local.set $f (local.get $a)) (local.set $g (local.get $a))
      (local.set $h (local.get $a))
      (local.set $next (i32.const 0))
      (local.set $left (local.get $count))
      (block $summed
        (loop $token
          (br_if $summed (i32.eqz (local.get $left)))
          (local.set $row (i32.add (local.get $table)
            (i32.mul (local.get $stride) (i32.load (i32.add (local.get $tokens) (local.get $next))))))
          (local.set $weight (v128.load32_splat (i32.add (local.get $weights) (local.get $next))))
          (local.set $low (v128.load8x8_s (local.get $row)))
          (local.set $high (v128.load8x8_s offset=8 (local.get $row)))
          (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $low))))))
          (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $low))))))
          (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $high))))))
          (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $high))))))
          (local.set $low (v128.load8x8_s offset=16 (local.get $row)))
          (local.set $high (v128.load8x8_s offset=24 (local.get $row)))
          (local.set $e (f32x4.add (local.get $e) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $low))))))
          (local.set $f (f32x4.add (local.get $f) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $low))))))
          (local.set $g (f32x4.add (local.get $g) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $high))))))
          (local.set $h (f32x4.add (local.get $h) (f32x4.mul (local.get $weight)
            (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $high))))))
          (local.set $next (i32.add (local.get $next) (i32.const 4)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br $token)))
      (v128.store (local.get $sum) (local.get $a))
      (v128.store offset=16 (local.get $sum) (local.get $b))
      (v128.store offset=32 (local.get $sum) (local.get $c))
      (v128.store offset=48 (local.get $sum) (local.get $d))
      (v128.store offset=64 (local.get $sum) (local.get $e))
      (v128.store offset=80 (local.get $sum) (local.get $f))
      (v128.store offset=96 (local.get $sum) (local.get $g))
      (v128.store offset=112 (local.get $sum) (local.get $h))
      (local.set $table (i32.add (local.get $table) (i32.const 32)))
      (local.set $sum (i32.add (local.get $sum) (i32.const 128)))
      (br_if $block (i32.lt_u (local.get $sum) (local.get $end)))))

  ;; Pools and quantises in one call: writes `sum` and `codes`, returns the scale of the codes.
  (func (export "body")
    (param $table i32) (param $stride i32) (param $tokens i32) (param $weights i32) (param $count i32)
    (param $dims i32) (param $sum i32) (param $codes i32) (result f32)
    (call $pool (local.get $table) (local.get $stride) (local.get $tokens) (local.get $weights) (local.get $count)
      (local.get $dims) (local.get $sum))
    (call $quantise (local.get $sum) (local.get $dims) (local.get $codes)))

  ;; codes[d] = values[d] / scale, rounded half to even; the scale maps the largest component to 127.
  ;; Values that are all nearly zero, or not all finite, give zero codes and a zero scale.
  (func $quantise (param $values i32) (param $dims i32) (param $codes i32) (result f32)
    (local $at i32) (local $end i32) (local $codesEnd i32) (local $max v128) (local $largest f32) (local $factor v128)
    (local.set $at (local.get $values))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $dims) (i32.const 2))))
    (local.set $codesEnd (i32.add (local.get $codes) (local.get $dims)))
    (loop $step
      (local.set $max (f32x4.max (local.get $max) (f32x4.abs (v128.load (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $step (i32.lt_u (local.get $at) (local.get $end))))
    (local.set $largest (f32.max
      (f32.max (f32x4.extract_lane 0 (local.get $max)) (f32x4.extract_lane 1 (local.get $max)))
      (f32.max (f32x4.extract_lane 2 (local.get $max)) (f32x4.extract_lane 3 (local.get $max)))))
    (if (i32.eqz (i32.and
          (f32.gt (local.get $largest) (f32.const 1e-30))
          (f32.lt (local.get $largest) (f32.const 1e30))))
      (then
        (loop $clear
          (v128.store (local.get $codes) (v128.const i32x4 0 0 0 0))
          (local.set $codes (i32.add (local.get $codes) (i32.const 16)))
          (br_if $clear (i32.lt_u (local.get $codes) (local.get $codesEnd))))
        (return (f32.const 0))))
    (local.set $factor (f32x4.splat (f32.div (global.get $top) (local.get $largest))))
    (loop $round
      (v128.store (local.get $codes) (i8x16.narrow_i16x8_s
        (i16x8.narrow_i32x4_s
          (call $rounded (v128.load (local.get $values)) (local.get $factor))
          (call $rounded (v128.load offset=16 (local.get $values)) (local.get $factor)))
        (i16x8.narrow_i32x4_s
          (call $rounded (v128.load offset=32 (local.get $values)) (local.get $factor))
          (call $rounded (v128.load offset=48 (local.get $values)) (local.get $factor)))))
      (local.set $values (i32.add (local.get $values) (i32.const 64)))
      (local.set $codes (i32.add (local.get $codes) (i32.const 16)))
      (br_if $round (i32.lt_u (local.get $codes) (local.get $codesEnd))))
    (f32.div (local.get $largest) (global.get $top)))

  (func $rounded (param $values v128) (param $factor v128) (result v128)
    (i32x4.trunc_sat_f32x4_s (f32x4.nearest (f32x4.mul (local.get $values) (local.get $factor)))))

  ;; For each of `count` bodies: codes * scale + path, quantised again; the scale makes codes * scale a unit vector.
  ;; `path` and `sum` (room for one vector) are f32.
  (func (export "place")
    (param $codes i32) (param $scales i32) (param $path i32) (param $count i32) (param $dims i32)
    (param $sum i32) (param $outCodes i32) (param $outScales i32)
    (local $scale v128) (local $at i32) (local $to i32) (local $end i32) (local $codesEnd i32)
    (local $low v128) (local $unit f32)
    (block $done
      (loop $body
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $scale (v128.load32_splat (local.get $scales)))
        (local.set $at (local.get $path))
        (local.set $to (local.get $sum))
        (local.set $codesEnd (i32.add (local.get $codes) (local.get $dims)))
        (loop $add
          (local.set $low (v128.load8x8_s (local.get $codes)))
          (v128.store (local.get $to) (f32x4.add (v128.load (local.get $at)) (f32x4.mul (local.get $scale)
            (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $low))))))
          (v128.store offset=16 (local.get $to) (f32x4.add (v128.load offset=16 (local.get $at))
            (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $low))))))
          (local.set $codes (i32.add (local.get $codes) (i32.const 8)))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (local.set $to (i32.add (local.get $to) (i32.const 32)))
          (br_if $add (i32.lt_u (local.get $codes) (local.get $codesEnd))))
        (local.set $unit (call $quantise (local.get $sum) (local.get $dims) (local.get $outCodes)))
        (if (f32.gt (local.get $unit) (f32.const 0))
          (then (local.set $unit (f32.div (f32.const 1) (f32.sqrt (f32.convert_i32_s
            (call $dot (local.get $outCodes) (local.get $outCodes) (local.get $dims))))))))
        (f32.store (local.get $outScales) (local.get $unit))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $outCodes (i32.add (local.get $outCodes) (local.get $dims)))
        (local.set $outScales (i32.add (local.get $outScales) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $body)))))
