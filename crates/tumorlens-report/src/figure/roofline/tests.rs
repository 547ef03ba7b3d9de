use super::labels::{CHARACTER, LINE};
use super::*;

fn part(layer: &str, share: f64, intensity: f64, gflops: f64) -> RooflinePart {
    RooflinePart {
        layer: layer.into(),
        work: "forward".into(),
        group: 0,
        share,
        intensity,
        gflops,
    }
}

fn step() -> Roofline {
    let mut parts: Vec<RooflinePart> = (0..20)
        .map(|i| {
            let i = f64::from(i);
            part(&format!("layer{i}.conv"), 0.04, 40.0 + i, 120.0 + i)
        })
        .collect();
    parts.push(RooflinePart {
        work: "normalise".into(),
        group: 1,
        ..part("<bn>", 0.1, 0.4, 6.0)
    });
    parts.push(part("tiny", 0.0001, 0.001, 0.001));
    Roofline {
        title: "net, train".into(),
        peak_gflops: 250.0,
        bandwidth_gbs: 20.0,
        groups: ["forward", "normalise", "pool"].map(str::to_owned).to_vec(),
        parts,
    }
}

#[test]
fn every_part_that_can_be_seen_is_named_and_texts_cannot_break_out() {
    let svg = roofline(&step()).unwrap().unwrap().to_string();
    for i in 0..20 {
        assert!(
            svg.contains(&format!("<title>layer{i}.conv, forward: 4 %")),
            "{i}"
        );
    }
    assert!(svg.contains("&lt;bn&gt;, normalise: 10 %") && !svg.contains("<bn>"));
    assert!(!svg.contains("tiny") && !svg.contains("pool"));
    // A layer is named beside one of its parts at most.
    assert!(svg.matches(">layer0.conv</text>").count() <= 1);
    for text in [
        "net, train",
        "250 GFLOP/s",
        "20.0 GB/s",
        "operations a byte",
    ] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn names_stand_apart() {
    let step = step();
    let spots: Vec<Spot<'_>> = (0..9)
        .map(|i| Spot {
            at: (200.0 + f64::from(i), 100.0),
            radius: 9.0,
            name: Some(step.parts[0].layer.as_str()),
        })
        .collect();
    let area = [0.0, 0.0, 440.0, 300.0];
    let found = labels::labels(&spots, area, labels::Taken::default());
    assert!(found.len() >= 4, "{}", found.len());
    let width = step.parts[0].layer.len() as f64 * CHARACTER;
    for (i, a) in found.iter().enumerate() {
        assert!(a.left >= 0.0 && a.left + width <= 440.0);
        for b in &found[..i] {
            let apart = (a.left - b.left).abs() >= width - 1e-6
                || (a.baseline - b.baseline).abs() >= LINE - 1e-6;
            assert!(apart, "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_step_without_parts_has_no_picture_and_one_with_nonsense_is_refused() {
    let none = Roofline {
        parts: Vec::new(),
        ..step()
    };
    assert_eq!(roofline(&none).unwrap(), None);
    let mut bad = step();
    bad.parts[0].gflops = 0.0;
    assert!(roofline(&bad).is_err());
    let flat = Roofline {
        bandwidth_gbs: f64::NAN,
        ..step()
    };
    assert!(roofline(&flat).is_err());
}

#[test]
fn a_picture_by_itself_is_xml_with_colours_for_light_and_dark() {
    let alone = roofline(&step()).unwrap().unwrap().alone();
    assert!(alone.starts_with(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"880\" class=\"figure roofline\""
    ));
    assert!(alone.contains("prefers-color-scheme: dark") && alone.contains("class=\"paper\""));
    // Every element that opens closes, and nothing else looks like markup.
    let mut open = Vec::new();
    for piece in alone.split('<').skip(1) {
        let (tag, rest) = piece.split_once('>').unwrap();
        assert!(!rest.replace("&lt;", "").contains('<'));
        let name = tag.split([' ', '/']).find(|s| !s.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
