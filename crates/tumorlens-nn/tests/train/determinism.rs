//! The same seed gives the same bytes.

use crate::scene::{Scene, busy_config, cnn, evidence_cnn, files};
use tumorlens_core::Seed;
use tumorlens_nn::graph::Graph;

fn run(graph: Graph, threads: usize, seed: u64) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut config = busy_config();
    config.seed = Seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| Scene::new(graph, config).finish(folder.path()));
    files(folder.path())
}

#[test]
fn one_thread_two_threads_and_five_write_the_same_bytes() {
    for graph in [cnn, evidence_cnn] {
        let one = run(graph(), 1, 7);
        for threads in [2, 5] {
            for (name, bytes) in run(graph(), threads, 7) {
                assert!(one[&name] == bytes, "{name} differs with {threads} threads");
            }
        }
    }
}

#[test]
fn another_seed_writes_other_bytes() {
    let (a, b) = (run(cnn(), 2, 7), run(cnn(), 2, 8));
    for name in ["metrics.jsonl", "checkpoints/best"] {
        assert_ne!(a[name], b[name], "{name}");
    }
}
