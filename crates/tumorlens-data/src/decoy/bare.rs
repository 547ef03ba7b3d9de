//! Heads without scalp and skull, as echo-planar and stripped images show them: heads all the same.

use super::canvas::Canvas;
use super::depth::depths;
use super::sample;
use crate::draw::Draw;
use crate::source::DatasetSource;
use crate::transform::{AugmentConfig, head_region, prepare};
use tumorlens_core::{Sample, SampleError, SampleInfo, SampleSource, Seed, View};

/// The images of a source without their outer layers, blurred a little and in other tones, and augmented. The same seed
/// gives the same bytes.
#[derive(Debug)]
pub struct BareHeads<'a> {
    heads: &'a DatasetSource,
    augment: AugmentConfig,
    seed: Seed,
}

impl<'a> BareHeads<'a> {
    /// All images of a source, bare.
    #[must_use]
    pub fn new(heads: &'a DatasetSource, augment: AugmentConfig, seed: Seed) -> Self {
        Self {
            heads,
            augment,
            seed,
        }
    }
}

impl SampleSource for BareHeads<'_> {
    fn len(&self) -> usize {
        self.heads.len()
    }

    fn info(&self, index: usize) -> &SampleInfo {
        self.heads.info(index)
    }

    fn shape(&self) -> [usize; 3] {
        self.heads.shape()
    }

    fn load(&self, index: usize, _view: View) -> Result<Sample, SampleError> {
        let (spec, seed) = (self.heads.spec(), self.seed.index(index as u64));
        let mut values = stripped(self.heads, index, seed)?;
        let params = self.augment.draw(seed);
        params.apply(&mut values, None, spec.size);
        Ok(sample(self, self.heads, &values, index))
    }
}

/// The values of an image without its outer layers; where nothing is left, as it is.
pub(super) fn stripped(
    heads: &DatasetSource,
    index: usize,
    seed: Seed,
) -> Result<Vec<f32>, SampleError> {
    let (values, spec) = (heads.prepared_values(index)?, heads.spec());
    let bare = bare(&values, spec.size, &mut Draw::new(seed));
    Ok(prepare(&bare.picture(), spec).map_or(values, |p| p.values))
}

/// A prepared head without what lies less than a twentieth to a sixth of the side deep, of which a shade may stay.
fn bare(values: &[f32], side: usize, draw: &mut Draw) -> Canvas {
    let depth = depths(&head_region(values, side), side);
    let (layer, shade) = (
        side as f32 * draw.range(0.05..=0.16),
        draw.range(0.0..=0.15),
    );
    let mut canvas = Canvas::new(side);
    for ((out, value), depth) in canvas.values.iter_mut().zip(values).zip(depth) {
        let outer = f32::from(depth) <= layer;
        *out = value * if outer { shade } else { 1.0 };
    }
    canvas.blur(side as f32 * draw.range(0.0..=0.008));
    canvas.spread();
    canvas.tone(draw.within(0.7).exp());
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_layer_goes_and_the_middle_stays() {
        let side = 100;
        let values: Vec<f32> = (0..side * side)
            .map(|i| {
                let (x, y) = ((i % side) as f32 - 49.5, (i / side) as f32 - 49.5);
                match x.hypot(y) {
                    r if r > 45.0 => 0.0,
                    r if r > 42.0 => 1.0,
                    _ => 0.5,
                }
            })
            .collect();
        for seed in 0..10 {
            let found = bare(&values, side, &mut Draw::new(Seed(seed)));
            assert!(found.near(0.0, 0.0) > 0.7, "{}", found.near(0.0, 0.0));
            assert!(found.near(0.87, 0.0) < 0.5 * found.near(0.0, 0.0));
        }
    }
}
