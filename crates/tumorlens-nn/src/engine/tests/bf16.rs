//! The engine on 16 bits against itself in single precision.

use super::*;

/// Length of the difference over the length of `exact`.
fn apart(ours: &[f32], exact: &[f32]) -> f64 {
    assert_eq!(ours.len(), exact.len());
    let length = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    };
    let difference = length(&mut ours.iter().zip(exact).map(|(a, b)| a - b));
    difference / length(&mut exact.iter().copied()).max(1e-3)
}

struct Step {
    logits: Vec<f32>,
    evidence: Vec<f32>,
    gradients: Gradients,
}

fn step<P: Storage>(graph: &Graph, mode: Mode) -> Step {
    let weights = weights(graph);
    let input = numbers(4 * graph.input.iter().product::<usize>(), 7);
    let mut engine: Engine<P> = Engine::new(graph, &weights).unwrap();
    let output = engine.forward(&weights, &input, mode);
    let by_logits = numbers(output.logits.len(), 900);
    let by_evidence = output.evidence.as_ref().map(|map| numbers(map.len(), 55));
    let learns = vec![true; weights.parameters.len()];
    let gradients = if mode == Mode::Inference {
        Vec::new()
    } else {
        engine.backward(&weights, &by_logits, by_evidence.as_deref(), &learns)
    };
    Step {
        logits: output.logits,
        evidence: output.evidence.unwrap_or_default(),
        gradients,
    }
}

/// All gradients one behind the other.
fn joined(gradients: Gradients) -> Vec<f32> {
    gradients.into_iter().flatten().flatten().collect()
}

/// Every operation that a graph may have is in one of these.
#[test]
fn every_architecture_gives_on_16_bits_nearly_what_it_gives_in_single_precision() {
    let depthwise = [
        ("convnext-like", evidence(8), [3, 64, 64]),
        ("efficientnet-like", evidence(4), [1, 64, 48]),
    ];
    for (architecture, head, input) in architectures().into_iter().chain(depthwise) {
        let graph = graph(architecture, head, Activation::Silu, input);
        for (mode, name) in [
            (Mode::Inference, "judging"),
            (Mode::Training(Seed(5)), "training"),
        ] {
            let (ours, exact) = (step::<Bf16x32>(&graph, mode), step::<Lane>(&graph, mode));
            let what = format!("{architecture} {head:?}, {name}");
            let logits = apart(&ours.logits, &exact.logits);
            let map = apart(&ours.evidence, &exact.evidence);
            let back = apart(&joined(ours.gradients), &joined(exact.gradients));
            assert!(logits < 0.06, "{what}: logits {logits}");
            assert!(map < 0.04, "{what}: map {map}");
            // Of pixels of a window that are nearly equal, another one may be the largest and take all of the derivative; and
            // few values are normalised together here, so that most of a derivative is taken off again.
            assert!(back < 0.25, "{what}: gradients {back}");
        }
    }
}
