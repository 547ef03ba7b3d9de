//! Made-up numbers that look like those of a run.

use crate::heads::noise;
use tumorlens_core::measured::IntervalMethod;
use tumorlens_core::{ClassSet, Interval, Measured};
use tumorlens_report::report::evaluation::{
    ClassCounts, Confusion, Evaluation, Mark, OperatingPoint, PrecisionRecallCurve, Reliability,
    ReliabilityBin, RocCurve, ScoreHistogram, Subgroup, Subgroups,
};
use tumorlens_report::report::explanation::{
    Faithfulness, LesionSizeScore, MethodScore, MethodScores, NamedCurve, Sanity, Texture,
    TextureFeature,
};
use tumorlens_report::report::summary::NamedMeasure;
use tumorlens_report::report::training::{Epoch, Training};
use tumorlens_report::{Fact, Section};

fn with(value: f64, low: f64, high: f64, method: IntervalMethod) -> Measured {
    Measured::with_interval(
        value,
        Interval {
            low,
            high,
            level: 0.95,
            method,
        },
    )
}

pub(crate) fn wilson(value: f64, low: f64, high: f64) -> Measured {
    with(value, low, high, IntervalMethod::Wilson)
}

pub(crate) fn auroc() -> Measured {
    with(0.951, 0.918, 0.977, IntervalMethod::DeLong)
}

pub(crate) fn accuracy() -> Measured {
    with(0.893, 0.839, 0.930, IntervalMethod::GroupBootstrap)
}

pub(crate) fn training() -> Training {
    let epochs = (1..=40u64).map(|epoch| {
        let (t, jitter) = (epoch as f64 / 40.0, f64::from(noise(epoch, 1, 1)));
        Epoch {
            epoch,
            train_loss: Some(0.16 + 0.55 * (-4.0 * t).exp() + 0.01 * jitter),
            validation_loss: Some(0.27 + 0.45 * (-5.0 * t).exp() + 0.03 * jitter + 0.04 * t),
            validation_auroc: Some(0.955 - 0.25 * (-6.0 * t).exp() + 0.008 * jitter),
            learning_rate: Some(1e-3 * (std::f64::consts::PI * t).sin().max(0.001)),
        }
    });
    Training {
        facts: vec![
            Fact::new("Model", "resnet18, 11,170,753 learned values"),
            Fact::new("Epochs", "40, best 31"),
            Fact::new("Duration", "14 min, 61 images/s"),
            Fact::new("Stopped", "after the last epoch"),
        ],
        epochs: epochs.collect(),
        chosen_epoch: Some(31),
    }
}

pub(crate) fn evaluation() -> Evaluation {
    let point = |name: &str, threshold, chosen, [a, b, c, d]: [f64; 4]| OperatingPoint {
        name: name.into(),
        threshold,
        chosen,
        sensitivity: wilson(a, a - 0.07, (a + 0.045).min(1.0)),
        specificity: wilson(b, b - 0.08, (b + 0.06).min(1.0)),
        ppv: wilson(c, c - 0.07, (c + 0.05).min(1.0)),
        npv: if d > 0.0 {
            wilson(d, d - 0.08, (d + 0.05).min(1.0))
        } else {
            Measured::undefined("no negative call")
        },
    };
    Evaluation {
        note: "On the test part, read once, after every choice was made on validation.".into(),
        metrics: metrics(),
        roc: vec![roc()].into(),
        precision_recall: vec![precision_recall()].into(),
        reliability: reliability().into(),
        histogram: histogram().into(),
        confusion: Confusion {
            classes: ClassSet::tumor(),
            counts: vec![vec![66, 10], vec![9, 92]],
            rule: "At threshold 0.430, the Youden point of the validation part.".into(),
        }
        .into(),
        classes: Section::LeftOut,
        operating_points: vec![
            point("threshold 0.5", 0.5, false, [0.881, 0.895, 0.918, 0.85]),
            point("Youden", 0.43, true, [0.911, 0.868, 0.902, 0.88]),
            point(
                "sensitivity at least 0.95",
                0.21,
                false,
                [0.960, 0.763, 0.843, 0.935],
            ),
            point("never negative", 0.0, false, [1.0, 0.08, 0.571, 0.0]),
        ]
        .into(),
        triage: Section::LeftOut,
        subgroups: vec![subgroups()].into(),
    }
}

fn metrics() -> Vec<NamedMeasure> {
    let bootstrap = |name: &str, value, low, high| {
        NamedMeasure::new(name, with(value, low, high, IntervalMethod::GroupBootstrap))
    };
    vec![
        NamedMeasure::new("auroc", auroc()),
        bootstrap("auprc", 0.962, 0.931, 0.984),
        NamedMeasure::new("accuracy", accuracy()),
        bootstrap("balanced_accuracy", 0.890, 0.837, 0.934),
        NamedMeasure::new("sensitivity", wilson(0.911, 0.839, 0.952)),
        NamedMeasure::new("specificity", wilson(0.868, 0.771, 0.929)),
        bootstrap("f1", 0.906, 0.858, 0.944),
        bootstrap("mcc", 0.781, 0.682, 0.868),
        bootstrap("brier", 0.081, 0.058, 0.107),
        bootstrap("log_loss", 0.278, 0.205, 0.362),
        bootstrap("ece", 0.041, 0.031, 0.092),
    ]
}

