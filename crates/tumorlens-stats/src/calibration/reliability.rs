//! The reliability diagram and the expected calibration error.

use crate::intervals::wilson;
use crate::undefined::{Undefined, probabilities, same_length};
use serde::{Deserialize, Serialize};
use tumorlens_core::Measured;

/// Bins of [0, 1], as rising edges from 0 to 1. A probability lies in the bin `low < p <= high`, 0 in the first, as in
/// scikit-learn's `calibration_curve`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Bins {
    edges: Vec<f64>,
}

/// A list of numbers is not a list of bin edges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bins must have edges that rise from 0 to 1")]
pub struct BinsError;

impl Bins {
    /// `count` bins of equal width; at least one.
    #[must_use]
    pub fn equal_width(count: usize) -> Self {
        let count = count.max(1);
        Self {
            edges: (0..=count).map(|i| i as f64 / count as f64).collect(),
        }
    }

    /// Bins between these edges.
    ///
    /// # Errors
    /// When the edges do not rise strictly from exactly 0 to exactly 1.
    pub fn from_edges(edges: Vec<f64>) -> Result<Self, BinsError> {
        let ends = edges.first() == Some(&0.0) && edges.last() == Some(&1.0);
        if ends && edges.is_sorted_by(|a, b| a < b) {
            Ok(Self { edges })
        } else {
            Err(BinsError)
        }
    }

    /// Number of bins.
    #[must_use]
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// Number of the bin in which a probability lies.
    #[must_use]
    pub fn find(&self, p: f64) -> usize {
        self.edges[1..self.count()].partition_point(|edge| *edge < p)
    }
}

impl TryFrom<Vec<f64>> for Bins {
    type Error = BinsError;
    fn try_from(edges: Vec<f64>) -> Result<Self, BinsError> {
        Self::from_edges(edges)
    }
}

impl From<Bins> for Vec<f64> {
    fn from(bins: Bins) -> Self {
        bins.edges
    }
}

/// One bin of a reliability diagram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge, outside the bin (inside for 0).
    pub low: f64,
    /// Upper edge, inside the bin.
    pub high: f64,
    /// Images in the bin.
    pub images: u64,
    /// Mean probability; undefined in an empty bin.
    pub mean_probability: Measured,
    /// Share of images for which the event came true, with Wilson's interval; undefined in an empty bin.
    pub observed: Measured,
}

/// Data of a reliability diagram and its expected calibration error.
///
/// For two classes the probability is that of the positive class and the event is that the image is positive. For more
/// classes it is the probability of the called class and the event is that the call is right (Guo et al. 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Every bin, empty ones too.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: mean over images of their bin's |mean probability - observed share|, 0 to 1.
    /// It depends on the bins; they are stated with it.
    pub ece: Measured,
}

impl Reliability {
    /// Sorts probabilities into bins. `level` is the coverage of Wilson's intervals, which take images as independent.
    ///
    /// # Errors
    /// Without images, when the slices differ in length or a score is not a probability.
    pub fn new(
        happened: &[bool],
        scores: &[f64],
        bins: &Bins,
        level: f64,
    ) -> Result<Self, Undefined> {
        same_length("scores", happened.len(), scores.len())?;
        probabilities(scores)?;
        let numbers: Vec<usize> = scores.iter().map(|&p| bins.find(p)).collect();
        let tally = Tally::count(bins.count(), &numbers, happened, scores, |_| 1);
        let ece = tally.ece()?;
        let describe = |bin: usize| {
            let Sums {
                images,
                probability,
                happened,
            } = tally.bins[bin];
            let share = |part: f64| {
                if images == 0 {
                    Measured::from(Undefined::NoImage)
                } else {
                    Measured::value(part / images as f64)
                }
            };
            let observed = share(happened as f64);
            ReliabilityBin {
                low: bins.edges[bin],
                high: bins.edges[bin + 1],
                images,
                mean_probability: share(probability),
                observed: match (observed.get(), wilson(happened, images, level)) {
                    (Some(value), Some(interval)) => Measured::with_interval(value, interval),
                    _ => observed,
                },
            }
        };
        Ok(Self {
            bins: (0..bins.count()).map(describe).collect(),
            ece: Measured::value(ece),
        })
    }
}

/// Sums over the images of one bin.
#[derive(Clone, Copy, Default)]
struct Sums {
    images: u64,
    probability: f64,
    happened: u64,
}

/// Sums in every bin.
pub(crate) struct Tally {
    bins: Vec<Sums>,
}

impl Tally {
    /// Adds up images, image i `times(i)` times.
    pub(crate) fn count(
        bins: usize,
        bin_of: &[usize],
        happened: &[bool],
        scores: &[f64],
        times: impl Fn(usize) -> u32,
    ) -> Self {
        let mut sums = vec![Sums::default(); bins];
        for (i, &bin) in bin_of.iter().enumerate() {
            let n = times(i);
            let sum = &mut sums[bin];
            sum.images += u64::from(n);
            sum.probability += f64::from(n) * scores[i];
            sum.happened += if happened[i] { u64::from(n) } else { 0 };
        }
        Self { bins: sums }
    }

    /// Expected calibration error.
    pub(crate) fn ece(&self) -> Result<f64, Undefined> {
        let images: u64 = self.bins.iter().map(|b| b.images).sum();
        if images == 0 {
            return Err(Undefined::NoImage);
        }
        Ok(self
            .bins
            .iter()
            .map(|b| (b.probability - b.happened as f64).abs())
            .sum::<f64>()
            / images as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_below_it() {
        let bins = Bins::equal_width(4);
        assert_eq!(
            [0.0, 0.25, 0.26, 0.5, 1.0].map(|p| bins.find(p)),
            [0, 0, 1, 1, 3]
        );
        assert_eq!(Bins::equal_width(0).count(), 1);
    }

    #[test]
    fn the_error_of_four_images_is_the_one_worked_out_by_hand() {
        // Bin 1: 0.1 and 0.3, one positive: |0.2 - 0.5|. Bin 2: 0.8 and 0.9, both positive: |0.85 - 1|.
        let truth = [false, true, true, true];
        let diagram =
            Reliability::new(&truth, &[0.1, 0.3, 0.8, 0.9], &Bins::equal_width(2), 0.95).unwrap();
        assert!((diagram.ece.get().unwrap() - (0.3 + 0.15) / 2.0).abs() < 1e-15);
        assert_eq!(diagram.bins[1].images, 2);
        assert_eq!(diagram.bins[1].observed.get(), Some(1.0));
        assert!(diagram.bins[1].observed.interval().unwrap().low < 0.4);
    }

    #[test]
    fn an_empty_bin_says_so() {
        let diagram = Reliability::new(&[true], &[0.9], &Bins::equal_width(2), 0.95).unwrap();
        assert_eq!(diagram.bins[0].observed, Measured::undefined("no image"));
    }

    #[test]
    fn bins_that_do_not_cover_the_unit_interval_cannot_be_made() {
        for bad in ["[0.0, 0.5]", "[0.0, 0.5, 0.5, 1.0]", "[]", "[1.0, 0.0]"] {
            assert!(serde_json::from_str::<Bins>(bad).is_err(), "{bad}");
        }
        assert_eq!(Bins::from_edges(vec![0.0, 0.1, 1.0]).unwrap().count(), 2);
    }
}
