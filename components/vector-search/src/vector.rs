//! How a vector is stored, and how it is compared with a query.
//!
//! A vector is brought to length 1 and stored as one signed byte a number, in units of its own: its
//! largest number is 127 of them. A query, of which there is one at a time, has 16 bits a number,
//! where 1 is 32,767. Their product is a sum of whole numbers, which does not depend on the order
//! of its parts: with SIMD and without, the answer is the same on every machine.
//!
//! Bytes are not floats, so a score has a *slack*: the cosine of the vectors as they were given is
//! within it, and that is proven, not hoped for. What rounding took from the vector is itself a
//! vector, `e`, whose length is known when the vector is stored, and a query of length 1 makes at
//! most that length of it (Cauchy and Schwarz). The same holds for what rounding took from the
//! query. For real models' vectors the slack is near 0.01, and most scores are off by 0.0005.
//!
//! Why no relaxed SIMD: its dot product of bytes wants a query of 7 bits, whose slack would be as
//! large as the vector's own, and Loci's host runs guests without it, since what it computes may
//! differ from machine to machine.

/// Fixed-point 1, in a query.
const ONE: f32 = 32_767.0;
/// The largest stored number.
const LARGEST: f64 = 127.0;
/// More than the rounding of scores to 32-bit floats, here and in a scan over floats, can add.
const ROUNDING: f32 = 2e-6;

/// Numbers that are compared at once. Stored vectors are padded with zeros to a multiple of it, so
/// that no comparison has a remainder.
pub const LANES: usize = 8;
/// Vectors that are compared at once: each part of the query is then read once for all of them.
pub const ROWS: usize = 4;

/// The stored length of a vector with this many dimensions.
pub fn stride(dimensions: usize) -> usize {
    dimensions.next_multiple_of(LANES)
}

/// What is known of a stored vector beside its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// What one unit of its numbers stands for; 0 for a vector of zeros, which has no direction.
    /// The sign is that of a number below 0 once the vector was removed.
    pub unit: f32,
    /// The length of what rounding took from the vector of length 1, or a little more.
    pub slack: f32,
}

/// The measure of a vector of zeros.
pub const NOTHING: Measure = Measure { unit: 0.0, slack: 0.0 };

impl Measure {
    /// What is left of it when the vector is removed.
    pub fn removed(self) -> Self {
        Self { unit: -self.unit.abs(), ..self }
    }

    /// Whether the vector was removed.
    #[inline]
    pub fn is_removed(self) -> bool {
        self.unit.is_sign_negative()
    }
}

/// Writes the stored form of `vector` to `numbers`, which has its stored length.
///
/// All numbers must be finite.
pub fn store(vector: &[f32], numbers: &mut [i8]) -> Measure {
    numbers.fill(0);
    let length = length(vector);
    let largest = vector.iter().fold(0.0_f64, |most, &x| most.max(f64::from(x).abs()));
    if largest == 0.0 {
        return NOTHING;
    }
    // As it is used: in 32 bits, so that the slack is that of what will be computed.
    let unit = (largest / length / LARGEST) as f32;
    let mut lost = 0.0;
    for (number, &x) in numbers.iter_mut().zip(vector) {
        let exact = f64::from(x) / length;
        let rounded = (exact / f64::from(unit)).round().clamp(-LARGEST, LARGEST);
        *number = rounded as i8;
        let error = exact - rounded * f64::from(unit);
        lost += error * error;
    }
    Measure { unit, slack: (lost.sqrt() as f32).next_up() }
}

/// The length of a vector. Squares of 32-bit floats neither overflow nor vanish in 64 bits.
pub fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

/// A vector to compare others with.
pub struct Query {
    numbers: Vec<i16>,
    slack: f32,
}

impl Query {
    /// Prepares a query; none if it is a vector of zeros, which is similar to nothing.
    ///
    /// All numbers must be finite.
    pub fn new(vector: &[f32]) -> Option<Self> {
        let length = length(vector);
        if length == 0.0 {
            return None;
        }
        let mut numbers = Vec::with_capacity(stride(vector.len()));
        let mut lost = 0.0;
        for &x in vector {
            let exact = f64::from(x) / length * f64::from(ONE);
            // No number of a vector of length 1 exceeds 1: nothing is cut off here.
            let rounded = exact.round();
            numbers.push(rounded as i16);
            lost += (exact - rounded) * (exact - rounded);
        }
        numbers.resize(stride(vector.len()), 0);
        Some(Self { numbers, slack: ((lost.sqrt() / f64::from(ONE)) as f32).next_up() })
    }

