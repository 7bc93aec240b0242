//! How a vector is stored, and how two are compared.
//!
//! A vector is brought to length 1 and stored in fixed point: 16 bits a number, where 1 is 32,767.
//! That is half the size of floats, twice as fast to scan, and finer than a model means anything: a
//! score of real models' vectors is off by about 0.00001. And sums of whole numbers do not depend
//! on their order, so a search has the same answer on every machine, with SIMD and without.

/// Fixed-point 1.
pub const ONE: f64 = 32_767.0;

/// Numbers that are compared at once. Stored vectors are padded with zeros to a multiple of it, so
/// that no comparison has a remainder.
pub const LANES: usize = 8;

/// The stored length of a vector with this many dimensions.
pub fn stride(dimensions: usize) -> usize {
    dimensions.next_multiple_of(LANES)
}

/// Appends the stored form of `vector` to `out`. A vector of zeros stays one.
///
/// All numbers must be finite.
pub fn store(vector: &[f32], out: &mut Vec<i16>) {
    // Squares of 32-bit floats neither overflow nor vanish in 64 bits.
    let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let factor = if squares > 0.0 { ONE / squares.sqrt() } else { 0.0 };
    // No number of a vector of length 1 exceeds 1: nothing is cut off here.
    out.extend(vector.iter().map(|&x| (f64::from(x) * factor).round() as i16));
    out.resize(out.len().next_multiple_of(LANES), 0);
}

/// Whether the stored vector has no direction.
pub fn is_zero(stored: &[i16]) -> bool {
    stored.iter().all(|&x| x == 0)
}

/// The bits of a dot product that are noise. Without them a score has 23 bits, as many as tell
/// 32-bit floats apart: what differs here, differs as a float, so that whoever sorts scores again
/// (the host, which searches in several instances) comes to the same order.
const NOISE_BITS: u32 = 8;

/// How similar two stored vectors are, by their dot product: the more, the better.
#[inline]
pub fn rank(dot: i32) -> i32 {
    dot >> NOISE_BITS
}

/// The cosine that a rank stands for.
pub fn cosine(rank: i32) -> f32 {
    let dot = f64::from(rank) * f64::from(1 << NOISE_BITS);
    (dot / (ONE * ONE)).clamp(-1.0, 1.0) as f32
}

/// The dot product of two stored vectors of one length, a multiple of `LANES`.
///
/// It cannot overflow. Rounding adds at most 32 to a length of 32,767 (half a unit for each of
/// 4,096 numbers), and by Cauchy and Schwarz no part of the sum exceeds the product of the lengths,
/// which is about half of what 32 bits hold.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub fn dot(a: &[i16], b: &[i16]) -> i32 {
    use core::arch::wasm32::{
        i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane, i32x4_splat, v128, v128_load,
    };
    let (a, b) = (a.as_chunks::<LANES>().0, b.as_chunks::<LANES>().0);
    let load = |lanes: &[i16; LANES]| -> v128 {
        // SAFETY: the reference is to 16 readable bytes, and the load needs no alignment.
        unsafe { v128_load(lanes.as_ptr().cast()) }
    };
    // Four sums, so that no addition waits for the one before it.
    let mut sums = [i32x4_splat(0); 4];
    let (a_quads, a_rest) = a.as_chunks::<4>();
    let (b_quads, b_rest) = b.as_chunks::<4>();
    for (a, b) in a_quads.iter().zip(b_quads) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = i32x4_add(*sum, i32x4_dot_i16x8(load(a), load(b)));
        }
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        sums[0] = i32x4_add(sums[0], i32x4_dot_i16x8(load(a), load(b)));
    }
    let sum = i32x4_add(i32x4_add(sums[0], sums[1]), i32x4_add(sums[2], sums[3]));
    i32x4_extract_lane::<0>(sum)
        + i32x4_extract_lane::<1>(sum)
        + i32x4_extract_lane::<2>(sum)
        + i32x4_extract_lane::<3>(sum)
}

/// The dot product of two stored vectors of one length, a multiple of `LANES`. See the SIMD form
/// for why it cannot overflow; the compiler finds the instructions by itself on native machines.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(vector: &[f32]) -> Vec<i16> {
        let mut out = Vec::new();
        store(vector, &mut out);
        out
    }

    #[test]
    fn length_does_not_matter() {
        assert_eq!(stored(&[3.0, 4.0]), stored(&[3e30, 4e30]));
        assert_eq!(stored(&[3.0, 4.0]), stored(&[3e-30, 4e-30]));
        assert_eq!(stored(&[3.0, 4.0])[..2], [19_660, 26_214]);
    }

    #[test]
    fn extremes_have_a_direction() {
        let up = stored(&[f32::MAX; 4_096]);
        let down = stored(&[-f32::MAX; 4_096]);
        assert!((cosine(rank(dot(&up, &up))) - 1.0).abs() < 1e-4);
        assert!((cosine(rank(dot(&up, &down))) + 1.0).abs() < 1e-4);
        let faint = stored(&[f32::from_bits(1), 0.0]);
        assert_eq!(faint[0], 32_767);
    }

    #[test]
    fn no_sum_overflows() {
        // Each number is rounded up by almost half a unit: the longest that a vector can become.
        let worst = stored(&[1.0; 4_095]);
        let exact: i64 = worst.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
        assert_eq!(i64::from(dot(&worst, &worst)), exact);
        let axis = stored(&[-1.0]);
        assert_eq!(dot(&axis, &axis), 32_767 * 32_767);
    }

    #[test]
    fn ranks_that_differ_have_scores_that_differ() {
        let most = rank(32_767 * 32_767);
        for rank in (most - 1_000..most).chain(-1_000..1_000).chain(-most..1_000 - most) {
            assert!(cosine(rank) < cosine(rank + 1), "{rank}");
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        assert!(is_zero(&stored(&[0.0, -0.0, 0.0])));
        assert!(!is_zero(&stored(&[0.0, 1e-40])));
    }

    #[test]
    fn scores_are_close_to_the_cosine() {
        let (a, b): (Vec<f32>, Vec<f32>) =
            (0..384).map(|i| ((i as f32 * 0.7).sin(), (i as f32 * 0.9).cos() + 0.3)).unzip();
        let dots = |x: &[f32], y: &[f32]| -> f64 {
            x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
        };
        let truth = dots(&a, &b) / (dots(&a, &a) * dots(&b, &b)).sqrt();
        let score = f64::from(cosine(rank(dot(&stored(&a), &stored(&b)))));
        assert!((score - truth).abs() < 2e-5, "{score} for {truth}");
    }
}
