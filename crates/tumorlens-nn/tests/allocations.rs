//! What judging asks the system for, once it has run.

use burn::tensor::Device;
use std::error::Error;
use std::sync::Arc;
use tumorlens_core::Seed;
use tumorlens_nn::graph::ensemble::ensemble;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::network::Network;
use tumorlens_nn::weights::Weights;

const SIDE: usize = 64;

/// A network that judges, or an ensemble of some.
fn network(name: &str, head: Head, members: u64) -> Result<Network, Box<dyn Error>> {
    let mut config = ModelConfig::new(name.parse()?);
    (config.head, config.base_width) = (head, (name != "cnn").then_some(16));
    let mut graph = config.graph([1, SIDE, SIDE], 1)?;
    let mut weights = Weights::initial(&graph, Seed(1));
    if members > 1 {
        let seeds = (0..members).map(|seed| Weights::initial(&graph, Seed(seed)));
        (graph, weights) = ensemble(&graph, &seeds.collect::<Vec<_>>())?;
    }
    Ok(Network::judging(graph, Arc::new(weights), &Device::flex())?)
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

/// Everything was planned before, whatever number of images came between. Allocations are counted on the thread that calls,
/// which lists and shares out all work; of several calls the least counts, as the queues of a pool of threads grow at
/// times.
#[test]
fn judging_again_allocates_nothing_but_the_answer() {
    // One for every kind of step, and an ensemble, whose members threads take one each.
    for (name, head, members) in [
        ("cnn", Head::Gap, 1),
        ("cnn", Head::Flatten, 1),
        ("resnet18", Head::Gap, 1),
        ("resnet18", evidence(None), 1),
        ("resnet18", evidence(Some(1.0)), 1),
        ("resnet18", evidence(None), 3),
        ("convnext-like", Head::Gap, 1),
        ("efficientnet-like", Head::Gap, 1),
    ] {
        let network = network(name, head, members).unwrap();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                // Batches of one to five images fall into groups of several sizes.
                let judge = |images: usize| {
                    let batch = vec![0.5; images * SIDE * SIDE];
                    let found = allocation_counter::measure(|| {
                        network.logits(batch).unwrap();
                    });
                    (found.count_total, found.count_current)
                };
                (1..=5).chain(1..=5).for_each(|images| {
                    judge(images);
                });
                for images in 1..=5 {
                    let least = (0..5).map(|_| judge(images)).min();
                    // The batch itself is given away, and the answer as well.
                    let of =
                        format!("{members} {name}, {head:?}, {images} images, {threads} threads");
                    assert_eq!(least, Some((1, -1)), "{of}: allocated, and kept");
                }
            });
        }
    }
}
