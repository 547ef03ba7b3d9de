//! Logits of a source: in order, whatever the batches.

use crate::scene::{SIDE, Squares, cnn};
use tumorlens_core::{
    ClassIndex, Quiet, Sample, SampleError, SampleInfo, SampleSource, Seed, View,
};
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::evaluate::{EvaluateError, Flips, Reading, predict_logits};
use tumorlens_nn::network::Network;
use tumorlens_nn::weights::Weights;

fn network() -> Network {
    let graph = cnn();
    let mut weights = Weights::initial(&graph, Seed(4));
    // The first dense weights are tiny; larger ones make differences visible.
    weights
        .parameters
        .iter_mut()
        .filter(|p| p.name == "fc.weight")
        .flat_map(|p| &mut *p.values)
        .for_each(|w| *w *= 100.0);
    Network::new(graph, &weights, &DeviceChoice::Cpu.open().unwrap(), None).unwrap()
}

/// Another source, seen in a mirror.
struct Mirror(Squares);

impl SampleSource for Mirror {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn info(&self, index: usize) -> &SampleInfo {
        self.0.info(index)
    }

    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }

    fn load(&self, index: usize, view: View) -> Result<Sample, SampleError> {
        let mut sample = self.0.load(index, view)?;
        sample
            .input
            .chunks_exact_mut(SIDE)
            .for_each(<[f32]>::reverse);
        Ok(sample)
    }
}

fn logits(source: &dyn SampleSource, batch_size: usize, flips: Flips) -> Vec<f32> {
    let scored = predict_logits(
        &network(),
        source,
        Reading {
            batch_size,
            flips,
            ..Reading::default()
        },
        &Quiet,
    )
    .unwrap();
    for (index, scored) in scored.iter().enumerate() {
        assert_eq!((scored.index, scored.label), (index, ClassIndex(index % 2)));
    }
    scored.iter().map(|s| s.logits[0]).collect()
}

#[test]
fn an_image_gets_the_same_logit_in_whatever_batch_it_is() {
    let source = Squares::new(0, 11);
    let one_by_one = logits(&source, 1, Flips::None);
    assert_eq!(one_by_one.len(), 11);
    for batch_size in [2, 4, 100] {
        for (a, b) in one_by_one
            .iter()
            .zip(logits(&source, batch_size, Flips::None))
        {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

#[test]
fn asking_the_mirrored_copy_too_gives_the_mean_of_both() {
    let plain = logits(&Squares::new(0, 6), 4, Flips::None);
    let mirrored = logits(&Mirror(Squares::new(0, 6)), 4, Flips::None);
    let both = logits(&Squares::new(0, 6), 4, Flips::LeftRight);
    assert!(
        plain
            .iter()
            .zip(&mirrored)
            .any(|(a, b)| (a - b).abs() > 1e-3)
    );
    for ((a, b), mean) in plain.iter().zip(&mirrored).zip(both) {
        assert!(((a + b) / 2.0 - mean).abs() < 1e-5, "{a} {b} {mean}");
    }
}

#[test]
fn images_of_another_shape_are_refused() {
    struct Flat(Squares);
    impl SampleSource for Flat {
        fn len(&self) -> usize {
            1
        }
        fn info(&self, index: usize) -> &SampleInfo {
            self.0.info(index)
        }
        fn shape(&self) -> [usize; 3] {
            [3, SIDE, SIDE]
        }
        fn load(&self, index: usize, view: View) -> Result<Sample, SampleError> {
            self.0.load(index, view)
        }
    }
    let error = predict_logits(
        &network(),
        &Flat(Squares::new(0, 1)),
        Reading::default(),
        &Quiet,
    )
    .unwrap_err();
    assert!(matches!(error, EvaluateError::Shape { .. }), "{error}");
}
