//! What a trained network, mostly an ensemble, says of a batch becomes part of what is learnt from it.
//!
//! Hinton et al. 2015, "Distilling the knowledge in a neural network", at temperature 1: the teacher sees the very view that
//! the student sees, its probabilities are mixed into the targets, and the region that it would outline is a target where
//! nobody drew an outline.

use super::batch::Batch;
use super::identity::{add_weights, hash};
use crate::engine::{Judgement, Judges, judging};
use crate::graph::{Graph, NodeId};
use crate::loss::image::ImageLoss;
use crate::network::NetworkError;
use crate::precision::Precision;
use crate::weights::Weights;
use sha2::Digest;
use std::sync::Arc;
use tumorlens_core::{ClassSet, MapLine};

/// A trained network that others learn from. It runs on the processor, whatever the student runs on.
#[derive(Debug)]
pub struct Teacher {
    judge: Arc<dyn Judges>,
    loss: ImageLoss,
    outputs: usize,
    map: Option<Map>,
    /// Share of the teacher in the targets.
    weight: f64,
    identity: String,
}

/// The one evidence map of a teacher.
#[derive(Debug)]
struct Map {
    node: NodeId,
    grid: [usize; 2],
    /// From which logit on it outlines.
    line: MapLine,
}

impl Teacher {
    /// A network whose word counts `weight`, 0 to 1, beside the labels of these classes. It outlines what its evidence map
    /// shows from `line` on.
    ///
    /// # Errors
    /// When the weights do not fit the graph, or the precision the processor.
    pub fn new(
        graph: &Graph,
        weights: Arc<Weights>,
        classes: &ClassSet,
        line: Option<MapLine>,
        weight: f64,
        precision: Precision,
    ) -> Result<Self, NetworkError> {
        let shapes = graph.shapes()?;
        let outputs = graph.outputs();
        // Of several maps some have nothing to show: only of one does an unknown outline mean a region.
        let map = graph.evidence.zip(line).filter(|_| outputs == 1);
        let map = map.map(|(node, line)| {
            let [_, height, width] = shapes[node.0];
            let grid = [height, width];
            Map { node, grid, line }
        });
        let identity = hash(|hasher| {
            hasher.update(format!("{weight} {line:?} {graph:?}\n"));
            add_weights(hasher, &weights);
        });
        let read = map.as_ref().map(|map| map.node.0);
        Ok(Self {
            judge: judging(graph, weights, read.as_slice(), precision.for_judging())?,
            loss: ImageLoss::plain(classes),
            outputs,
            map,
            weight,
            identity,
        })
    }

    /// SHA-256 of everything that decides what it says.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Mixes what it says of a batch into its targets. Its map counts where the student's is of the same size, `grid`.
    pub(super) fn teach(&self, batch: &mut Batch, grid: Option<[usize; 2]>) {
        let map = self.map.as_ref().filter(|map| grid == Some(map.grid));
        let mut said = Judgement::default();
        let wanted = map.map(|map| map.node.0);
        self.judge.judge(&batch.input, wanted.as_slice(), &mut said);
        let logits = said.logits.chunks_exact(self.outputs);
        for (target, logits) in batch.targets.iter_mut().zip(logits) {
            for (share, probability) in target.iter_mut().zip(self.loss.probabilities(logits)) {
                *share = (1.0 - self.weight) * *share + self.weight * probability;
            }
        }
        let (Some(map), Some(values)) = (map, said.values.first()) else {
            return;
        };
        let shown = values.chunks_exact(map.grid[0] * map.grid[1]);
        for (outline, shown) in batch.outlines.iter_mut().zip(shown) {
            outline.get_or_insert_with(|| {
                let line = map.line.of(shown);
                let is_inside = |logit: &f32| *logit >= line;
                shown
                    .iter()
                    .map(|z| f32::from(u8::from(is_inside(z))))
                    .collect()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{ConvShape, GraphBuilder, Op};
    use tumorlens_core::Seed;

    /// A network whose map is the image of 2x2 pixels, and whose score is the map's largest value.
    fn teacher(threshold: Option<f32>, weight: f64) -> Teacher {
        let mut g = GraphBuilder::new([1, 2, 2]);
        let shape = ConvShape {
            channels: [1, 1],
            kernel: 1,
            stride: 1,
            bias: true,
        };
        let map = g.conv("map", g.input(), shape);
        let score = g.push("score", Op::EvidencePool { top: 0.25 }, &[map]);
        let graph = g.finish(score, Some(map), map);
        let mut weights = Weights::initial(&graph, Seed(1));
        for parameter in &mut weights.parameters {
            let value = if parameter.name == "map.weight" {
                1.0
            } else {
                0.0
            };
            parameter.values.fill(value);
        }
        let classes = ClassSet::tumor();
        let weights = Arc::new(weights);
        let share = 0.0;
        let line = threshold.map(|threshold| MapLine { threshold, share });
        Teacher::new(&graph, weights, &classes, line, weight, Precision::F32).unwrap()
    }

    /// Two images without and with tumor, of which one is outlined.
    fn batch() -> Batch {
        Batch {
            input: vec![0.0, -3.0, -1.0, -2.0, 0.5, 3.0, 1.0, -2.0],
            targets: vec![vec![1.0, 0.0], vec![0.0, 1.0]],
            outlines: vec![Some(vec![0.0; 4]), None],
        }
    }

    #[test]
    fn what_the_teacher_says_is_mixed_into_the_targets() {
        let mut taught = batch();
        teacher(None, 0.25).teach(&mut taught, Some([2, 2]));
        let sure = 1.0 / (1.0 + (-3f64).exp());
        let expected = [
            [0.75 + 0.125, 0.125],
            [0.25 * (1.0 - sure), 0.75 + 0.25 * sure],
        ];
        for (found, expected) in taught
            .targets
            .iter()
            .flatten()
            .zip(expected.iter().flatten())
        {
            assert!((found - expected).abs() < 1e-6, "{:?}", taught.targets);
        }
        assert_eq!(taught.outlines, batch().outlines);
        assert_eq!(taught.input, batch().input);
    }

    #[test]
    fn the_teacher_outlines_where_nobody_did_and_only_on_a_grid_of_its_own() {
        let mut taught = batch();
        teacher(Some(1.0), 0.0).teach(&mut taught, Some([2, 2]));
        assert_eq!(taught.targets, batch().targets);
        let outlines = [Some(vec![0.0; 4]), Some(vec![0.0, 1.0, 1.0, 0.0])];
        assert_eq!(taught.outlines, outlines);
        let mut other = batch();
        teacher(Some(1.0), 0.0).teach(&mut other, Some([1, 1]));
        assert_eq!(other.outlines, batch().outlines);
    }
}
