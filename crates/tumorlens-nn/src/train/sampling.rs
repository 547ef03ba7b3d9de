//! Which images an epoch shows, in which order.

use super::config::{Balance, Images, Sampling};
use rand::RngExt;
use std::collections::BTreeMap;
use tumorlens_core::{SampleInfo, Seed};

/// One showing of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    /// Position in the source.
    pub(crate) index: usize,
    /// Seed of this showing: another one for every epoch, image and repetition.
    pub(crate) seed: Seed,
}

/// The images of a training part, arranged for drawing.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    /// Parts that are shown equally often, each a list of units; a unit is a list of images of which one is shown.
    parts: Vec<Vec<Vec<usize>>>,
    seed: Seed,
}

impl Sampler {
    /// Arranges images; the seed is that of the run.
    pub(crate) fn new<'a>(
        images: impl Iterator<Item = &'a SampleInfo>,
        sampling: Sampling,
        seed: Seed,
    ) -> Self {
        type Units<'a> = BTreeMap<(&'a str, usize), Vec<usize>>;
        // Ordered maps, so that the arrangement depends on names alone.
        let mut parts: BTreeMap<(&str, usize), Units<'_>> = BTreeMap::new();
        for (index, image) in images.enumerate() {
            let part = match sampling.balance {
                Balance::None => ("", 0),
                Balance::Classes => ("", image.label.0),
                Balance::SourcesAndClasses => (image.source.as_str(), image.label.0),
            };
            let unit = match sampling.images {
                Images::OnePerGroup => (image.group.as_str(), 0),
                Images::All => ("", index),
            };
            parts
                .entry(part)
                .or_default()
                .entry(unit)
                .or_default()
                .push(index);
        }
        let parts = parts
            .into_values()
            .map(|units| units.into_values().collect())
            .collect();
        Self {
            parts,
            seed: seed.derive("sampling"),
        }
    }

    /// Showings in an epoch.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// The showings of an epoch, in order.
    pub(crate) fn epoch(&self, epoch: usize) -> Vec<Draw> {
        let seed = self.seed.index(epoch as u64);
        let mut draws = Vec::with_capacity(self.len());
        // Parts take equal shares of the epoch; what does not divide goes to some by lot.
        let mut lots: Vec<usize> = (0..self.parts.len()).collect();
        shuffle(&mut lots, seed.derive("remainder"));
        for (lot, part) in lots.into_iter().enumerate() {
            let share = if self.parts.len() == 1 {
                self.len()
            } else {
                self.len() / self.parts.len() + usize::from(lot < self.len() % self.parts.len())
            };
            draws.extend(drawn(
                &self.parts[part],
                share,
                seed.derive("part").index(part as u64),
            ));
        }
        shuffle(&mut draws, seed.derive("order"));
        draws
    }
}

/// `count` showings of units, each as often as any other, give or take one.
fn drawn(units: &[Vec<usize>], count: usize, seed: Seed) -> Vec<Draw> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    shuffle(&mut order, seed);
    let showings = order.iter().cycle().take(count).enumerate();
    showings
        .map(|(n, &unit)| {
            let repetition = (n / units.len()) as u64;
            let seed = seed.index(unit as u64).index(repetition);
            let members = &units[unit];
            let index = members[seed.derive("member").rng().random_range(0..members.len())];
            Draw {
                index,
                seed: seed.derive("view"),
            }
        })
        .collect()
}

/// Fisher and Yates.
pub(super) fn shuffle<T>(items: &mut [T], seed: Seed) {
    let mut rng = seed.derive("shuffle").rng();
    for last in (1..items.len()).rev() {
        items.swap(last, rng.random_range(0..=last));
    }
}

