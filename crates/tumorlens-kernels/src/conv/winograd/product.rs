//! One point of many tiles: a matrix of transformed filters times one of transformed inputs, and the sum of outer
//! products that the gradient of the filters is.

use crate::isa::on_lanes;
use crate::lanes::Lanes;
use crate::{LANES, Lane};

/// Products of one point for one or two blocks of output channels.
pub(super) struct Product<'a> {
    /// `[block read from][tile]`.
    pub(super) inputs: &'a [Lane],
    /// Vectors from block to block.
    pub(super) input_block: usize,
    /// `[block written to][channel read from]`.
    pub(super) filters: &'a [Lane],
    /// Vectors from block to block.
    pub(super) filter_block: usize,
    /// Channels read from.
    pub(super) channels: usize,
    /// Blocks written to, one or two.
    pub(super) blocks: usize,
    pub(super) tiles: usize,
    /// `[block written to][tile]`.
    pub(super) products: &'a mut [Lane],
    /// Vectors from block to block.
    pub(super) product_block: usize,
}

/// Multiplies.
pub(super) fn run(of: &mut Product<'_>) {
    let sources = of.channels.div_ceil(LANES);
    assert!(sources > 0 && (1..=2).contains(&of.blocks) && of.tiles > 0);
    assert!(of.inputs.len() >= (sources - 1) * of.input_block + of.tiles);
    assert!(of.filters.len() >= (of.blocks - 1) * of.filter_block + of.channels);
    assert!(of.products.len() >= (of.blocks - 1) * of.product_block + of.tiles);
    // SAFETY: the furthest vectors of each slice were checked.
    unsafe { product(of) }
}

on_lanes!(unsafe fn product = product_body(of: &mut Product<'_>));

#[inline(always)]
unsafe fn product_body<L: Lanes>(of: &mut Product<'_>) {
    // SAFETY: the caller's.
    unsafe {
        if of.blocks == 2 {
            parts::<L, 2>(of);
        } else {
            parts::<L, 1>(of);
        }
    }
}

/// Cuts the tiles into parts that fit the registers, as equal as can be.
#[inline(always)]
unsafe fn parts<L: Lanes, const OV: usize>(of: &mut Product<'_>) {
    let parts = of.tiles.div_ceil(L::PIXELS);
    let (short, longer) = (of.tiles / parts, of.tiles % parts);
    let mut first = 0;
    for part in 0..parts {
        let n = short + usize::from(part < longer);
        // SAFETY: the caller's; parts lie within the tiles.
        unsafe {
            match n {
                1 => tile::<L, 1, OV>(of, first),
                2 => tile::<L, 2, OV>(of, first),
                3 => tile::<L, 3, OV>(of, first),
                4 => tile::<L, 4, OV>(of, first),
                5 => tile::<L, 5, OV>(of, first),
                6 => tile::<L, 6, OV>(of, first),
                7 => tile::<L, 7, OV>(of, first),
                8 => tile::<L, 8, OV>(of, first),
                9 => tile::<L, 9, OV>(of, first),
                10 => tile::<L, 10, OV>(of, first),
                11 => tile::<L, 11, OV>(of, first),
                _ => tile::<L, 12, OV>(of, first),
            }
        }
        first += n;
    }
}

#[inline(always)]
unsafe fn tile<L: Lanes, const PX: usize, const OV: usize>(of: &mut Product<'_>, first: usize) {
    // SAFETY: the caller's.
    unsafe {
        let mut x: *const f32 = of.inputs.as_ptr().add(first).cast();
        let mut w: *const f32 = of.filters.as_ptr().cast();
        let mut sums = [[L::zero(); OV]; PX];
        let mut left = of.channels;
        loop {
            let lanes = left.min(LANES);
            for lane in 0..lanes {
                let mut weights = [L::zero(); OV];
                for (v, weight) in weights.iter_mut().enumerate() {
                    *weight = L::load(w.add((v * of.filter_block + lane) * LANES));
                }
                for (p, sums) in sums.iter_mut().enumerate() {
                    let value = L::splat(x.add(p * LANES + lane));
                    for (sum, &weight) in sums.iter_mut().zip(&weights) {
                        *sum = sum.add_product(value, weight);
                    }
                }
            }
            if left <= LANES {
                break;
            }
            left -= LANES;
            x = x.add(of.input_block * LANES);
            w = w.add(LANES * LANES);
        }
        let out: *mut f32 = of.products.as_mut_ptr().add(first).cast();
        for (p, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                sum.store(out.add((v * of.product_block + p) * LANES));
            }
        }
    }
}

/// Outer products of one point, one block read from and one or two written to, summed over tiles.
pub(super) struct Outer<'a> {
    /// `[tile]`.
    pub(super) inputs: &'a [Lane],
    /// `[block written to][tile]`.
    pub(super) gradients: &'a [Lane],
    /// Vectors from block to block.
    pub(super) gradient_block: usize,
    /// Channels read from, at most sixteen.
    pub(super) channels: usize,
    /// Blocks written to, one or two.
    pub(super) blocks: usize,
    pub(super) tiles: usize,
    /// `[block written to][channel read from]`; the products are added.
    pub(super) sums: &'a mut [Lane],
    /// Vectors from block to block.
    pub(super) sum_block: usize,
}

