//! A small random forest (Breiman 2001): enough to find out whether a handful of numbers tells the label.

use crate::draw::Draw;
use tumorlens_core::Seed;

const TREES: u64 = 60;
const DEPTH: usize = 8;
/// Fewest samples of a leaf.
const LEAF: usize = 3;

/// Trees that vote.
pub(super) struct Forest {
    trees: Vec<Node>,
    classes: usize,
}

enum Node {
    Leaf(usize),
    Split {
        feature: usize,
        threshold: f32,
        below: Box<Node>,
        above: Box<Node>,
    },
}

/// Samples by row, with their classes below `classes`.
struct Samples<'a> {
    features: &'a [&'a [f32]],
    labels: &'a [usize],
    classes: usize,
}

impl Forest {
    /// Fits to samples of equally many features. Without samples it always says class 0.
    pub(super) fn fit(features: &[&[f32]], labels: &[usize], classes: usize, seed: Seed) -> Self {
        let samples = Samples {
            features,
            labels,
            classes,
        };
        let tree = |number| {
            let mut draw = Draw::new(seed.index(number));
            let drawn = (0..labels.len())
                .map(|_| draw.below(labels.len()))
                .collect();
            samples.grow(drawn, DEPTH, &mut draw)
        };
        Self {
            trees: (0..TREES).map(tree).collect(),
            classes,
        }
    }

    /// The class with most votes, the first on ties.
    pub(super) fn predict(&self, features: &[f32]) -> usize {
        let mut votes = vec![0; self.classes];
        for tree in &self.trees {
            votes[tree.predict(features)] += 1;
        }
        most(&votes)
    }
}

impl Node {
    fn predict(&self, features: &[f32]) -> usize {
        match self {
            Self::Leaf(class) => *class,
            Self::Split {
                feature,
                threshold,
                below,
                above,
            } => if features[*feature] <= *threshold {
                below
            } else {
                above
            }
            .predict(features),
        }
    }
}

impl Samples<'_> {
    fn grow(&self, drawn: Vec<usize>, depth: usize, draw: &mut Draw) -> Node {
        let counts = self.count(&drawn);
        let pure = counts.iter().filter(|n| **n > 0).count() <= 1;
        let split = if pure || depth == 0 {
            None
        } else {
            self.best_split(&drawn, draw)
        };
        let Some((feature, threshold)) = split else {
            return Node::Leaf(most(&counts));
        };
        let (below, above): (Vec<_>, Vec<_>) = drawn
            .into_iter()
            .partition(|&i| self.features[i][feature] <= threshold);
        Node::Split {
            feature,
            threshold,
            below: Box::new(self.grow(below, depth - 1, draw)),
            above: Box::new(self.grow(above, depth - 1, draw)),
        }
    }

    /// The split with the least Gini impurity among as many random features as the root of their number.
    fn best_split(&self, drawn: &[usize], draw: &mut Draw) -> Option<(usize, f32)> {
        let features = self.features.first()?.len();
        let tries = (features as f64).sqrt().ceil() as usize;
        let mut best: Option<(f64, usize, f32)> = None;
        for _ in 0..tries {
            let feature = draw.below(features);
            let mut order: Vec<(f32, usize)> = drawn
                .iter()
                .map(|&i| (self.features[i][feature], self.labels[i]))
                .collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut below = vec![0; self.classes];
            let mut above = self.count(drawn);
            for (n, pair) in order.windows(2).enumerate() {
                below[pair[0].1] += 1;
                above[pair[0].1] -= 1;
                let smaller = (n + 1).min(order.len() - n - 1);
                if smaller >= LEAF && pair[0].0 < pair[1].0 {
                    let impurity = gini(&below) + gini(&above);
                    if best.is_none_or(|(least, ..)| impurity < least) {
                        best = Some((impurity, feature, pair[0].0));
                    }
                }
            }
        }
        best.map(|(_, feature, threshold)| (feature, threshold))
    }

    fn count(&self, drawn: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &i in drawn {
            counts[self.labels[i]] += 1;
        }
        counts
    }
}

/// Gini impurity times the number of samples.
fn gini(counts: &[usize]) -> f64 {
    let n: usize = counts.iter().sum();
    let squares: f64 = counts.iter().map(|c| (*c as f64).powi(2)).sum();
    if n == 0 {
        0.0
    } else {
        n as f64 - squares / n as f64
    }
}

/// The class of the largest count, the first on ties.
pub(super) fn most(counts: &[usize]) -> usize {
    let largest = counts.iter().max().copied().unwrap_or(0);
    counts.iter().position(|n| *n == largest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forest_learns_an_exclusive_or_and_is_the_same_every_time() {
        let mut draw = Draw::new(Seed(1));
        let rows: Vec<[f32; 3]> = (0..400)
            .map(|_| [draw.unit() as f32, draw.unit() as f32, draw.unit() as f32])
            .collect();
        let features: Vec<&[f32]> = rows.iter().map(<[f32; 3]>::as_slice).collect();
        let labels: Vec<usize> = rows
            .iter()
            .map(|r| usize::from((r[0] > 0.5) != (r[2] > 0.5)))
            .collect();
        let score = |seed| {
            let forest = Forest::fit(&features[..300], &labels[..300], 2, seed);
            (300..400)
                .filter(|&i| forest.predict(features[i]) == labels[i])
                .count()
        };
        assert!(score(Seed(5)) >= 90, "{}", score(Seed(5)));
        assert_eq!(score(Seed(5)), score(Seed(5)));
    }
}
