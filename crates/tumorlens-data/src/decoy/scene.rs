//! Invented pictures of what else is sent to a model of brain MRI: sections of other parts of the body, as computed
//! tomography and ultrasound show them, films of chest and limbs, views through an endoscope, silhouettes, drawings.

use super::canvas::{Canvas, Clouds, Filling, Outline};
use crate::draw::Draw;

/// One of all kinds, with lettering, blur, tone and noise as they come.
pub(super) fn any(side: usize, draw: &mut Draw) -> Canvas {
    let mut canvas = match draw.below(10) {
        0 => section(side, draw),
        1 | 9 => in_a_disc(section(side, draw), draw),
        2 => silhouette(side, draw),
        3 => marbled(side, draw),
        4 => fan(side, draw),
        5 => limbs(side, draw),
        6 => chest(side, draw),
        7 => spots(side, draw),
        _ => edges(&section(side, draw)),
    };
    if draw.chance(0.25) {
        canvas.write(draw);
    }
    if draw.chance(0.15) {
        canvas.blur(side as f32 * draw.range(0.003..=0.015));
    }
    canvas.spread();
    canvas.tone(draw.within(0.7).exp());
    if draw.chance(0.3) {
        canvas.grain(0.03, draw);
    }
    canvas
}

/// A body cut across: skin, organs, vessels, bones, the table below.
fn section(side: usize, draw: &mut Draw) -> Canvas {
    let outline = if draw.chance(0.6) {
        Outline::blob(draw, 0.08)
    } else {
        Outline::oval(draw)
    };
    let mut canvas = Canvas::new(side);
    let (base, skin, rim) = (
        draw.range(0.2..=0.7),
        draw.range(0.1..=1.0),
        draw.range(0.86..=0.98),
    );
    canvas.fill(
        &outline,
        |x, y, _| {
            if outline.at(x, y) > rim { skin } else { base }
        },
    );
    for _ in 0..1 + draw.below(8) {
        let organ = Outline::spot(draw, 0.4);
        let grey = [0.0, draw.range(0.0..=1.0), 1.0][draw.below(3)];
        let bone = draw.chance(0.3).then(|| draw.range(0.6..=1.0));
        canvas.fill(&organ, |x, y, old| match bone {
            _ if outline.at(x, y) > rim => old,
            Some(bone) if organ.at(x, y) > 0.75 => bone,
            _ => grey,
        });
    }
    if draw.chance(0.5) {
        let clouds = Clouds::any(draw);
        canvas.paint(|x, y, old| old * (0.6 + 0.6 * clouds.at(x, y)));
    }
    if draw.chance(0.5) {
        canvas.grain(draw.range(0.0..=0.1), draw);
    }
    if draw.chance(0.3) {
        let (height, bend, grey) = (
            draw.range(0.6..=0.9),
            draw.within(0.3),
            draw.range(0.3..=1.0),
        );
        canvas.paint(|x, y, old| {
            if (y - height - bend * x * x).abs() < 0.015 {
                grey
            } else {
                old
            }
        });
    }
    canvas
}

/// Inside the round field of view of a scanner, whose air is not black.
fn in_a_disc(mut canvas: Canvas, draw: &mut Draw) -> Canvas {
    let (disc, air) = (
        Outline::ellipse([0.0, 0.0], [0.98, 0.98], 0.0),
        draw.range(0.1..=0.5),
    );
    canvas.paint(|_, _, old| 0.8 * old + air);
    canvas.cut_out(&disc);
    canvas
}

/// One shape, filled with anything: a label map, an endoscope's view, a stone.
fn silhouette(side: usize, draw: &mut Draw) -> Canvas {
    let rough = draw.range(0.05..=0.25);
    let (outline, filling) = (Outline::blob(draw, rough), Filling::any(draw));
    let mut canvas = Canvas::new(side);
    canvas.fill(&outline, |x, y, _| filling.at(x, y));
    canvas
}

/// An oval as a head is, with something else inside.
fn marbled(side: usize, draw: &mut Draw) -> Canvas {
    let (outline, filling) = (Outline::oval(draw), Filling::any(draw));
    let mut canvas = section(side, draw);
    canvas.paint(|x, y, old| filling.at(x, y) + 0.2 * old);
    canvas.cut_out(&outline);
    canvas
}

