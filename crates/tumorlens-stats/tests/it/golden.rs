//! Against scikit-learn, SciPy and literal O(n^2) formulas; see reference/stats/make_golden.py for versions and seed.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tumorlens_core::{ClassIndex, ClassSet, Measured, Probability, Seed};
use tumorlens_stats::calibration::{Bins, Reliability, fit_temperature, fit_temperature_softmax};
use tumorlens_stats::comparison::McNemar;
use tumorlens_stats::confusion::{Confusion, ConfusionMatrix};
use tumorlens_stats::delong::{delong, newcombe, paired_delong};
use tumorlens_stats::evaluation::{EvaluationSettings, Scored, calls_at, evaluate};
use tumorlens_stats::faithfulness::{chance, rank_correlation};
use tumorlens_stats::groups::Groups;
use tumorlens_stats::intervals::wilson;
use tumorlens_stats::metric::{Figures, Metric};
use tumorlens_stats::operating_point::Rule;
use tumorlens_stats::precision_recall::PrecisionRecall;
use tumorlens_stats::roc::Roc;

fn golden<T: DeserializeOwned>(key: &str) -> T {
    let text = include_str!("../../../../reference/stats/golden.json");
    let mut all: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    serde_json::from_value(all.remove(key).unwrap()).unwrap()
}

/// Sums of a few hundred terms in another order differ by a few units in the last place.
const ROUNDING: f64 = 1e-12;

#[track_caller]
fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: found {found}, expected {expected}"
    );
}

#[track_caller]
fn all_near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        near(what, *f, *e, ROUNDING);
    }
}

/// Images that are groups of their own, with their probabilities by class.
fn scored(labels: &[usize], probabilities: &[Vec<f64>]) -> Vec<Scored> {
    let image = |(i, (label, p)): (usize, (&usize, &Vec<f64>))| Scored {
        path: format!("{i}.png"),
        group: i.to_string(),
        source: "golden".to_owned(),
        label: ClassIndex(*label),
        probabilities: p.iter().map(|p| Probability::new(*p).unwrap()).collect(),
        tags: BTreeMap::new(),
        doubt: None,
    };
    labels
        .iter()
        .zip(probabilities)
        .enumerate()
        .map(image)
        .collect()
}

fn settings() -> EvaluationSettings {
    let mut settings = EvaluationSettings::seeded(Seed(1));
    settings.resampling.replicates = 50;
    settings
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    truth: Vec<u8>,
    scores: Vec<f64>,
    confusion: Confusion,
    figures: BTreeMap<Metric, f64>,
    partial_auroc: BTreeMap<String, f64>,
    roc: Curve,
    precision_recall: PrCurve,
    reliability: Diagram,
}

#[derive(Deserialize)]
struct Curve {
    fpr: Vec<f64>,
    tpr: Vec<f64>,
}

#[derive(Deserialize)]
struct PrCurve {
    precision: Vec<f64>,
    recall: Vec<f64>,
}

#[derive(Deserialize)]
struct Diagram {
    observed: Vec<f64>,
    mean_probability: Vec<f64>,
}

impl Binary {
    fn labels(&self) -> Vec<bool> {
        self.truth.iter().map(|t| *t == 1).collect()
    }
}

#[test]
fn every_figure_of_an_evaluation_is_that_of_scikit_learn() {
    for case in golden::<Vec<Binary>>("binary") {
        let labels: Vec<usize> = case.truth.iter().map(|t| usize::from(*t)).collect();
        let probabilities: Vec<Vec<f64>> = case.scores.iter().map(|p| vec![1.0 - p, *p]).collect();
        let images = scored(&labels, &probabilities);
        let half = Rule::Fixed(Probability::new(0.5).unwrap())
            .choose(&case.labels(), &case.scores)
            .unwrap();
        let evaluation = evaluate(&ClassSet::tumor(), &images, &[half], &settings()).unwrap();
        assert_eq!(
            evaluation.assessment.points[0].confusion, case.confusion,
            "{}",
            case.name
        );
        let found = evaluation.key_figures("0.5");
        assert_eq!(found.len(), case.figures.len());
        for (metric, expected) in case.figures {
            let value = found[&metric].get().unwrap();
            near(
                &format!("{} {}", case.name, metric.label()),
                value,
                expected,
                ROUNDING,
            );
        }
    }
}

