//! Heads that are none any more: the same tissues and tones in another order, or the same outline around something else.

use super::canvas::{Canvas, Filling, Outline};
use super::depth::depths;
use crate::draw::Draw;
use crate::transform::head_region;

/// A wreck of a prepared head.
pub(super) fn any(head: &Canvas, draw: &mut Draw) -> Canvas {
    match draw.below(7) {
        0 => tiles(head, draw),
        1 => enlarged(head, draw),
        2 => twirled(head, draw),
        3 => refilled(head, draw),
        4 => repeated(head, draw),
        _ => tomography(head, draw),
    }
}

/// Cut into 4 to 25 tiles that are dealt anew, some turned round.
fn tiles(head: &Canvas, draw: &mut Draw) -> Canvas {
    let across = 2 + draw.below(4);
    let tile = 2.0 / across as f32;
    let mut order: Vec<usize> = (0..across * across).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, draw.below(last + 1));
    }
    let turned: Vec<bool> = order.iter().map(|_| draw.chance(0.5)).collect();
    let mut canvas = Canvas::new(head.side);
    canvas.paint(|x, y, _| {
        let index = |v: f32| (((v + 1.0) / tile) as usize).min(across - 1);
        let place = index(y) * across + index(x);
        let inside = |v: f32| (v + 1.0) - tile * index(v) as f32;
        let (dx, dy) = (inside(x), inside(y));
        let dx = if turned[place] { tile - dx } else { dx };
        let (column, row) = (order[place] % across, order[place] / across);
        head.near(
            column as f32 * tile + dx - 1.0,
            row as f32 * tile + dy - 1.0,
        )
    });
    canvas
}

/// A part from within it, up to four times as large, mostly cut to some shape: tissue without a head.
fn enlarged(head: &Canvas, draw: &mut Draw) -> Canvas {
    let scale = draw.range(0.25..=0.5);
    let centre = [
        draw.within(0.65 - 0.5 * scale),
        draw.within(0.65 - 0.5 * scale),
    ];
    let mut canvas = Canvas::new(head.side);
    canvas.paint(|x, y, _| head.near(centre[0] + scale * x, centre[1] + scale * y));
    if draw.chance(0.8) {
        let outline = if draw.chance(0.5) {
            Outline::blob(draw, 0.15)
        } else {
            Outline::oval(draw)
        };
        canvas.cut_out(&outline);
    }
    canvas
}

/// Turned the more the nearer to the middle.
fn twirled(head: &Canvas, draw: &mut Draw) -> Canvas {
    let turn = draw.range(2.5..=7.0) * if draw.chance(0.5) { 1.0 } else { -1.0 };
    let mut canvas = Canvas::new(head.side);
    canvas.paint(|x, y, _| {
        let (sin, cos) = (turn * (-x.hypot(y) / 0.7).exp()).sin_cos();
        head.near(cos * x - sin * y, sin * x + cos * y)
    });
    canvas
}

/// The outline of the head with something else inside.
fn refilled(head: &Canvas, draw: &mut Draw) -> Canvas {
    let filling = Filling::any(draw);
    let mut canvas = Canvas::new(head.side);
    canvas.paint(|x, y, _| filling.at(x, y));
    let region = head_region(&head.values, head.side);
    let outside = canvas.values.iter_mut().zip(region).filter(|(_, is)| !is);
    outside.for_each(|(value, _)| *value = 0.0);
    canvas
}

/// As computed tomography shows a head: the skull far brighter than all else, little difference within.
fn tomography(head: &Canvas, draw: &mut Draw) -> Canvas {
    let side = head.side;
    let region = head_region(&head.values, side);
    let depth = depths(&region, side);
    let (skin, bone) = (
        side as f32 * draw.range(0.0..=0.04),
        side as f32 * draw.range(0.02..=0.06),
    );
    let (base, contrast) = (draw.range(0.25..=0.55), draw.range(0.0..=0.15));
    let mut soft = head.clone();
    soft.blur(side as f32 * 0.015);
    let mut canvas = Canvas::new(side);
    for (i, value) in canvas.values.iter_mut().enumerate() {
        let depth = f32::from(depth[i]);
        *value = match depth {
            _ if !region[i] => 0.0,
            d if d > skin && d <= skin + bone => 1.0,
            _ => base + contrast * (soft.values[i] - 0.5),
        };
    }
    canvas.grain(draw.range(0.0..=0.05), draw);
    if draw.chance(0.5) {
        let air = draw.range(0.0..=0.25);
        canvas.paint(|_, _, old| old + air);
        canvas.cut_out(&Outline::ellipse([0.0, 0.0], [0.98, 0.98], 0.0));
    }
    canvas
}

/// One half twice, halves exchanged, or many small heads.
fn repeated(head: &Canvas, draw: &mut Draw) -> Canvas {
    let kind = draw.below(4);
    let mut canvas = Canvas::new(head.side);
    canvas.paint(|x, y, _| match kind {
        0 => head.near(x, -y.abs()),
        1 => head.near(x, if y < 0.0 { y + 1.0 } else { y - 1.0 }),
        _ => {
            let times = kind as f32;
            let within = |v: f32| ((v + 1.0) * times).rem_euclid(2.0) - 1.0;
            head.near(within(x), within(y))
        }
    });
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Seed;

    #[test]
    fn tiles_keep_every_value_and_its_place_in_none_or_few() {
        let side = 60;
        let values: Vec<f32> = (0..side * side).map(|i| i as f32 / 3600.0).collect();
        let head = Canvas { side, values };
        // 60 pixels are a whole number of 2, 3, 4 and 5 tiles.
        for seed in 0..12 {
            let wreck = tiles(&head, &mut Draw::new(Seed(seed)));
            let mut found = wreck.values.clone();
            found.sort_unstable_by(f32::total_cmp);
            assert_eq!(found, head.values);
            assert_ne!(wreck.values, head.values);
        }
    }
}