/// Cuts an epoch into steps of at most `size` items and of equal length, give or take one, so that no step is left
/// with a single image, whose batch statistics would mean nothing.
pub(crate) fn steps<T>(items: &[T], size: usize) -> Vec<&[T]> {
    let count = items.len().div_ceil(size.max(1));
    let mut rest = items;
    (0..count)
        .map(|step| {
            let (first, later) = rest.split_at(rest.len().div_ceil(count - step));
            rest = later;
            first
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use tumorlens_core::ClassIndex;

    fn image(number: usize, group: usize, source: usize, label: usize) -> SampleInfo {
        SampleInfo {
            path: format!("{number}.png"),
            group: format!("g{group}"),
            source: format!("s{source}"),
            label: ClassIndex(label),
            has_mask: false,
        }
    }

    fn sampler(images: &[SampleInfo], which: Images, balance: Balance) -> Sampler {
        Sampler::new(
            images.iter(),
            Sampling {
                images: which,
                balance,
            },
            Seed(3),
        )
    }

    /// Groups of one label each, several images a group.
    fn images() -> impl Strategy<Value = Vec<SampleInfo>> {
        proptest::collection::vec(0usize..12, 1..60).prop_map(|groups| {
            let image =
                |(number, group): (usize, usize)| image(number, group, group % 3, group % 2);
            groups.into_iter().enumerate().map(image).collect()
        })
    }

    proptest! {
        #[test]
        fn every_group_is_shown_once_an_epoch(images in images(), epoch in 0usize..50) {
            let draws = sampler(&images, Images::OnePerGroup, Balance::None).epoch(epoch);
            let shown: Vec<&str> = draws.iter().map(|d| images[d.index].group.as_str()).collect();
            let distinct: BTreeSet<&str> = shown.iter().copied().collect();
            let all: BTreeSet<&str> = images.iter().map(|i| i.group.as_str()).collect();
            prop_assert_eq!(shown.len(), distinct.len());
            prop_assert_eq!(distinct, all);
        }

        #[test]
        fn balanced_classes_are_shown_equally_often_and_all_images_in_turn(images in images(), epoch in 0usize..50) {
            let sampler = sampler(&images, Images::All, Balance::Classes);
            let draws = sampler.epoch(epoch);
            prop_assert_eq!(draws.len(), images.len());
            let classes: BTreeSet<_> = images.iter().map(|i| i.label).collect();
            for class in &classes {
                let mut times = vec![0usize; images.len()];
                draws.iter().filter(|d| images[d.index].label == *class).for_each(|d| times[d.index] += 1);
                let shown: usize = times.iter().sum();
                prop_assert!(shown.abs_diff(draws.len() / classes.len()) <= 1);
                let of_class = || images.iter().zip(&times).filter(|(i, _)| i.label == *class).map(|(_, n)| *n);
                prop_assert!(of_class().max().unwrap() - of_class().min().unwrap() <= 1);
            }
        }

        #[test]
        fn steps_are_all_of_one_size_give_or_take_one(n in 1usize..500, size in 1usize..64) {
            let items: Vec<usize> = (0..n).collect();
            let steps = steps(&items, size);
            prop_assert_eq!(steps.len(), n.div_ceil(size));
            let (low, high) = (steps.iter().map(|s| s.len()).min(), steps.iter().map(|s| s.len()).max());
            prop_assert!(high.unwrap() <= size && high.unwrap() - low.unwrap() <= 1);
            prop_assert_eq!(steps.concat(), items);
        }
    }

    #[test]
    fn a_group_shows_all_its_members_over_the_epochs() {
        let images: Vec<_> = (0..5).map(|n| image(n, 0, 0, 0)).collect();
        let sampler = sampler(&images, Images::OnePerGroup, Balance::None);
        let shown: BTreeSet<usize> = (0..40).map(|epoch| sampler.epoch(epoch)[0].index).collect();
        assert_eq!(shown.len(), 5);
    }

    #[test]
    fn a_large_source_does_not_drown_a_small_one() {
        let images: Vec<_> = (0..90)
            .map(|n| image(n, n, usize::from(n >= 80), n % 2))
            .collect();
        let draws = sampler(&images, Images::OnePerGroup, Balance::SourcesAndClasses).epoch(0);
        let small = draws.iter().filter(|d| d.index >= 80).count();
        assert!((44..=46).contains(&small), "{small}");
        let seeds: BTreeSet<u64> = draws.iter().map(|d| d.seed.0).collect();
        assert_eq!(
            seeds.len(),
            draws.len(),
            "a repeated image is seen differently"
        );
    }

    #[test]
    fn epochs_differ_and_repeat_by_seed() {
        let images: Vec<_> = (0..20).map(|n| image(n, n, 0, n % 2)).collect();
        let one = sampler(&images, Images::OnePerGroup, Balance::None);
        assert_eq!(one.epoch(4), one.epoch(4));
        assert_ne!(one.epoch(4), one.epoch(5));
    }
}