#[test]
fn curves_are_those_of_scikit_learn() {
    for case in golden::<Vec<Binary>>("binary") {
        let labels = case.labels();
        let roc = Roc::new(&labels, &case.scores).unwrap();
        let of = |f: fn(&tumorlens_stats::roc::RocPoint) -> f64| {
            roc.points().iter().map(f).collect::<Vec<_>>()
        };
        all_near("fpr", &of(|p| p.false_positive_rate), &case.roc.fpr);
        all_near("tpr", &of(|p| p.true_positive_rate), &case.roc.tpr);
        for (limit, expected) in &case.partial_auroc {
            let area = roc.partial_area(limit.parse().unwrap()).unwrap();
            near("partial area", area, *expected, ROUNDING);
            near(
                "partial area of the corners",
                roc.corners().partial_area(limit.parse().unwrap()).unwrap(),
                area,
                ROUNDING,
            );
        }
        let pr = PrecisionRecall::new(&labels, &case.scores).unwrap();
        // scikit-learn leaves out the points after full recall.
        let kept = case.precision_recall.recall.len().min(pr.points().len());
        let recall: Vec<f64> = pr.points().iter().take(kept).map(|p| p.recall).collect();
        let precision: Vec<f64> = pr.points().iter().take(kept).map(|p| p.precision).collect();
        all_near("recall", &recall, &case.precision_recall.recall);
        all_near("precision", &precision, &case.precision_recall.precision);
    }
}

#[test]
fn reliability_diagrams_are_those_of_scikit_learn() {
    for case in golden::<Vec<Binary>>("binary") {
        let diagram =
            Reliability::new(&case.labels(), &case.scores, &Bins::equal_width(10), 0.95).unwrap();
        let full = diagram.bins.iter().filter(|b| b.images > 0);
        let (observed, mean): (Vec<f64>, Vec<f64>) = full
            .map(|b| (b.observed.get().unwrap(), b.mean_probability.get().unwrap()))
            .unzip();
        all_near("observed", &observed, &case.reliability.observed);
        all_near(
            "mean probability",
            &mean,
            &case.reliability.mean_probability,
        );
    }
}

#[derive(Deserialize)]
struct Multi {
    classes: usize,
    truth: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    confusion: ConfusionMatrix,
    overall: BTreeMap<Metric, f64>,
    class_mean: BTreeMap<Metric, f64>,
}

#[test]
fn several_classes_give_the_figures_of_scikit_learn() {
    for case in golden::<Vec<Multi>>("multiclass") {
        let names: Vec<String> = (0..case.classes).map(|c| format!("class {c}")).collect();
        let classes = ClassSet::new(names, "class 0").unwrap();
        let images = scored(&case.truth, &case.probabilities);
        let found = evaluate(&classes, &images, &[], &settings())
            .unwrap()
            .multiclass
            .unwrap();
        assert_eq!(found.confusion, case.confusion);
        let check = |figures: &Figures, expected: &BTreeMap<Metric, f64>| {
            for (metric, expected) in expected {
                near(
                    metric.label(),
                    figures[metric].get().unwrap(),
                    *expected,
                    ROUNDING,
                );
            }
        };
        check(&found.overall, &case.overall);
        check(&found.class_mean, &case.class_mean);
    }
}

#[derive(Deserialize)]
struct DeLongCase {
    truth: Vec<bool>,
    first: Vec<f64>,
    second: Vec<f64>,
    #[serde(default)]
    group: Vec<usize>,
    #[serde(default)]
    auroc: Vec<f64>,
    variance: [f64; 2],
    covariance: f64,
    p_value: Option<f64>,
    #[serde(default)]
    interval_of_first: Vec<f64>,
}

#[test]
fn delongs_variance_is_that_of_all_pairs() {
    for case in golden::<Vec<DeLongCase>>("delong") {
        let groups = Groups::singletons(case.truth.len());
        let paired = paired_delong(&case.truth, &case.first, &case.second, &groups).unwrap();
        near("first area", paired.first.auroc, case.auroc[0], ROUNDING);
        near("second area", paired.second.auroc, case.auroc[1], ROUNDING);
        near(
            "first variance",
            paired.first.variance,
            case.variance[0],
            ROUNDING,
        );
        near(
            "second variance",
            paired.second.variance,
            case.variance[1],
            ROUNDING,
        );
        near("covariance", paired.covariance, case.covariance, ROUNDING);
        near(
            "p value",
            paired.p_value().unwrap(),
            case.p_value.unwrap(),
            1e-10,
        );
        let interval = paired.first.interval(0.95).unwrap();
        near("low", interval.low, case.interval_of_first[0], ROUNDING);
        near("high", interval.high, case.interval_of_first[1], ROUNDING);
    }
}

#[test]
fn variance_over_groups_is_obuchowskis() {
    for case in golden::<Vec<DeLongCase>>("clustered_delong") {
        let groups = Groups::new(&case.group);
        let paired = paired_delong(&case.truth, &case.first, &case.second, &groups).unwrap();
        near(
            "first variance",
            paired.first.variance,
            case.variance[0],
            ROUNDING,
        );
        near(
            "second variance",
            paired.second.variance,
            case.variance[1],
            ROUNDING,
        );
        near("covariance", paired.covariance, case.covariance, ROUNDING);
        assert_eq!(
            paired.first,
            delong(&case.truth, &case.first, &groups).unwrap()
        );
    }
}

