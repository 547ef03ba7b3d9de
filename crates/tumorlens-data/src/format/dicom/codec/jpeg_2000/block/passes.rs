//! The three coding passes (T.800 D.3). Each goes from stripe to stripe and visits the coefficients that a map names.

use super::super::arithmetic::{Arithmetic, Contexts, RUN, Source, UNIFORM};
use super::super::context::Labels;
use super::super::raw::Raw;
use super::neighbours::{FLAGS, MAPS, Map, Shape};
use super::{Blocks, COLUMNS};

/// Where the bits of a pass come from.
pub(super) trait Coder: Clone {
    /// What the coder takes its bytes from.
    type Source<'a>;
    /// Signs are told as they are, not as they are expected.
    const PLAIN: bool;
    fn bit(&mut self, contexts: &mut Contexts, label: usize, source: &mut Self::Source<'_>) -> u32;
}

/// The arithmetic coder beside its bytes: apart, so that its registers stay in those of the processor.
impl Coder for Arithmetic {
    type Source<'a> = Source<'a>;
    const PLAIN: bool = false;

    #[inline(always)]
    fn bit(&mut self, contexts: &mut Contexts, label: usize, source: &mut Source<'_>) -> u32 {
        Arithmetic::bit(self, contexts, label, source)
    }
}

impl Coder for Raw<'_> {
    type Source<'a> = ();
    const PLAIN: bool = true;

    fn bit(&mut self, _: &mut Contexts, _: usize, (): &mut ()) -> u32 {
        Raw::bit(self)
    }
}

impl Blocks {
    /// The significance propagation pass (D.3.1).
    pub(super) fn propagate<C: Coder>(
        &mut self,
        plane: u32,
        labels: &Labels,
        coder: &mut C,
        source: &mut C::Source<'_>,
    ) {
        let shape = self.shape;
        let mut coding = coder.clone();
        for stripe in 0..shape.stripes {
            for word in 0..shape.maps {
                let at = shape.map(stripe, word) % MAPS;
                let Map {
                    mut significant,
                    mut near,
                    ..
                } = self.maps[at];
                let inside = shape.inside(stripe, word);
                let first = Spot::new(&shape, [stripe, word]);
                let mut left = near & !significant & inside;
                let mut visited = 0;
                while left != 0 {
                    let place = left.trailing_zeros();
                    left &= left - 1;
                    visited |= 1 << place;
                    let spot = first.at(place);
                    let label = self.label(labels, &spot);
                    if coding.bit(&mut self.contexts, label, source) != 0 {
                        significant |= 1 << place;
                        near |= self.wake(&spot, plane, &mut coding, source);
                        let later = !(2u64 << place).wrapping_sub(1);
                        left |= near & !significant & inside & later;
                    }
                }
                let map = &mut self.maps[at];
                (map.significant, map.near, map.visited) = (significant, near, visited);
            }
        }
        *coder = coding;
    }

    /// The magnitude refinement pass (D.3.3).
    pub(super) fn refine<C: Coder>(
        &mut self,
        plane: u32,
        coder: &mut C,
        source: &mut C::Source<'_>,
    ) {
        let shape = self.shape;
        let mut coding = coder.clone();
        for stripe in 0..shape.stripes {
            for word in 0..shape.maps {
                let map = &mut self.maps[shape.map(stripe, word) % MAPS];
                let mut left = map.significant & !map.visited;
                let Map { near, refined, .. } = *map;
                map.refined |= left;
                let first = stripe * shape.width + 16 * word;
                while left != 0 {
                    let place = left.trailing_zeros();
                    left &= left - 1;
                    let label = if refined >> place & 1 != 0 {
                        16
                    } else {
                        14 + (near >> place & 1) as usize
                    };
                    let bit = coding.bit(&mut self.contexts, label, source);
                    // The bit that stood for the middle of the interval becomes the decoded one.
                    self.values[(first + (place >> 2) as usize) % COLUMNS][(place & 3) as usize] ^=
                        (2 - 2 * bit + 1) << plane;
                }
            }
        }
        *coder = coding;
    }

    /// The cleanup pass (D.3.4).
    pub(super) fn clean_up(
        &mut self,
        plane: u32,
        labels: &Labels,
        coder: &mut Arithmetic,
        source: &mut Source<'_>,
    ) {
        let shape = self.shape;
        let mut coding = *coder;
        for stripe in 0..shape.stripes {
            let whole = shape.height - 4 * stripe >= 4;
            for word in 0..shape.maps {
                let at = shape.map(stripe, word) % MAPS;
                let Map {
                    mut significant,
                    mut near,
                    visited,
                    ..
                } = self.maps[at];
                let first = Spot::new(&shape, [stripe, word]);
                let mut left = !(significant | visited) & shape.inside(stripe, word);
                while left != 0 {
                    let mut place = left.trailing_zeros();
                    let mut known = false;
                    if whole && place & 3 == 0 && ((near | significant) >> place) & 0xF == 0 {
                        if coding.likely_bit(&mut self.contexts, RUN, source) == 0 {
                            left &= !(0xF << place);
                            continue;
                        }
                        let high = coding.bit(&mut self.contexts, UNIFORM, source);
                        place += 2 * high + coding.bit(&mut self.contexts, UNIFORM, source);
                        known = true;
                    }
                    left &= !(2u64 << place).wrapping_sub(1);
                    let spot = first.at(place);
                    if !known {
                        let label = self.label(labels, &spot);
                        if coding.bit(&mut self.contexts, label, source) == 0 {
                            continue;
                        }
                    }
                    significant |= 1 << place;
                    near |= self.wake(&spot, plane, &mut coding, source);
                }
                let map = &mut self.maps[at];
                (map.significant, map.near, map.visited) = (significant, near, 0);
            }
        }
        *coder = coding;
    }

    /// Context label of whether a coefficient becomes significant.
    #[inline(always)]
    fn label(&self, labels: &Labels, spot: &Spot) -> usize {
        let around = self.flags[spot.flag % FLAGS] >> (3 * (spot.place & 3));
        usize::from(labels[(around & 0x1FF) as usize])
    }

    /// A coefficient becomes significant: its sign is read and its neighbours are told. Returns those of its own map.
    #[inline(always)]
    fn wake<C: Coder>(
        &mut self,
        spot: &Spot,
        plane: u32,
        coding: &mut C,
        source: &mut C::Source<'_>,
    ) -> u64 {
        let row = spot.place & 3;
        let (label, invert) = self.sign_label(spot.flag, row);
        let bit = coding.bit(&mut self.contexts, label, source);
        let sign = if C::PLAIN { bit } else { bit ^ invert };
        self.values[spot.column % COLUMNS][row as usize] = sign << 31 | 3 << plane;
        self.spread(spot.map, spot.flag, spot.place, sign)
    }
}

/// Where things of a coefficient stand.
struct Spot {
    map: usize,
    flag: usize,
    /// Among the columns of four.
    column: usize,
    /// In its map.
    place: u32,
}

impl Spot {
    /// The first coefficient of a map.
    fn new(shape: &Shape, [stripe, word]: [usize; 2]) -> Self {
        Self {
            map: shape.map(stripe, word),
            flag: shape.flag(stripe, 16 * word),
            column: stripe * shape.width + 16 * word,
            place: 0,
        }
    }

    /// Another one of the same map.
    #[inline(always)]
    fn at(&self, place: u32) -> Self {
        let x = (place >> 2) as usize;
        Self {
            map: self.map,
            flag: self.flag + x,
            column: self.column + x,
            place,
        }
    }
}