fn roc() -> RocCurve {
    let curve = |x: f64, power: f64| 1.0 - (1.0 - x).powf(power);
    let share = |i: u32| f64::from(i) / 76.0;
    let mut points = vec![(0.0, 0.0)];
    for i in 0..76 {
        let sensitivity = (curve(share(i) + 0.013, 14.0) * 101.0).round() / 101.0;
        points.extend([(share(i), sensitivity), (share(i + 1), sensitivity)]);
    }
    points.push((1.0, 1.0));
    RocCurve {
        name: "AUROC".into(),
        points,
        band: (0..=40)
            .map(|i| f64::from(i) / 40.0)
            .map(|x| (x, curve(x, 8.5), curve(x + 0.03, 22.0).min(1.0)))
            .map(|(x, l, h)| (x, l, h.max(l)))
            .collect(),
        auroc: auroc(),
        marks: vec![
            Mark {
                name: "Youden".into(),
                x: 0.132,
                y: 0.911,
            },
            Mark {
                name: "sensitivity at least 0.95".into(),
                x: 0.237,
                y: 0.960,
            },
        ],
    }
}

fn precision_recall() -> PrecisionRecallCurve {
    PrecisionRecallCurve {
        name: "AUPRC".into(),
        points: (0..=60)
            .map(|i| f64::from(i) / 60.0)
            .map(|r| {
                (
                    r,
                    1.0 - 0.43 * r.powi(18)
                        - 0.02 * r * (1.0 + f64::from(noise((r * 60.0) as u64, 1, 4))),
                )
            })
            .collect(),
        auprc: with(0.962, 0.931, 0.984, IntervalMethod::GroupBootstrap),
        prevalence: 0.571,
        marks: vec![Mark {
            name: "Youden".into(),
            x: 0.911,
            y: 0.902,
        }],
    }
}

fn reliability() -> Reliability {
    let counts = [48, 14, 8, 7, 5, 6, 9, 11, 18, 51];
    let bins = |pull: f64, widths: bool| {
        counts
            .iter()
            .enumerate()
            .map(|(i, count)| {
                let mean = 0.05 + 0.1 * i as f64;
                let observed =
                    (mean + pull * (0.5 - mean) + 0.04 * f64::from(noise(i as u64, 2, 9)))
                        .clamp(0.0, 1.0);
                let half = if widths {
                    0.9 / (*count as f64).sqrt() * 0.5
                } else {
                    0.0
                };
                let measured = if widths {
                    wilson(
                        observed,
                        (observed - half).max(0.0),
                        (observed + half).min(1.0),
                    )
                } else {
                    Measured::value(observed)
                };
                ReliabilityBin {
                    low: 0.1 * i as f64,
                    high: (0.1 * (i + 1) as f64).min(1.0),
                    count: *count,
                    mean_probability: Measured::value(mean),
                    observed: measured,
                }
            })
            .collect()
    };
    Reliability {
        bins: bins(0.0, true),
        before: bins(0.35, false),
        note: "Temperature 1.42, fitted on validation.".into(),
    }
}

fn histogram() -> ScoreHistogram {
    ScoreHistogram {
        edges: (0..=20).map(|i| f64::from(i) / 20.0).collect(),
        classes: vec![
            ClassCounts {
                name: "no_tumor".into(),
                counts: vec![24, 14, 8, 5, 4, 3, 4, 2, 2, 1, 1, 2, 1, 1, 0, 1, 1, 1, 0, 1],
            },
            ClassCounts {
                name: "tumor".into(),
                counts: vec![
                    1, 1, 1, 0, 2, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5, 7, 10, 17, 39,
                ],
            },
        ],
        threshold: Some(0.43),
    }
}

fn subgroups() -> Subgroups {
    let row = |factor: &str, level: &str, images, measured| Subgroup {
        factor: factor.into(),
        level: level.into(),
        images,
        measured,
    };
    Subgroups {
        metric: "auroc".into(),
        overall: NamedMeasure::new("all test images", auroc()),
        rows: vec![
            row(
                "plane",
                "axial",
                151,
                with(0.948, 0.911, 0.976, IntervalMethod::DeLong),
            ),
            row(
                "plane",
                "coronal",
                17,
                with(0.93, 0.79, 1.0, IntervalMethod::DeLong),
            ),
            row(
                "plane",
                "sagittal",
                9,
                Measured::undefined("no image without tumor"),
            ),
            row(
                "width",
                "below 256 px",
                83,
                with(0.921, 0.861, 0.968, IntervalMethod::DeLong),
            ),
            row(
                "width",
                "256 px and more",
                94,
                with(0.973, 0.942, 0.993, IntervalMethod::DeLong),
            ),
        ],
    }
}

