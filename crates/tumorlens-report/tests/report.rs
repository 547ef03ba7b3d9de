//! What the page as a whole promises: one file, nothing from outside, hostile texts harmless, the same bytes each time.

#![allow(
    clippy::unwrap_used,
    reason = "what a test builds for itself must succeed"
)]

use tumorlens_core::measured::IntervalMethod;
use tumorlens_core::{Attribution, ClassSet, GreyImage, Interval, Mask, Measured, Size};
use tumorlens_report::figure::contact_sheet::{ContactSheet, Tile};
use tumorlens_report::report::data::{Audit, DataPart, Finding, Severity, Split, SplitPart};
use tumorlens_report::report::evaluation::{Confusion, Evaluation, Mark, RocCurve};
use tumorlens_report::report::explanation::{
    Case, CaseGroup, Explanation, LesionSizeScore, MethodScore, MethodScores, Sanity,
};
use tumorlens_report::report::provenance::Provenance;
use tumorlens_report::report::summary::{Comparison, KeyFigure, NamedMeasure, TestPart};
use tumorlens_report::report::training::{Epoch, Training};
use tumorlens_report::{CasePicture, HeatRange, Report, Section, Theme, render};

const HOSTILE: &str =
    "a\"'><script>alert(1)</script><img src=http://example.org/x onerror=alert(2)>&\u{1b}[31m.png";

fn interval(value: f64) -> Measured {
    let ends = Interval {
        low: value - 0.05,
        high: value + 0.05,
        level: 0.95,
        method: IntervalMethod::DeLong,
    };
    Measured::with_interval(value, ends)
}

