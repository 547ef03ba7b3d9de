//! What judging asks the system for, once it has run.

use burn::tensor::Device;
use std::sync::Arc;
use tumorlens_core::Seed;
use tumorlens_nn::graph::ensemble::ensemble;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::network::Network;
use tumorlens_nn::weights::Weights;

const SIDE: usize = 64;

/// Networks that judge, each with its name: one for every kind of step, and an ensemble, whose members threads take one
/// each.
fn networks() -> Vec<(String, Network)> {
    let evidence = Head::Evidence {
        stride: 4,
        top: 0.02,
        sharpness: None,
        channels: 16,
    };
    let soft = Head::Evidence {
        stride: 4,
        top: 0.02,
        sharpness: Some(1.0),
        channels: 16,
    };
    let mut networks = Vec::new();
    for (name, head, members) in [
        ("cnn", Head::Gap, 1),
        ("cnn", Head::Flatten, 1),
        ("resnet18", Head::Gap, 1),
        ("resnet18", evidence, 1),
        ("resnet18", soft, 1),
        ("resnet18", evidence, 3),
        ("convnext-like", Head::Gap, 1),
        ("efficientnet-like", Head::Gap, 1),
    ] {
        let mut config = ModelConfig::new(name.parse().unwrap());
        (config.head, config.base_width) = (head, (name != "cnn").then_some(16));
        let mut graph = config.graph([1, SIDE, SIDE], 1).unwrap();
        let mut weights = Weights::initial(&graph, Seed(1));
        if members > 1 {
            let all: Vec<_> = (0..members)
                .map(|seed| Weights::initial(&graph, Seed(seed)))
                .collect();
            (graph, weights) = ensemble(&graph, &all).unwrap();
        }
        let network = Network::judging(graph, Arc::new(weights), &Device::flex()).unwrap();
        networks.push((format!("{members} {name} {head:?}"), network));
    }
    networks
}

/// Everything was planned before, whatever number of images came between. Allocations are counted on the thread that calls,
/// which lists and shares out all work; of several calls the least counts, as the queues of a pool of threads grow at
/// times.
#[test]
fn judging_again_allocates_nothing_but_the_answer() {
    for (name, network) in networks() {
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
                    let of = format!("{name}, {images} images, {threads} threads");
                    assert_eq!(least, Some((1, -1)), "{of}: allocated, and kept");
                }
            });
        }
    }
}