/// The sector that an ultrasound probe sees, full of speckle.
fn fan(side: usize, draw: &mut Draw) -> Canvas {
    let (apex, half) = (draw.range(1.0..=1.4), draw.range(0.4..=0.9));
    let (near, far) = (draw.range(0.1..=0.6), draw.range(1.7..=2.3));
    let (clouds, level) = (Clouds::any(draw), draw.range(0.2..=0.6));
    let mut canvas = Canvas::new(side);
    for values in canvas.values.chunks_mut(4) {
        for (value, noise) in values.iter_mut().zip(draw.noise4()) {
            *value = noise.abs();
        }
    }
    canvas.blur(draw.range(0.5..=1.5));
    canvas.spread();
    canvas.paint(|x, y, speckle| {
        let depth = (x * x + (y + apex) * (y + apex)).sqrt();
        let seen = x.atan2(y + apex).abs() < half && (near..far).contains(&depth);
        match (seen, clouds.at(x, y) > level) {
            (false, _) => 0.0,
            (true, true) => speckle,
            (true, false) => 0.08 * speckle,
        }
    });
    canvas
}

/// Long bones in soft tissue.
fn limbs(side: usize, draw: &mut Draw) -> Canvas {
    let mut canvas = Canvas::new(side);
    for _ in 0..1 + draw.below(4) {
        let angle = draw.within(0.8) + if draw.chance(0.3) { 1.57 } else { 0.0 };
        let (across, half) = (draw.within(0.5), draw.range(0.05..=0.35));
        let (swell, phase) = (draw.range(1.0..=4.0), draw.range(0.0..=6.3));
        let (soft, bone) = (draw.range(0.2..=0.6), draw.range(0.5..=1.0));
        let (cos, sin) = (angle.cos(), angle.sin());
        canvas.paint(|x, y, old| {
            let half = half * (1.0 + 0.4 * (swell * (y * cos - x * sin) + phase).sin());
            match ((x * cos + y * sin - across) / half).abs() {
                0.8..1.0 => bone,
                off if off < 0.8 => old.max(soft),
                _ => old,
            }
        });
    }
    let clouds = Clouds::any(draw);
    canvas.paint(|x, y, old| old * (0.6 + 0.6 * clouds.at(x, y)));
    canvas
}

/// A film of the chest: dark lungs, ribs, the spine.
fn chest(side: usize, draw: &mut Draw) -> Canvas {
    let clouds = Clouds::any(draw);
    let mut canvas = Canvas::new(side);
    canvas.paint(|x, y, _| 0.3 + 0.3 * clouds.at(x, y));
    for middle in [-0.4, 0.4] {
        let centre = [middle + draw.within(0.05), draw.within(0.1)];
        let radii = [draw.range(0.2..=0.36), draw.range(0.5..=0.8)];
        let lung = Outline::ellipse(centre, radii, 0.0);
        let air = draw.range(0.2..=0.6);
        canvas.fill(&lung, |_, _, old| old * air);
    }
    let (ribs, bend) = (draw.range(8.0..=20.0), draw.range(0.2..=0.8));
    canvas.paint(|x, y, old| {
        let rib = 0.12 * (ribs * (y - bend * x * x)).sin().max(0.0);
        let spine = if x.abs() < 0.08 { 0.25 } else { 0.0 };
        old + rib + spine
    });
    canvas.blur(side as f32 * 0.008);
    if draw.chance(0.6) {
        let radii = [draw.range(0.8..=1.1), draw.range(1.0..=1.2)];
        canvas.cut_out(&Outline::ellipse([0.0, draw.within(0.15)], radii, 0.0));
    }
    canvas
}

/// Many small things on black.
fn spots(side: usize, draw: &mut Draw) -> Canvas {
    let mut canvas = Canvas::new(side);
    for _ in 0..2 + draw.below(38) {
        let (spot, grey) = (Outline::spot(draw, 0.3), draw.range(0.2..=1.0));
        canvas.fill(&spot, |_, _, old| old + grey);
    }
    canvas
}

/// The edges of a picture alone, as in a drawing.
fn edges(of: &Canvas) -> Canvas {
    let step = 2.0 / of.side as f32;
    let mut canvas = Canvas::new(of.side);
    canvas.paint(|x, y, _| {
        let across = of.near(x + step, y) - of.near(x - step, y);
        let down = of.near(x, y + step) - of.near(x, y - step);
        across.hypot(down)
    });
    canvas
}
