use super::*;
use crate::graph::{ConvShape, Graph, GraphBuilder, NodeId, Op};
use crate::weights::Weights;
use burn::tensor::Device;
use tumorlens_core::Quiet;

const SIDE: usize = 16;

/// A dark image with a bright lesion of 3x4 pixels, away from the middle.
struct Phantom {
    name: String,
    input: Vec<f32>,
    mask: Vec<bool>,
}

fn phantoms(count: usize) -> Vec<Phantom> {
    let phantom = |n: usize| {
        let (left, top) = ((n * 5) % 13, [0, 1, 12][n % 3]);
        let inside = |i: usize| {
            (left..left + 3).contains(&(i % SIDE)) && (top..top + 4).contains(&(i / SIDE))
        };
        let texture = |i: usize| ((i * 37 + n * 11) % 16) as f32 / 100.0;
        Phantom {
            name: format!("{n}.png"),
            input: (0..SIDE * SIDE)
                .map(|i| if inside(i) { 2.0 } else { 0.1 } + texture(i))
                .collect(),
            mask: (0..SIDE * SIDE).map(inside).collect(),
        }
    };
    (0..count).map(phantom).collect()
}

fn outlined(phantom: &Phantom) -> OutlinedImage<'_> {
    let Phantom { name, input, mask } = phantom;
    OutlinedImage {
        path: name,
        group: name,
        input,
        mask,
    }
}

fn table(
    network: &Network,
    phantoms: &[Phantom],
    methods: &[Method],
    options: &ScoreOptions,
) -> Scores {
    let images: Vec<_> = phantoms.iter().map(outlined).collect();
    let classes = ClassSet::tumor();
    scores(
        network,
        &classes,
        classes.positive(),
        &images,
        methods,
        options,
        &Quiet,
    )
    .unwrap()
}

fn quick() -> ScoreOptions {
    ScoreOptions {
        replicates: 100,
        ..ScoreOptions::default()
    }
}

fn network(graph: Graph, set: impl Fn(&mut Weights)) -> Network {
    let mut weights = Weights::initial(&graph, Seed(1));
    set(&mut weights);
    Network::new(graph, &weights, &Device::flex(), None).unwrap()
}

/// Evidence is brightness above 1: whatever the weights, the map is the image, only scaled and shifted.
fn brightness() -> Network {
    let mut g = GraphBuilder::new([1, SIDE, SIDE]);
    let map = g.conv(
        "head.map",
        g.input(),
        ConvShape {
            channels: [1, 1],
            kernel: 1,
            stride: 1,
            bias: true,
        },
    );
    let score = g.push("head.pool", Op::EvidencePool { top: 0.05 }, &[map]);
    let input = g.input();
    network(g.finish(score, Some(map), input), |weights| {
        weights.parameters[0].values = vec![1.0].into();
        weights.parameters[1].values = vec![-1.0].into();
    })
}

/// score = sum over the pixels of weight times brightness.
fn linear(weight: impl Fn(usize) -> f32) -> Network {
    let mut g = GraphBuilder::new([1, SIDE, SIDE]);
    let flat = g.push("flatten", Op::Flatten, &[g.input()]);
    let fc = g.push(
        "fc",
        Op::Linear {
            inputs: SIDE * SIDE,
            outputs: 1,
        },
        &[flat],
    );
    network(g.finish(fc, None, NodeId(0)), |weights| {
        weights.parameters[0].values = (0..SIDE * SIDE).map(&weight).collect();
    })
}

fn scattered(i: usize) -> f32 {
    ((i * 7919 + 31) % 1009) as f32 / 504.5 - 1.0
}

#[test]
fn a_map_that_shows_the_lesion_is_perfect_and_beats_what_knows_nothing() {
    let found = table(&brightness(), &phantoms(30), &[Method::Evidence], &quick());
    let [evidence, random, centre] = &found.rows[..] else {
        panic!("{} rows", found.rows.len())
    };
    assert_eq!((found.images, found.curve_images), (30, 30));
    assert_eq!(
        (evidence.pointing_game.get(), evidence.iou.get()),
        (Some(1.0), Some(1.0)),
        "{:?} {:?}",
        evidence.energy_inside,
        evidence.cut
    );
    // The filter that brings the map to the image's edges smooths a little across them.
    assert!(evidence.energy_inside.get().unwrap() > 0.95);
    assert!(
        matches!(evidence.cut, Some(Cut::Line(line)) if (0.5..1.2).contains(&line.threshold)),
        "{:?}",
        evidence.cut
    );
    assert_eq!(
        (evidence.layer.as_str(), evidence.reference),
        ("head.map", false)
    );
    assert_eq!(
        (random.method.as_str(), centre.method.as_str()),
        ("random", "centre_prior")
    );
    // The lesion fills 12 of 256 pixels.
    assert!((random.energy_inside.get().unwrap() - 12.0 / 256.0).abs() < 0.01);
    assert!(random.pointing_game.get().unwrap() < 0.25);
    assert_eq!(centre.pointing_game.get(), Some(0.0));
    let lesions: usize = evidence.by_lesion_size.iter().map(|row| row.images).sum();
    assert_eq!(lesions, 30);
    let large = evidence.by_lesion_size.last().unwrap();
    assert_eq!(
        (large.chance.energy.get(), large.centre.pointing.get()),
        (Some(12.0 / 256.0), Some(0.0))
    );
    assert!(
        evidence.deletion.get() < random.deletion.get()
            && evidence.insertion.get() > random.insertion.get()
    );
    assert!(random.deletion.interval().is_some());
}

