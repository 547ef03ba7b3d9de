//! What judging asks the system for, once it has run.

use burn::tensor::Device;
use std::sync::Arc;
use tumorlens_core::Seed;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::network::Network;
use tumorlens_nn::weights::Weights;

const SIDE: usize = 64;

/// Everything but lists of what is shared out among threads, and what is answered, was planned before.
#[test]
fn judging_again_allocates_no_buffers_whatever_came_between() {
    let evidence = Head::Evidence {
        stride: 4,
        top: 0.02,
        sharpness: None,
        channels: 16,
    };
    for (name, head) in [
        ("cnn", Head::Gap),
        ("resnet18", Head::Gap),
        ("resnet18", evidence),
        ("convnext-like", Head::Gap),
    ] {
        let mut config = ModelConfig::new(name.parse().unwrap());
        (config.head, config.base_width) = (head, (name != "cnn").then_some(16));
        let graph = config.graph([1, SIDE, SIDE], 1).unwrap();
        let values = graph.shapes().unwrap();
        let values: usize = values.iter().map(|s| s.iter().product::<usize>()).sum();
        let weights = Arc::new(Weights::initial(&graph, Seed(1)));
        let network = Network::judging(graph, weights, &Device::flex()).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap().install(|| {
            // Batches of one to five images fall into groups of several sizes.
            let judge = |images: usize| {
                let batch = vec![0.5; images * SIDE * SIDE];
                allocation_counter::measure(|| {
                    network.logits(batch).unwrap();
                })
            };
            (1..=5).chain(1..=5).for_each(|images| {
                judge(images);
            });
            for images in 1..=5 {
                let found = judge(images);
                // Values alone take more than ten times as much.
                let most = images * values * size_of::<f32>() / 10;
                let bytes = usize::try_from(found.bytes_total).unwrap();
                assert!(
                    bytes < most,
                    "{name} {head:?}, {images}: {found:?} of {most}"
                );
                // The batch itself is given away.
                assert!(found.count_current < 0, "{name}: something is kept");
            }
        });
    }
}