pub(crate) fn scores() -> MethodScores {
    let some = |value: f64| Some(wilson(value, (value - 0.06).max(0.0), value + 0.06));
    let row = |method: &str,
               layer: &str,
               [pointing, energy, iou, deletion, insertion]: [f64; 5],
               sanity| MethodScore {
        method: method.into(),
        layer: layer.into(),
        reference: false,
        pointing_game: some(pointing),
        energy_inside: some(energy),
        iou: some(iou),
        deletion: some(deletion),
        insertion: some(insertion),
        sanity,
    };
    let reference = |method: &str, [pointing, energy, iou]: [f64; 3]| MethodScore {
        method: method.into(),
        reference: true,
        pointing_game: Some(Measured::value(pointing)),
        energy_inside: Some(Measured::value(energy)),
        iou: Some(Measured::value(iou)),
        ..MethodScore::default()
    };
    let passed = |similarity| Sanity::Passed {
        similarity: Measured::value(similarity),
    };
    MethodScores {
        images: 101,
        rows: vec![
            row(
                "grad_cam",
                "stage4",
                [0.71, 0.34, 0.41, 0.22, 0.81],
                passed(0.08),
            ),
            row(
                "layer_cam",
                "stage3",
                [0.76, 0.39, 0.44, 0.19, 0.83],
                passed(0.11),
            ),
            row(
                "integrated_gradients",
                "",
                [0.58, 0.21, 0.23, 0.16, 0.72],
                passed(0.21),
            ),
            row(
                "guided_backprop",
                "",
                [0.62, 0.27, 0.25, 0.21, 0.74],
                Sanity::Failed {
                    similarity: Measured::value(0.87),
                },
            ),
            reference("centre prior", [0.12, 0.08, 0.11]),
            reference("chance", [0.04, 0.04, 0.04]),
        ],
        by_lesion_size: [
            ("below 1 %", 22, 0.55, 0.02, 0.31),
            ("1 to 3 %", 48, 0.77, 0.09, 0.45),
            ("3 % and above", 31, 0.87, 0.24, 0.52),
        ]
        .map(|(lesions, images, pointing, centre, iou)| LesionSizeScore {
            lesions: lesions.into(),
            images,
            pointing_game: wilson(pointing, pointing - 0.12, (pointing + 0.1).min(1.0)),
            centre: Measured::value(centre),
            iou: Measured::value(iou),
        })
        .into(),
    }
}

pub(crate) fn faithfulness() -> Faithfulness {
    let curve = |name: &str, f: &dyn Fn(f64) -> f64| NamedCurve {
        name: name.into(),
        points: (0..=50)
            .map(|i| f64::from(i) / 50.0)
            .map(|x| (x, f(x)))
            .collect(),
    };
    let both = |fall: f64, rise: f64| {
        (
            move |x: f64| 0.05 + 0.9 * (-fall * x).exp(),
            move |x: f64| 0.95 - 0.85 * (-rise * x).exp(),
        )
    };
    let (grad_fall, grad_rise) = both(7.0, 8.0);
    let (ig_fall, ig_rise) = both(10.0, 5.0);
    let (random_fall, random_rise) = both(2.4, 2.0);
    Faithfulness {
        deletion: vec![
            curve("grad_cam", &grad_fall),
            curve("integrated_gradients", &ig_fall),
            curve("random order", &random_fall),
        ],
        insertion: vec![
            curve("grad_cam", &grad_rise),
            curve("integrated_gradients", &ig_rise),
            curve("random order", &random_rise),
        ],
    }
}

pub(crate) fn texture() -> Texture {
    let feature = |name: &str, importance: f64, slope: f64| TextureFeature {
        name: name.into(),
        importance,
        dependence: if slope == 0.0 {
            Vec::new()
        } else {
            (0..20)
                .map(|i| f64::from(i) / 19.0)
                .map(|x| (3.0 + 2.0 * x, 0.5 + slope * (6.0 * x - 3.0).tanh()))
                .collect()
        },
    };
    Texture {
        count: 50,
        auroc: with(0.842, 0.781, 0.889, IntervalMethod::DeLong),
        with_region: Some(with(0.921, 0.874, 0.953, IntervalMethod::DeLong)),
        network: auroc(),
        agreement: wilson(0.774, 0.707, 0.829),
        right_agreed: wilson(0.958, 0.911, 0.981),
        right_apart: wilson(0.762, 0.615, 0.865),
        features: vec![
            feature("co-occurrence joint entropy", 0.061, 0.22),
            feature("intensity 90th percentile, evidence region", 0.044, -0.15),
            feature("run length long runs emphasis", 0.018, 0.1),
            feature("pattern 4 of 8 brighter", 0.007, 0.0),
            feature("intensity kurtosis", 0.003, 0.0),
        ],
    }
}
