//! Heads and decoys in one row, for who learns to tell them.

use super::bare::stripped;
use super::{prepared, sample};
use crate::draw::Draw;
use crate::source::DatasetSource;
use crate::transform::AugmentConfig;
use tumorlens_core::label::ClassSetError;
use tumorlens_core::{
    ClassIndex, ClassSet, Sample, SampleError, SampleInfo, SampleSource, Seed, View,
};

/// How often a head is shown without scalp and skull.
const BARE: f32 = 0.4;
/// How often a decoy is a wrecked head and no painted picture.
const WRECKED: f32 = 1.0 / 3.0;
/// Side of a painted picture: who learns from so many sees them at half of the usual size.
const SIDE: usize = 96;

/// Every image of a source as a head, and as many decoys, each of which bears the name of an image's source, so that both
/// classes have the same sources. [`View::Augmented`] shows other decoys for other seeds, and augments both alike.
#[derive(Debug)]
pub struct Lineup<'a> {
    heads: &'a DatasetSource,
    augment: AugmentConfig,
    seed: Seed,
    infos: Vec<SampleInfo>,
}

impl<'a> Lineup<'a> {
    /// Heads of a source; plain views draw from the seed.
    #[must_use]
    pub fn new(heads: &'a DatasetSource, augment: AugmentConfig, seed: Seed) -> Self {
        let info = |of: &SampleInfo, label: usize| SampleInfo {
            path: match label {
                0 => of.path.clone(),
                _ => format!("a decoy beside {}", of.path),
            },
            label: ClassIndex(label),
            has_mask: false,
            ..of.clone()
        };
        let all = || (0..heads.len()).map(|i| heads.info(i));
        let infos = all().map(|of| info(of, 0));
        Self {
            infos: infos.chain(all().map(|of| info(of, 1))).collect(),
            heads,
            augment,
            seed,
        }
    }

    /// `head` and `decoy`, which is what is looked for.
    ///
    /// # Errors
    /// Never for these names; an error rather than a panic all the same.
    pub fn classes() -> Result<ClassSet, ClassSetError> {
        ClassSet::new(vec!["head".to_owned(), "decoy".to_owned()], "decoy")
    }
}

impl SampleSource for Lineup<'_> {
    fn len(&self) -> usize {
        self.infos.len()
    }

    fn info(&self, index: usize) -> &SampleInfo {
        &self.infos[index]
    }

    fn shape(&self) -> [usize; 3] {
        self.heads.shape()
    }

    fn load(&self, index: usize, view: View) -> Result<Sample, SampleError> {
        let seed = match view {
            View::Plain => self.seed.index(index as u64),
            View::Augmented(seed) => seed,
        };
        let draw = &mut Draw::new(seed.derive("lineup"));
        let own = seed.derive("shown");
        let mut values = if index >= self.heads.len() {
            prepared(self.heads, draw.chance(WRECKED), SIDE, own)?
        } else if draw.chance(BARE) {
            stripped(self.heads, index, own)?
        } else {
            self.heads.prepared_values(index)?
        };
        if let View::Augmented(seed) = view {
            let params = self.augment.draw(seed);
            params.apply(&mut values, None, self.heads.spec().size);
        }
        Ok(sample(self, self.heads, &values, index))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::heads;
    use super::*;

    #[test]
    fn heads_and_decoys_are_as_many_of_the_same_sources_and_drawn_by_seed() {
        let folder = tempfile::tempdir().unwrap();
        for (name, grey) in [("a.png", 90), ("b.png", 140)] {
            let picture = image::GrayImage::from_fn(80, 90, |x, y| {
                let (dx, dy) = (x as f32 / 40.0 - 1.0, y as f32 / 45.0 - 1.0);
                let inside = (dx / 0.8).hypot(dy / 0.9) < 1.0;
                image::Luma([if inside { grey + (x * y % 70) as u8 } else { 0 }])
            });
            picture.save(folder.path().join(name)).unwrap();
        }
        let heads = heads(folder.path(), &["a.png", "b.png"]);
        let lineup = Lineup::new(&heads, AugmentConfig::none(), Seed(4));
        assert_eq!(lineup.len(), 4);
        let classes = Lineup::classes().unwrap();
        for i in 0..4 {
            let info = lineup.info(i);
            assert_eq!(classes.name(info.label), ["head", "decoy"][i / 2]);
            assert_eq!(info.source, heads.info(i % 2).source);
        }
        for index in 0..4 {
            let load = |view| lineup.load(index, view).unwrap();
            assert_eq!(load(View::Plain), load(View::Plain));
            assert_eq!(load(View::Plain).input.len(), 64 * 64);
            assert_eq!(load(View::Plain).label.0, index / 2);
            let seen: Vec<Vec<f32>> = (0..8)
                .map(|seed| load(View::Augmented(Seed(seed))).input)
                .collect();
            let others = seen.iter().filter(|input| **input != seen[0]).count();
            // A decoy is another one each time; a head is sometimes bare.
            assert!(if index < 2 { others < 8 } else { others == 7 }, "{others}");
        }
    }
}