#[derive(Deserialize)]
struct NewcombeCase {
    auroc: f64,
    positives: u64,
    negatives: u64,
    low: f64,
    high: f64,
}

#[test]
fn newcombes_interval_is_the_root_that_scipy_finds() {
    for case in golden::<Vec<NewcombeCase>>("newcombe") {
        let interval = newcombe(case.auroc, case.positives, case.negatives, 0.95).unwrap();
        near("low", interval.low, case.low, 1e-10);
        near("high", interval.high, case.high, 1e-10);
    }
}

#[derive(Deserialize)]
struct WilsonCase {
    successes: u64,
    n: u64,
    level: f64,
    low: f64,
    high: f64,
}

#[test]
fn wilsons_interval_is_scipys() {
    for case in golden::<Vec<WilsonCase>>("wilson") {
        let interval = wilson(case.successes, case.n, case.level).unwrap();
        near("low", interval.low, case.low, ROUNDING);
        near("high", interval.high, case.high, ROUNDING);
    }
}

#[derive(Deserialize)]
struct McNemarCase {
    b: u64,
    c: u64,
    exact: f64,
    mid_p: f64,
}

#[test]
fn mcnemars_test_is_scipys_binomial_test() {
    for case in golden::<Vec<McNemarCase>>("mcnemar") {
        let test = McNemar::of(case.b, case.c);
        near("exact", test.exact_p.get().unwrap(), case.exact, 1e-10);
        near("mid-p", test.mid_p.get().unwrap(), case.mid_p, 1e-10);
    }
}

#[derive(Deserialize)]
struct TemperatureCase {
    truth: Vec<usize>,
    logits: Vec<Vec<f64>>,
    temperature: f64,
    log_loss_before: f64,
    log_loss_after: f64,
}

#[test]
fn temperatures_are_those_that_scipy_finds() {
    let check = |fit: tumorlens_stats::calibration::TemperatureFit, case: &TemperatureCase| {
        // Near its minimum the loss is flat: SciPy, without derivatives, knows T to about the root of the rounding.
        near(
            "temperature",
            fit.temperature.get() / case.temperature,
            1.0,
            1e-6,
        );
        near(
            "loss before",
            fit.log_loss_before,
            case.log_loss_before,
            ROUNDING,
        );
        near(
            "loss after",
            fit.log_loss_after,
            case.log_loss_after,
            ROUNDING,
        );
    };
    for case in golden::<Vec<TemperatureCase>>("temperature_softmax") {
        check(
            fit_temperature_softmax(&case.truth, &case.logits).unwrap(),
            &case,
        );
    }
    for case in golden::<Vec<TemperatureCase>>("temperature_binary") {
        let truth: Vec<bool> = case.truth.iter().map(|t| *t == 1).collect();
        let leads: Vec<f64> = case.logits.iter().map(|z| z[1] - z[0]).collect();
        check(fit_temperature(&truth, &leads).unwrap(), &case);
    }
}

#[derive(Deserialize)]
struct RandomIou {
    area: usize,
    pixels: usize,
    shown: usize,
    iou: f64,
}

#[test]
fn the_iou_of_a_random_region_is_its_hypergeometric_mean() {
    for case in golden::<Vec<RandomIou>>("random_iou") {
        let found = chance(case.area, case.pixels, case.shown)
            .iou
            .get()
            .unwrap();
        // Logarithms of factorials near 1e5 keep eleven digits.
        near("iou", found, case.iou, 1e-9);
    }
}

#[derive(Deserialize)]
struct Ranks {
    first: Vec<f32>,
    second: Vec<f32>,
    rho: f64,
}

#[test]
fn rank_correlation_is_scipys() {
    let case = golden::<Ranks>("rank_correlation");
    near(
        "rho",
        rank_correlation(&case.first, &case.second).unwrap(),
        case.rho,
        ROUNDING,
    );
}

#[test]
fn an_undefined_figure_is_written_with_its_reason() {
    let images = scored(&[1, 1], &[vec![0.2, 0.8], vec![0.6, 0.4]]);
    let evaluation = evaluate(&ClassSet::tumor(), &images, &[], &settings()).unwrap();
    assert_eq!(
        evaluation.assessment.scores[&Metric::Auroc],
        Measured::undefined("no negative image")
    );
    assert!(evaluation.roc.is_none());
    assert_eq!(
        calls_at(&ClassSet::tumor(), &images, Probability::new(0.5).unwrap()),
        [true, false]
    );
}