    /// The cosine that a dot product with a vector of this measure stands for.
    #[inline]
    pub fn score(&self, dot: i32, unit: f32) -> f32 {
        dot as f32 * (unit / ONE)
    }

    /// How far the score of a vector of this measure may be from the cosine.
    #[inline]
    pub fn slack(&self, measure: Measure) -> f32 {
        measure.slack + self.slack * (1.0 + measure.slack) + ROUNDING
    }

    /// The dot product with a stored vector.
    #[inline]
    pub fn dot(&self, row: &[i8]) -> i32 {
        dot(&self.numbers, row)
    }

    /// The dot products with `ROWS` stored vectors that lie side by side.
    #[inline]
    pub fn dots(&self, rows: &[i8]) -> [i32; ROWS] {
        dots(&self.numbers, rows)
    }
}

/// The dot product of a query and a stored vector of one length, a multiple of `LANES`.
///
/// It cannot overflow. A stored vector is at most 127 × √4,096 long and a query 32,767, plus what
/// rounding adds, at most 32; by Cauchy and Schwarz no part of the sum exceeds the product of the
/// lengths, which is about an eighth of what 32 bits hold.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
fn dot(query: &[i16], row: &[i8]) -> i32 {
    use simd::{add, load, product, sum, zero};
    let (query, row) = (query.as_chunks::<LANES>().0, row.as_chunks::<LANES>().0);
    // Four sums, so that no addition waits for the one before it.
    let mut sums = [zero(); 4];
    let (query_quads, query_rest) = query.as_chunks::<4>();
    let (row_quads, row_rest) = row.as_chunks::<4>();
    for (query, row) in query_quads.iter().zip(row_quads) {
        for (sum, (query, row)) in sums.iter_mut().zip(query.iter().zip(row)) {
            *sum = add(*sum, product(load(query), row));
        }
    }
    for (query, row) in query_rest.iter().zip(row_rest) {
        sums[0] = add(sums[0], product(load(query), row));
    }
    sum(add(add(sums[0], sums[1]), add(sums[2], sums[3])))
}

/// The dot products of a query and `ROWS` stored vectors side by side.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
fn dots(query: &[i16], rows: &[i8]) -> [i32; ROWS] {
    use simd::{add, load, product, sum, zero};
    let stride = query.len();
    let row = |number: usize| rows[number * stride..][..stride].as_chunks::<LANES>().0;
    let query = query.as_chunks::<LANES>().0;
    let [a, b, c, d] = [row(0), row(1), row(2), row(3)];
    let mut sums = [zero(); ROWS];
    for ((((query, a), b), c), d) in query.iter().zip(a).zip(b).zip(c).zip(d) {
        let query = load(query);
        for (sum, row) in sums.iter_mut().zip([a, b, c, d]) {
            *sum = add(*sum, product(query, row));
        }
    }
    sums.map(sum)
}

/// 128 bits at a time.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd {
    use core::arch::wasm32::{
        i16x8_load_extend_i8x8, i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane, i32x4_splat, v128,
        v128_load,
    };

    use super::LANES;

    #[inline]
    pub fn zero() -> v128 {
        i32x4_splat(0)
    }

    #[inline]
    pub fn add(a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }

    #[inline]
    pub fn load(query: &[i16; LANES]) -> v128 {
        // SAFETY: the reference is to 16 readable bytes, and the load needs no alignment.
        unsafe { v128_load(query.as_ptr().cast()) }
    }

    /// Bytes are widened as they are loaded.
    #[inline]
    pub fn widen(row: &[i8; LANES]) -> v128 {
        // SAFETY: the reference is to 8 readable bytes, and the load needs no alignment.
        unsafe { i16x8_load_extend_i8x8(row.as_ptr()) }
    }

    /// The products of eight numbers, added in pairs.
    #[inline]
    pub fn product(query: v128, row: &[i8; LANES]) -> v128 {
        i32x4_dot_i16x8(query, widen(row))
    }

    #[inline]
    pub fn sum(sums: v128) -> i32 {
        i32x4_extract_lane::<0>(sums)
            + i32x4_extract_lane::<1>(sums)
            + i32x4_extract_lane::<2>(sums)
            + i32x4_extract_lane::<3>(sums)
    }
}

