//! What judging asks the system for, once it has run.

use burn::tensor::Device;
use std::error::Error;
use std::sync::Arc;
use tumorlens_core::Seed;
use tumorlens_nn::graph::ensemble::ensemble;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::network::Network;
use tumorlens_nn::precision::Precision;
use tumorlens_nn::weights::Weights;

const SIDE: usize = 64;

/// What judges one kind of network, or an ensemble of some.
#[derive(Clone, Copy, Debug)]
struct Kind {
    name: &'static str,
    head: Head,
    members: u64,
}

impl Kind {
    fn network(&self, precision: Precision) -> Result<Network, Box<dyn Error>> {
        let mut config = ModelConfig::new(self.name.parse()?);
        config.head = self.head;
        config.base_width = (self.name != "cnn").then_some(16);
        let mut graph = config.graph([1, SIDE, SIDE], 1)?;
        let mut weights = Weights::initial(&graph, Seed(1));
        if self.members > 1 {
            let seeds = (0..self.members).map(|seed| Weights::initial(&graph, Seed(seed)));
            let members: Vec<Weights> = seeds.collect();
            let members: Vec<_> = members.iter().map(|weights| (&graph, weights)).collect();
            (graph, weights) = ensemble(&members)?;
        }
        let device = Device::flex();
        let network = Network::judging_in(precision, graph, Arc::new(weights), &device)?;
        Ok(network)
    }
}

/// An evidence map, pooled as the largest share or by a soft maximum.
fn evidence(sharpness: Option<f32>) -> Head {
    Head::Evidence {
        stride: 4,
        top: 0.02,
        sharpness,
        channels: 16,
    }
}

/// One for every kind of step, and ensembles, whose members threads take one each.
fn kinds() -> [Kind; 9] {
    [
        ("cnn", Head::Gap, 1),
        ("cnn", Head::Flatten, 1),
        ("resnet18", Head::Gap, 1),
        ("resnet18", evidence(None), 1),
        ("resnet18", evidence(Some(1.0)), 1),
        ("resnet18", Head::Gap, 2),
        ("resnet18", evidence(None), 3),
        ("convnext-like", Head::Gap, 1),
        ("efficientnet-like", Head::Gap, 1),
    ]
    .map(|(name, head, members)| Kind {
        name,
        head,
        members,
    })
}

/// Allocations of a call of `run` on a batch of so many images, and how many are left of them and of the batch, which is given
/// away: the least of several calls, as the queues of a pool of threads grow at times. (Less than none are left where this
/// thread came by to free the memory of such a queue.)
fn allocated(images: usize, run: impl Fn(Vec<f32>)) -> Option<(u64, i64)> {
    let once = |_| {
        let batch = vec![0.5; images * SIDE * SIDE];
        let found = allocation_counter::measure(|| run(batch));
        (found.count_total, (found.count_current + 1).max(0))
    };
    (0..4).map(once).min()
}

/// Everything was planned before, whatever number of images came between. Allocations are counted on the thread that calls,
/// which lists and shares out all work.
#[test]
fn judging_again_allocates_nothing_but_the_answer() {
    let all = kinds().map(|kind| [Precision::F32, Precision::Bf16].map(|of| (kind, of)));
    for (kind, precision) in all.into_iter().flatten() {
        let network = kind.network(precision).unwrap();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let logits = |batch: Vec<f32>| drop(network.logits(batch).unwrap());
                let answers = |batch: Vec<f32>| drop(network.answers(batch).unwrap());
                // Batches of one to five images fall into groups of several sizes.
                for images in (1..=5).chain(1..=5) {
                    logits(vec![0.5; images * SIDE * SIDE]);
                    answers(vec![0.5; images * SIDE * SIDE]);
                }
                for images in [1, 2, 5] {
                    let of = format!("{kind:?}, {precision}, {images} images, {threads} threads");
                    assert_eq!(allocated(images, logits), Some((1, 0)), "logits of {of}");
                    // The list, and of each image the logits, the features and what members say, if there are any.
                    let each = if kind.members > 1 { 3 } else { 2 };
                    let all = 1 + each * images as u64;
                    assert_eq!(
                        allocated(images, answers),
                        Some((all, 0)),
                        "answers of {of}"
                    );
                }
            });
        }
    }
}
