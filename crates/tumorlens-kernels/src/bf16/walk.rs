//! How a convolution walks over an image of one shape: made once for many batches.

use super::Bf16x32;
use super::tiling::{NOWHERE, Tiling};
use crate::{Blocked, Shape};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a pixel.
pub(super) const PIXEL: usize = size_of::<Bf16x32>();

/// What a walk depends on beside the convolution. The number of images plays no part, and is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shapes {
    /// What is read.
    pub(super) from: Shape,
    /// What is written to.
    pub(super) to: Shape,
    /// What is added.
    add: Option<Shape>,
}

impl Shapes {
    pub(super) fn of(from: Shape, to: Shape, add: Option<&Blocked<Bf16x32>>) -> Self {
        let of_image = |shape: Shape| Shape { images: 0, ..shape };
        Self {
            from: of_image(from),
            to: of_image(to),
            add: add.map(|add| of_image(add.shape())),
        }
    }
}

/// One walk over the outputs of an image.
#[derive(Debug)]
pub(super) struct Pass {
    /// Bytes from the image's first to what each step reads for the first output.
    pub(super) steps: Vec<usize>,
    /// Bytes from one pixel to the next.
    pub(super) row: usize,
    pub(super) tiling: Tiling,
}

/// All walks over an image, within its bounds.
#[derive(Debug)]
pub(super) struct Walk {
    shapes: Shapes,
    /// Lines of an image.
    pub(super) image: usize,
    pub(super) passes: Vec<Pass>,
    /// For every pixel of a plane that is written to the same pixel of a plane that is added; empty where none is.
    pub(super) added: Vec<u32>,
}

impl Walk {
    /// # Panics
    /// When a pass leaves the image that it reads or the plane that it writes to.
    pub(super) fn new(shapes: Shapes, image: usize, passes: Vec<Pass>) -> Self {
        let plane = shapes.to.plane();
        for pass in &passes {
            let farthest = pass.steps.iter().max();
            let reach = farthest.map_or(0, |step| step + pass.tiling.reach(pass.row));
            assert!(pass.tiling.tiles.is_empty() || reach <= image * PIXEL);
            let mut places = pass.tiling.tiles.iter().flat_map(|tile| tile.places);
            assert!(places.all(|place| place == NOWHERE || (place as usize) < plane));
        }
        let added = shapes.add.map(|add| positions(shapes.to, add));
        Self {
            shapes,
            image,
            passes,
            added: added.unwrap_or_default(),
        }
    }

    /// Products of a block of an image.
    pub(super) fn tiles(&self) -> usize {
        let tiles = |pass: &Pass| pass.tiling.tiles.len() * pass.steps.len();
        self.passes.iter().map(tiles).sum()
    }
}

/// For every pixel of a plane the same pixel in a plane with another border.
fn positions(of: Shape, other: Shape) -> Vec<u32> {
    let mut at = vec![0; of.plane()];
    for y in 0..of.height {
        for x in 0..of.width {
            at[of.at(y, x)] = other.at(y, x) as u32;
        }
    }
    at
}

/// The walk that was taken last: a layer of a network meets one shape of images, in batches of any number.
#[derive(Debug, Default)]
pub(super) struct Walks(Mutex<Option<Arc<Walk>>>);

impl Walks {
    /// That for these shapes, by `make` where it is another than the last.
    pub(super) fn get(&self, shapes: Shapes, make: impl FnOnce() -> Walk) -> Arc<Walk> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(walk) if walk.shapes == shapes => Arc::clone(walk),
            _ => Arc::clone(last.insert(Arc::new(make()))),
        }
    }
}

impl Clone for Walks {
    /// A copy has taken none yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}