/// The dot product of two stored vectors of one length, a multiple of `LANES`. It cannot overflow:
/// it is at most 4,096 × 127².
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub fn dot_stored(a: &[i8], b: &[i8]) -> i32 {
    use simd::{add, product, sum, widen, zero};
    let (a, b) = (a.as_chunks::<LANES>().0, b.as_chunks::<LANES>().0);
    let mut sums = [zero(); 2];
    let (a_pairs, a_rest) = a.as_chunks::<2>();
    let (b_pairs, b_rest) = b.as_chunks::<2>();
    for (a, b) in a_pairs.iter().zip(b_pairs) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = add(*sum, product(widen(a), b));
        }
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        sums[0] = add(sums[0], product(widen(a), b));
    }
    sum(add(sums[0], sums[1]))
}

/// The dot product of a query and a stored vector of one length. See the SIMD form for why it
/// cannot overflow; the compiler finds the instructions by itself on native machines.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn dot(query: &[i16], row: &[i8]) -> i32 {
    query.iter().zip(row).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

/// The dot products of a query and `ROWS` stored vectors side by side.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn dots(query: &[i16], rows: &[i8]) -> [i32; ROWS] {
    let stride = query.len();
    std::array::from_fn(|number| dot(query, &rows[number * stride..][..stride]))
}

/// The dot product of two stored vectors of one length. It cannot overflow: it is at most
/// 4,096 × 127².
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub fn dot_stored(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(vector: &[f32]) -> (Vec<i8>, Measure) {
        let mut numbers = vec![0; stride(vector.len())];
        let measure = store(vector, &mut numbers);
        (numbers, measure)
    }

    fn score(query: &[f32], vector: &[f32]) -> f32 {
        let (numbers, measure) = stored(vector);
        let query = Query::new(query).expect("a direction");
        query.score(query.dot(&numbers), measure.unit)
    }

    #[test]
    fn length_does_not_matter() {
        for factor in [1.0, 1e30, 1e-30] {
            let (numbers, measure) = stored(&[3.0 * factor, 4.0 * factor]);
            assert_eq!(numbers[..2], [95, 127]);
            assert!((measure.unit - 0.8 / 127.0).abs() < 1e-8);
            assert!((measure.slack - 0.0015748).abs() < 1e-6);
        }
    }

    #[test]
    fn extremes_have_a_direction() {
        let (up, down) = ([f32::MAX; 4_096], [-f32::MAX; 4_096]);
        assert!((score(&up, &up) - 1.0).abs() < 1e-3);
        assert!((score(&up, &down) + 1.0).abs() < 1e-3);
        let faint = stored(&[f32::from_bits(1), 0.0]);
        assert_eq!(faint.0[0], 127);
        assert!((faint.1.unit * 127.0 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn no_sum_overflows() {
        let vector = [1.0; 4_096];
        let (numbers, _) = stored(&vector);
        assert!(numbers.iter().all(|&x| x == 127));
        let query = Query::new(&vector).expect("a direction");
        assert_eq!(query.dot(&numbers), 4_096 * 512 * 127);
        assert_eq!(dot_stored(&numbers, &numbers), 4_096 * 127 * 127);
    }

    #[test]
    fn several_rows_are_as_one() {
        let vectors: Vec<f32> = (0..ROWS * 19).map(|i| (i as f32 * 1.3).sin()).collect();
        let rows: Vec<i8> = vectors.chunks(19).flat_map(|vector| stored(vector).0).collect();
        let query = Query::new(&vectors[3..22]).expect("a direction");
        let single: Vec<i32> = rows.chunks(stride(19)).map(|row| query.dot(row)).collect();
        assert_eq!(query.dots(&rows)[..], single);
    }

    #[test]
    fn zeros_have_no_direction() {
        assert_eq!(stored(&[0.0, -0.0, 0.0]).1, NOTHING);
        assert!(stored(&[0.0, 1e-40]).1.unit > 0.0);
        assert!(Query::new(&[0.0, -0.0]).is_none());
    }

    #[test]
    fn a_cosine_is_within_the_slack_of_its_score() {
        let wave = |phase: f32| -> Vec<f32> {
            (0..384).map(|i| (i as f32 * phase).sin() + phase).collect()
        };
        let dots = |x: &[f32], y: &[f32]| -> f64 {
            x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
        };
        for (a, b) in (1..40).map(|n| (wave(n as f32 * 0.37), wave(n as f32 * 0.21))) {
            let truth = dots(&a, &b) / (dots(&a, &a) * dots(&b, &b)).sqrt();
            let (numbers, measure) = stored(&b);
            let query = Query::new(&a).expect("a direction");
            let score = f64::from(query.score(query.dot(&numbers), measure.unit));
            let slack = query.slack(measure);
            assert!((score - truth).abs() <= f64::from(slack), "{score} for {truth}");
            assert!(slack < 0.01, "{slack}");
        }
    }
}