/// An image that PNG cannot make small: the finaliser of splitmix64 as noise.
fn noisy(side: usize, seed: u64) -> GreyImage {
    GreyImage::from_fn(
        Size {
            width: side,
            height: side,
        },
        |x, y| {
            let mut z =
                (x as u64 + 7919 * y as u64 + (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((z ^ (z >> 27)) >> 50) as f32
        },
    )
}

fn case(seed: u64, side: usize, path: &str) -> Case {
    let image = noisy(side, seed);
    let size = image.size();
    let (x0, y0) = (side as f32 * 0.4, side as f32 * 0.6);
    let values = GreyImage::from_fn(size, |x, y| {
        (-((x as f32 - x0).hypot(y as f32 - y0) / 40.0).powi(2)).exp()
    });
    let map = Attribution {
        size,
        values: values.into_values(),
        method: "grad_cam".into(),
        layer: "last".into(),
        target: "tumor".into(),
    };
    let mask = Mask::from_fn(size, |x, y| (x as f32 - x0).hypot(y as f32 - y0) < 30.0);
    let range = HeatRange {
        low: 0.0,
        high: 1.0,
    };
    Case {
        path: path.into(),
        truth: "tumor".into(),
        call: path.into(),
        right: Some(false),
        probability: Some(0.25),
        note: path.into(),
        picture: CasePicture::draw(&image, Some((&map, range)), Some(&mask)).unwrap(),
    }
}

fn audited(text: &str) -> DataPart {
    let finding = Finding {
        severity: Severity::Problem,
        title: text.into(),
        detail: text.into(),
        files: (0..30).map(|i| format!("{i} {text}")).collect(),
    };
    let part = SplitPart {
        name: text.into(),
        images: vec![3, 4],
        groups: 5,
    };
    let tile = Tile::of(&noisy(16, 1), text).unwrap();
    DataPart {
        audit: Audit {
            findings: vec![finding],
            ..Audit::default()
        }
        .into(),
        split: Split {
            classes: vec![text.into(), "b".into()],
            parts: vec![part],
            method: text.into(),
        }
        .into(),
        samples: vec![ContactSheet {
            title: text.into(),
            note: text.into(),
            tiles: vec![tile],
        }]
        .into(),
        ..DataPart::default()
    }
}

/// A report with something in every section, `text` wherever a text goes.
fn full(text: &str) -> Report {
    let mut report = Report {
        title: text.into(),
        subtitle: text.into(),
        ..Report::default()
    };
    report.summary.key_figures = vec![KeyFigure {
        name: text.into(),
        measured: interval(0.9),
    }];
    report.summary.test = Some(TestPart {
        images: 7,
        groups: 5,
    });
    report.summary.comparison = Some(Comparison {
        metric: "accuracy".into(),
        model: NamedMeasure::new(text, interval(0.9)),
        rules: vec![NamedMeasure::new(text, Measured::undefined(text))],
    });
    report.summary.limits = vec![text.into()];
    report.data = audited(text).into();
    let epoch = Epoch {
        epoch: 1,
        train_loss: Some(0.5),
        learning_rate: Some(1e-3),
        ..Epoch::default()
    };
    report.training = Training {
        epochs: vec![epoch],
        chosen_epoch: Some(1),
        ..Training::default()
    }
    .into();
    let roc = RocCurve {
        name: text.into(),
        points: vec![(0.0, 0.0), (0.0, 0.5), (1.0, 1.0)],
        band: vec![],
        auroc: interval(0.75),
        marks: vec![Mark {
            name: text.into(),
            x: 0.0,
            y: 0.5,
        }],
    };
    report.evaluation = Evaluation {
        metrics: vec![NamedMeasure::new(text, Measured::undefined(text))],
        roc: vec![roc].into(),
        confusion: Confusion {
            classes: ClassSet::tumor(),
            counts: vec![vec![3, 0], vec![1, 3]],
            rule: text.into(),
        }
        .into(),
        ..Evaluation::default()
    }
    .into();
    let score = MethodScore {
        method: text.into(),
        sanity: Sanity::Failed {
            similarity: Measured::value(0.9),
        },
        ..MethodScore::default()
    };
    report.explanation = Explanation {
        cases: vec![CaseGroup {
            title: text.into(),
            picked: text.into(),
            cases: vec![case(1, 32, text)],
        }]
        .into(),
        scores: MethodScores {
            images: 4,
            rows: vec![score],
            by_lesion_size: vec![LesionSizeScore {
                lesions: text.into(),
                images: 4,
                pointing_game: Measured::value(0.75),
                centre: Measured::value(0.25),
                iou: Measured::value(0.5),
            }],
        }
        .into(),
        ..Explanation::default()
    }
    .into();
    report.provenance = Provenance {
        command: text.into(),
        config: text.into(),
        ..Provenance::default()
    }
    .into();
    report
}

/// Values of an attribute, whatever tag it is in.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let html = render(&full("plain")).unwrap();
    for name in ["src", "href"] {
        let values = attributes(&html, name);
        assert!(!values.is_empty());
        for value in values {
            let own = value.starts_with('#') || value.starts_with("data:image/png;base64,");
            assert!(own, "{name}={}", &value[..value.len().min(60)]);
        }
    }
    for outside in [
        "http:", "https:", "url(", "@import", "<link", "<script", "<iframe",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(
        html.contains("default-src 'none'; img-src data:"),
        "the browser is told so too"
    );
}

#[test]
fn hostile_texts_stay_texts_in_every_place() {
    let html = render(&full(HOSTILE)).unwrap();
    assert!(!html.contains("<script"));
    assert!(!html.contains("<img src=http"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;"));
    // Wherever the text stands, it is told from markup: a balanced page with only our own tags.
    balanced(&html);
    let plain = render(&full("plain")).unwrap();
    assert_eq!(
        html.matches('<').count(),
        plain.matches('<').count(),
        "no text added a tag"
    );
}

/// Every opened element is closed in the right order.
fn balanced(html: &str) {
    const VOID: [&str; 4] = ["meta", "img", "input", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    for piece in html.split('<').skip(1) {
        let tag = &piece[..piece.find('>').unwrap()];
        let name = tag
            .split([' ', '/', '\n'])
            .find(|part| !part.is_empty())
            .unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "near <{tag}>");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_same_report_gives_the_same_bytes_and_survives_being_written_down() {
    let report = full("plain");
    let html = render(&report).unwrap();
    assert_eq!(render(&report.clone()).unwrap(), html);
    let json = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(read, report);
    assert_eq!(render(&read).unwrap(), html);
}

#[test]
fn what_is_left_out_is_not_there_and_what_is_missing_says_why() {
    let html = render(&Report {
        title: "empty".into(),
        ..Report::default()
    })
    .unwrap();
    balanced(&html);
    for id in [
        "data",
        "training",
        "evaluation",
        "explanation",
        "provenance",
        "card",
    ] {
        assert!(!html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(!html.contains("In plain words"));
    assert!(html.contains("For research use only. Not a medical device."));

    let mut report = Report {
        training: Section::missing("the model came from a file"),
        ..Report::default()
    };
    let scores = Section::missing("no outlines in this dataset, so heat maps could not be scored");
    report.explanation = Explanation {
        scores,
        ..Explanation::default()
    }
    .into();
    report.evaluation = Evaluation {
        roc: Section::missing("one class only"),
        ..Evaluation::default()
    }
    .into();
    let html = render(&report).unwrap();
    balanced(&html);
    for reason in [
        "the model came from a file",
        "no outlines in this dataset",
        "one class only",
    ] {
        assert!(html.contains(reason), "{reason}");
    }
    assert!(!html.contains("First-layer filters"));
}

#[test]
fn every_entry_of_the_contents_leads_somewhere_and_no_id_stands_twice() {
    let html = render(&full("plain")).unwrap();
    let mut ids = attributes(&html, "id");
    for target in attributes(&html, "href")
        .iter()
        .filter_map(|href| href.strip_prefix('#'))
    {
        assert!(ids.contains(&target), "{target}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn every_figure_and_picture_can_be_spoken() {
    let html = render(&full("plain")).unwrap();
    assert_eq!(
        html.matches("<svg").count(),
        html.matches("role=\"img\" aria-label=\"").count()
    );
    assert_eq!(
        html.matches("<img").count(),
        attributes(&html, "alt")
            .iter()
            .filter(|alt| !alt.is_empty())
            .count()
    );
}

#[test]
fn an_undefined_figure_shows_its_reason_and_never_a_number() {
    let mut report = Report::default();
    let measured = Measured::undefined("no positive image in the test part");
    report.summary.key_figures = vec![KeyFigure {
        name: "auroc".into(),
        measured,
    }];
    let html = render(&report).unwrap();
    assert!(html.contains("no positive image in the test part"));
    assert!(!html.contains("NaN") && !html.contains("0.000"));
}

#[test]
fn a_failed_sanity_check_is_marked() {
    let html = render(&full("plain")).unwrap();
    assert!(html.contains("class=\"failed-row\""));
    assert!(html.contains(">failed<"));
}

#[test]
fn the_theme_decides_where_the_dark_colours_go_and_paper_stays_light() {
    let style = |theme| {
        render(&Report {
            theme,
            ..Report::default()
        })
        .unwrap()
    };
    let dark = "color-scheme: dark";
    assert!(!style(Theme::Light).contains(dark));
    for (theme, query) in [
        (
            Theme::Auto,
            "@media screen and (prefers-color-scheme: dark)",
        ),
        (Theme::Dark, "@media screen {\n:root"),
    ] {
        let html = style(theme);
        assert!(html.contains(query));
        assert!(
            html.find(query) < html.find(dark),
            "dark colours are for screens"
        );
    }
}

#[test]
fn forty_cases_of_noise_stay_below_six_megabytes() {
    let cases = (0..40).map(|i| case(i, 400, "noise.png")).collect();
    let group = CaseGroup {
        title: "all".into(),
        picked: String::new(),
        cases,
    };
    let explanation = Explanation {
        cases: vec![group].into(),
        ..Explanation::default()
    };
    let html = render(&Report {
        explanation: explanation.into(),
        ..Report::default()
    })
    .unwrap();
    assert!(html.len() < 6_000_000, "{} bytes", html.len());
}

#[test]
fn values_that_cannot_be_drawn_are_an_error_that_names_the_figure() {
    let mut report = Report::default();
    let part = SplitPart {
        name: "test".into(),
        images: vec![1],
        groups: 1,
    };
    let split = Split {
        classes: vec!["a".into(), "b".into()],
        parts: vec![part],
        method: String::new(),
    };
    report.data = DataPart {
        split: split.into(),
        ..DataPart::default()
    }
    .into();
    let error = render(&report).unwrap_err().to_string();
    assert_eq!(error, "split: part 'test' has 1 counts for 2 classes");
}