/// Adds the products.
pub(super) fn add_outer(of: &mut Outer<'_>) {
    assert!((1..=2).contains(&of.blocks) && of.tiles > 0 && of.channels <= LANES);
    assert!(of.inputs.len() >= of.tiles);
    assert!(of.gradients.len() >= (of.blocks - 1) * of.gradient_block + of.tiles);
    assert!(of.sums.len() >= (of.blocks - 1) * of.sum_block + of.channels);
    // SAFETY: the furthest vectors of each slice were checked.
    unsafe { outer(of) }
}

on_lanes!(unsafe fn outer = outer_body(of: &mut Outer<'_>));

#[inline(always)]
unsafe fn outer_body<L: Lanes>(of: &mut Outer<'_>) {
    // SAFETY: the caller's.
    unsafe {
        if of.blocks == 2 {
            channels::<L, 2>(of);
        } else {
            channels::<L, 1>(of);
        }
    }
}

#[inline(always)]
unsafe fn channels<L: Lanes, const OV: usize>(of: &mut Outer<'_>) {
    let mut lane = 0;
    while lane < of.channels {
        // SAFETY: the caller's; the lanes below `channels` exist.
        lane += unsafe {
            match of.channels - lane {
                8.. if L::PIXELS >= 8 => outer_tile::<L, 8, OV>(of, lane),
                6.. if L::PIXELS == 6 => outer_tile::<L, 6, OV>(of, lane),
                4.. => outer_tile::<L, 4, OV>(of, lane),
                2.. => outer_tile::<L, 2, OV>(of, lane),
                _ => outer_tile::<L, 1, OV>(of, lane),
            }
        };
    }
}

#[inline(always)]
unsafe fn outer_tile<L: Lanes, const IC: usize, const OV: usize>(
    of: &mut Outer<'_>,
    lane: usize,
) -> usize {
    // SAFETY: the caller's.
    unsafe {
        let sums: *mut f32 = of.sums.as_mut_ptr().cast();
        let place = |v: usize, i: usize| sums.add((v * of.sum_block + lane + i) * LANES);
        let mut totals = [[L::zero(); OV]; IC];
        for (i, totals) in totals.iter_mut().enumerate() {
            for (v, total) in totals.iter_mut().enumerate() {
                *total = L::load(place(v, i));
            }
        }
        let x: *const f32 = of.inputs.as_ptr().cast();
        let dy: *const f32 = of.gradients.as_ptr().cast();
        for tile in 0..of.tiles {
            let mut slopes = [L::zero(); OV];
            for (v, slope) in slopes.iter_mut().enumerate() {
                *slope = L::load(dy.add((v * of.gradient_block + tile) * LANES));
            }
            for (i, totals) in totals.iter_mut().enumerate() {
                let value = L::splat(x.add(tile * LANES + lane + i));
                for (total, &slope) in totals.iter_mut().zip(&slopes) {
                    *total = total.add_product(value, slope);
                }
            }
        }
        for (i, totals) in totals.iter().enumerate() {
            for (v, total) in totals.iter().enumerate() {
                total.store(place(v, i));
            }
        }
    }
    IC
}