#[test]
fn the_probability_falls_and_rises_steadily_along_the_exact_map_of_a_linear_model() {
    // The lesion alone counts, and blurring makes each of its pixels darker.
    let phantoms = &phantoms(1);
    let network = linear(|i| if phantoms[0].mask[i] { 0.3 } else { 0.0 });
    let found = table(&network, phantoms, &[Method::IntegratedGradients], &quick());
    let row = &found.rows[0];
    let deletion = row.deletion_curve.as_ref().unwrap().scores();
    let insertion = row.insertion_curve.as_ref().unwrap().scores();
    assert!(deletion.is_sorted_by(|a, b| a >= b), "{deletion:?}");
    assert!(insertion.is_sorted(), "{insertion:?}");
    // All 12 pixels of the lesion lie in the first two of 24 steps; nothing happens afterwards.
    assert!((deletion[0] - insertion[24]).abs() < 1e-6 && deletion[0] > 0.99);
    assert!((deletion[2] - 0.5).abs() < 1e-6 && (deletion[24] - 0.5).abs() < 1e-6);
    assert!((insertion[2] - insertion[24]).abs() < 1e-6);
    assert!(
        (row.deletion.get().unwrap() - row.deletion_curve.as_ref().unwrap().area()).abs() < 1e-12
    );
}

#[test]
fn a_map_that_is_the_image_fails_the_sanity_check() {
    let found = table(&brightness(), &phantoms(4), &[Method::Evidence], &quick());
    let Sanity::Fail { similarity } = found.rows[0].sanity else {
        panic!("{:?}", found.rows[0].sanity)
    };
    assert!(similarity > 0.999, "{similarity}");
    assert!(matches!(found.rows[1].sanity, Sanity::NotRun { .. }));
}

#[test]
fn a_map_that_is_the_weights_passes_the_sanity_check() {
    let found = table(
        &linear(scattered),
        &phantoms(4),
        &[Method::SmoothGrad, Method::Occlusion],
        &quick(),
    );
    for row in &found.rows[..2] {
        assert!(
            matches!(row.sanity, Sanity::Pass { similarity } if similarity < 0.3),
            "{:?}",
            row.sanity
        );
    }
}

#[test]
fn what_was_not_run_or_has_no_image_says_so() {
    let options = ScoreOptions {
        sanity_images: 0,
        curve_images: 0,
        ..quick()
    };
    let row = &table(&brightness(), &phantoms(3), &[Method::Evidence], &options).rows[0];
    assert!(matches!(&row.sanity, Sanity::NotRun { reason } if reason.contains("no image")));
    assert_eq!(
        (row.deletion.get(), row.deletion_curve.as_ref()),
        (None, None)
    );
    // An image without outline is no image here.
    let mut healthy = phantoms(2);
    healthy.iter_mut().for_each(|p| p.mask.fill(false));
    let found = table(&brightness(), &healthy, &[Method::Evidence], &quick());
    assert_eq!(found.images, 0);
    assert!(
        found
            .rows
            .iter()
            .all(|row| row.pointing_game.get().is_none() && row.cut.is_none())
    );
}

#[test]
fn a_map_that_points_nowhere_is_counted() {
    let found = table(
        &linear(|_| -1.0),
        &phantoms(3),
        &[Method::HiresCam],
        &quick(),
    );
    let row = &found.rows[0];
    assert_eq!(
        (row.pointing_nowhere, row.pointing_game.get(), row.cut),
        (3, None, None)
    );
}

#[test]
fn the_table_does_not_depend_on_the_number_of_threads_and_survives_being_written_down() {
    let methods = [Method::Evidence, Method::ScoreCam, Method::SmoothGrad];
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| table(&brightness(), &phantoms(5), &methods, &quick()))
    };
    let found = on(1);
    assert_eq!(found, on(2));
    let read: Scores = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    // JSON numbers may come back with another last digit.
    let near = |a: &Measured, b: &Measured| (a.get().unwrap() - b.get().unwrap()).abs() < 1e-12;
    for (row, read) in found.rows.iter().zip(&read.rows) {
        assert!(near(&row.iou, &read.iou) && near(&row.deletion, &read.deletion));
        assert_eq!(
            (&row.method, row.reference, row.by_lesion_size.len()),
            (&read.method, read.reference, 3)
        );
        assert_eq!(
            std::mem::discriminant(&row.sanity),
            std::mem::discriminant(&read.sanity)
        );
    }
}

#[test]
fn an_outline_of_another_size_is_refused() {
    let mut phantoms = phantoms(1);
    phantoms[0].mask.push(false);
    let image = outlined(&phantoms[0]);
    let classes = ClassSet::tumor();
    let found = scores(
        &brightness(),
        &classes,
        classes.positive(),
        &[image],
        &[Method::Evidence],
        &quick(),
        &Quiet,
    );
    assert!(
        found
            .unwrap_err()
            .to_string()
            .contains("257 outline values")
    );
}
