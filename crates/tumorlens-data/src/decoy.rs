//! Decoys: pictures that are no brain MRI, made to teach a guard what it is for.
//!
//! A model that was shown nothing but heads answers whatever it is shown. Which other pictures it will meet is not known, and
//! none are in its training data; so they are invented: two in three are painted (`decoy/scene.rs`), one in three is a
//! training image wrecked (`decoy/wreck.rs`). That a guard which learns from some outliers knows others is found by Hendrycks
//! et al. (2019, "outlier exposure"; there with pictures of other collections).

mod bare;
mod canvas;
mod depth;
mod lineup;
mod scene;
mod wreck;

pub use bare::BareHeads;
pub use lineup::Lineup;

use crate::draw::Draw;
use crate::source::DatasetSource;
use crate::transform::{prepare, to_input};
use canvas::Canvas;
use tumorlens_core::{
    ClassIndex, GreyImage, Sample, SampleError, SampleInfo, SampleSource, Seed, View,
};

/// Side of a painted picture; preprocessing crops and resizes it as any other.
const SIDE: usize = 160;
/// Draws for one picture before it is given up; one that is empty is drawn anew.
const TRIES: u64 = 8;

/// So many decoys, prepared as the images of a source are; the same seed gives the same bytes.
#[derive(Debug)]
pub struct Decoys<'a> {
    heads: &'a DatasetSource,
    count: usize,
    seed: Seed,
    info: SampleInfo,
}

impl<'a> Decoys<'a> {
    /// Decoys for the preprocessing of a source, whose images are those that are wrecked.
    #[must_use]
    pub fn new(heads: &'a DatasetSource, count: usize, seed: Seed) -> Self {
        Self {
            heads,
            count,
            seed,
            info: SampleInfo {
                path: "a decoy".to_owned(),
                group: String::new(),
                source: "decoys".to_owned(),
                label: ClassIndex(0),
                has_mask: false,
            },
        }
    }
}

/// The values of a decoy, prepared as the images of a source are; a wreck of one of them where it is to be, else
/// painted at a side.
fn prepared(
    heads: &DatasetSource,
    wrecked: bool,
    side: usize,
    seed: Seed,
) -> Result<Vec<f32>, SampleError> {
    for attempt in 0..TRIES {
        let draw = &mut Draw::new(seed.index(attempt));
        if let Ok(prepared) = prepare(&picture(heads, wrecked, side, draw)?, heads.spec()) {
            return Ok(prepared.values);
        }
    }
    Err(SampleError {
        path: "a decoy".to_owned(),
        reason: format!("nothing was drawn from seed {}", seed.0),
    })
}

fn picture(
    heads: &DatasetSource,
    wrecked: bool,
    side: usize,
    draw: &mut Draw,
) -> Result<GreyImage, SampleError> {
    if wrecked && !heads.is_empty() {
        let head = Canvas {
            side: heads.spec().size,
            values: heads.prepared_values(draw.below(heads.len()))?,
        };
        return Ok(wreck::any(&head, draw).picture());
    }
    Ok(scene::any(side, draw).picture())
}

impl SampleSource for Decoys<'_> {
    fn len(&self) -> usize {
        self.count
    }

    /// What all decoys share; their class says nothing.
    fn info(&self, _index: usize) -> &SampleInfo {
        &self.info
    }

    fn shape(&self) -> [usize; 3] {
        self.heads.shape()
    }

    fn load(&self, index: usize, _view: View) -> Result<Sample, SampleError> {
        let seed = self.seed.index(index as u64);
        let values = prepared(self.heads, index.is_multiple_of(3), SIDE, seed)?;
        Ok(sample(self, self.heads, &values, index))
    }
}

/// Image `index` of a source beside that of the heads, which prepares as they do and knows no outlines.
fn sample(of: &dyn SampleSource, heads: &DatasetSource, values: &[f32], index: usize) -> Sample {
    Sample {
        input: to_input(values, heads.spec()),
        mask: None,
        label: of.info(index).label,
        index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ManifestRow;
    use crate::transform::AugmentConfig;
    use std::path::Path;
    use tumorlens_core::{ClassSet, PreprocessSpec};

    pub(super) fn heads(folder: &Path, pictures: &[&str]) -> DatasetSource {
        let rows = pictures.iter().map(|path| ManifestRow {
            path: (*path).to_owned(),
            label: "tumor".to_owned(),
            ..ManifestRow::default()
        });
        let spec = PreprocessSpec {
            size: 64,
            ..PreprocessSpec::default()
        };
        let rows: Vec<ManifestRow> = rows.collect();
        let none = AugmentConfig::none();
        DatasetSource::new(folder, &rows, &ClassSet::tumor(), &spec, &none).unwrap()
    }

    #[test]
    fn every_decoy_of_many_shows_something_and_the_same_seed_gives_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let picture = image::GrayImage::from_fn(90, 100, |x, y| {
            let (dx, dy) = (x as f32 / 45.0 - 1.0, y as f32 / 50.0 - 1.0);
            let inside = (dx / 0.8).hypot(dy / 0.9) < 1.0;
            image::Luma([if inside { 90 + (x * y % 70) as u8 } else { 0 }])
        });
        picture.save(folder.path().join("head.png")).unwrap();
        let heads = heads(folder.path(), &["head.png"]);
        let [first, again, other] = [1, 1, 2].map(|seed| Decoys::new(&heads, 90, Seed(seed)));
        let mut differ = 0;
        for index in 0..first.len() {
            let sample = first.load(index, View::Plain).unwrap();
            assert_eq!(sample.input.len(), 64 * 64);
            assert!(sample.input.iter().all(|v| v.is_finite()));
            assert!(
                sample.input.iter().any(|v| *v != sample.input[0]),
                "{index}"
            );
            assert_eq!(again.load(index, View::Plain).unwrap(), sample);
            differ += usize::from(other.load(index, View::Plain).unwrap() != sample);
        }
        assert_eq!(differ, first.len());
    }

    #[test]
    fn without_heads_all_are_painted_and_a_head_that_is_gone_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let none = heads(folder.path(), &[]);
        assert!(Decoys::new(&none, 3, Seed(1)).load(0, View::Plain).is_ok());
        let gone = heads(folder.path(), &["gone.png"]);
        let error = Decoys::new(&gone, 3, Seed(1)).load(0, View::Plain);
        assert_eq!(error.unwrap_err().path, "gone.png");
    }
}
