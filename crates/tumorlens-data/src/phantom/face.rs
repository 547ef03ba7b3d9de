//! What lies outside the skull: scalp, eyes, sinuses, jaw and neck.

use super::anatomy::{Site, stem};
use super::space::{Ellipsoid, Point, ellipsoid, mix, point, smoothstep, tube};
use super::tissue::Palette;

/// Air in the bones of the face, in the right half.
const SINUSES: [Ellipsoid; 5] = [
    ellipsoid(point(24.0, 64.0, -46.0), point(13.0, 15.0, 14.0)), // maxillary
    ellipsoid(point(6.0, 72.0, -42.0), point(4.0, 24.0, 15.0)),   // nasal
    ellipsoid(point(9.0, 84.0, -8.0), point(10.0, 5.0, 9.0)),     // frontal
    ellipsoid(point(6.0, 34.0, -32.0), point(8.0, 10.0, 8.0)),    // sphenoid
    ellipsoid(point(54.0, -24.0, -42.0), point(9.0, 12.0, 13.0)), // mastoid
];

/// The airway behind nose and tongue.
const AIRWAY: [(Point, f32); 3] = [
    (point(0.0, 40.0, -48.0), 7.0),
    (point(0.0, 22.0, -70.0), 7.0),
    (point(0.0, 14.0, -150.0), 8.0),
];

/// Brightness outside the skull, inside the skin.
pub(super) fn soft_tissue(
    p: Point,
    site: &Site,
    texture: f32,
    palette: &Palette,
    edge: f32,
) -> f32 {
    let depth = -site.head;
    let low = smoothstep(5.0, -25.0, p.z);
    // Under the skin fat; further in, and lower down, muscle with fat between its bellies.
    let belly = smoothstep(-0.25, 0.3, texture.abs() + 0.012 * (depth - 8.0));
    let inner = mix(palette.fat, palette.muscle, low * belly);
    let layer = smoothstep(3.5, 6.0, depth) * low;
    let mut value = mix(palette.fat, inner, layer) * (1.0 + 0.15 * texture);
    if p.z < 12.0 {
        value = deep_face(p, value, texture, palette, edge);
    }
    mix(palette.skin, value, smoothstep(1.4, 2.4, depth))
}

fn deep_face(p: Point, tissue: f32, texture: f32, palette: &Palette, edge: f32) -> f32 {
    let q = p.right();
    let inside = |distance: f32| smoothstep(edge, -edge, distance);
    let mut value = tissue;

    let orbit = ellipsoid(point(32.0, 62.0, -25.0), point(17.0, 26.0, 16.0)).distance(q);
    value = mix(value, palette.fat, inside(orbit));
    let nerve = tube(
        q,
        &[
            (point(31.0, 66.0, -26.0), 2.0),
            (point(12.0, 32.0, -22.0), 2.0),
        ],
    );
    value = mix(value, palette.grey, inside(nerve));
    let muscles = (ellipsoid(point(30.0, 58.0, -26.0), point(10.0, 24.0, 10.0))
        .distance(q)
        .abs()
        - 1.0)
        .max(q.y - 70.0);
    value = mix(value, palette.muscle, 0.8 * inside(muscles));
    let eye = ellipsoid(point(33.0, 75.0, -26.0), point(12.0, 12.0, 12.0)).distance(q);
    value = mix(value, palette.muscle, inside(eye));
    value = mix(value, palette.fluid, inside(eye + 1.6));

    let tongue = ellipsoid(point(0.0, 58.0, -84.0), point(20.0, 26.0, 14.0)).distance(p);
    value = mix(value, palette.muscle * 1.25, inside(tongue));
    let palate = ellipsoid(point(0.0, 66.0, -66.0), point(22.0, 26.0, 3.0)).distance(p);
    let jaw = ellipsoid(point(24.0, 70.0, -94.0), point(4.0, 20.0, 6.0)).distance(q);
    value = mix(value, palette.bone, inside(palate.min(jaw)));
    value = mix(value, palette.marrow, inside(jaw + 2.0));

    for sinus in &SINUSES {
        let distance = sinus.distance(q) + 3.0 * texture;
        value = mix(value, palette.bone, inside(distance - 1.5));
        value = mix(value, 0.4 * palette.bone, inside(distance));
    }
    let airway = tube(p, &AIRWAY) + 2.0 * texture;
    value = mix(value, 0.4 * palette.bone, inside(airway));
    spine(p, value, palette, edge)
}

/// Vertebral bodies with discs between them, the canal behind them, and the cord in it.
fn spine(p: Point, tissue: f32, palette: &Palette, edge: f32) -> f32 {
    if p.z > -55.0 {
        return tissue;
    }
    let inside = |distance: f32| smoothstep(edge, -edge, distance);
    let bodies = tube(
        p,
        &[
            (point(0.0, -9.0, -66.0), 8.0),
            (point(0.0, -17.0, -160.0), 9.0),
        ],
    );
    let period = ((p.z + 0.1 * p.y) / 17.0).rem_euclid(1.0);
    let disc = smoothstep(0.36, 0.42, (period - 0.5).abs());
    let mut value = mix(tissue, palette.bone, inside(bodies));
    value = mix(
        value,
        mix(palette.marrow, 0.6 * palette.muscle, disc),
        inside(bodies + 1.5),
    );
    let cord = stem(p);
    value = mix(value, palette.bone, inside(cord - 6.0));
    value = mix(value, palette.fluid, inside(cord - 4.0));
    mix(value, mix(palette.grey, palette.white, 0.7), inside(cord))
}
