//! The brightness of a point: tissues laid over each other from the outside in.

use super::anatomy::{Anatomy, Site, nuclei, stem};
use super::face::soft_tissue;
use super::space::{Point, ellipsoid, mix, norm, point, smoothstep};
use super::tissue::{Palette, Weighting};

/// What is seen at a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Brightness, 0 to about 1.
    pub(super) value: f32,
    /// Share of white matter.
    pub(super) white: f32,
}

/// Half the width over which an edge is drawn, and the slope of the sulcal pattern in the plane of the slice: both
/// depend on the slice, not on the head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raster {
    /// In millimetres.
    pub(super) edge: f32,
    /// Change of [`Site::folds`] a millimetre.
    pub(super) slope: f32,
}

/// How much of a pixel lies inside a surface at this distance.
fn cover(distance: f32, edge: f32) -> f32 {
    (0.5 - 0.5 * distance / edge).clamp(0.0, 1.0)
}

/// The head without its lesion.
pub(super) fn paint(
    anatomy: &Anatomy,
    p: Point,
    site: &Site,
    raster: Raster,
    palette: &Palette,
) -> Seen {
    let edge = raster.edge;
    let mut seen = Seen {
        value: 0.0,
        white: 0.0,
    };
    if site.head > edge {
        return seen;
    }
    let texture = anatomy.fields.texture.at_mm(p, 8.0);
    if site.cranium > -edge {
        let skin = soft_tissue(p, site, texture, palette, edge);
        seen.value = skull(anatomy, site, cover(site.head, edge) * skin, palette, edge);
        if site.cranium > edge {
            return seen;
        }
    }
    let inside = brain(anatomy, p, site, texture, raster, palette);
    let share = cover(site.cranium, edge);
    seen.value = mix(seen.value, inside.value, share);
    seen.white = inside.white * share;
    seen
}

/// Two tables of bone with marrow between them, over what lies outside.
fn skull(anatomy: &Anatomy, site: &Site, outside: f32, palette: &Palette, edge: f32) -> f32 {
    let table = 1.2 + 0.12 * anatomy.skull;
    let bone = mix(
        outside,
        palette.bone,
        cover(site.cranium - anatomy.skull, edge),
    );
    let between = (site.cranium - anatomy.skull + table).max(table - site.cranium);
    mix(bone, palette.marrow, cover(between, edge))
}

fn brain(
    anatomy: &Anatomy,
    p: Point,
    site: &Site,
    texture: f32,
    raster: Raster,
    palette: &Palette,
) -> Seen {
    let edge = raster.edge;
    let grain = 1.0 + 0.05 * texture;
    let mut value = palette.fluid;
    let mut white = 0.0;
    if site.cerebrum < edge {
        // The pattern's value over its slope is the distance to the sulcus, near it.
        let sulcus = site.folds.abs() / raster.slope.max(0.035);
        let surface = (-site.cerebrum)
            .min(norm(sulcus, site.below_sulci))
            .min(site.fissure);
        let fluid = 0.2 + 0.4 * anatomy.atrophy;
        value = mix(value, palette.grey * grain, cover(fluid - surface, edge));
        white = cover(fluid + anatomy.cortex - surface, edge.max(0.9));
        value = mix(value, palette.white * grain, white);
        let deep = cover(nuclei(p) + 0.6 * texture, edge.max(1.1)) * white;
        value = mix(value, palette.nuclei * grain, deep);
        white -= deep;
    }
    if site.cerebellum < edge {
        let (v, w) = cerebellum(p, -site.cerebellum, texture, palette);
        let share = cover(site.cerebellum, edge);
        value = mix(value, v * grain, share);
        white = mix(white, w, share);
    }
    let stem = stem(p);
    if stem < edge {
        let tone = mix(palette.grey, palette.white, 0.65 + 0.2 * texture);
        value = mix(value, tone, cover(stem, edge));
    }
    let spots = anatomy.spots(p);
    if spots < 2.0 {
        let bright = cover(spots, 1.0) * white;
        value = mix(value, palette.lesion.oedema, 0.8 * bright);
    }
    let fluid = anatomy.ventricles(p).min(anatomy.cisterns(p));
    if fluid < edge {
        let share = cover(fluid, edge);
        value = mix(value, palette.fluid, share);
        white *= 1.0 - share;
    }
    Seen {
        value: vessels(p, site, value, palette, edge),
        white,
    }
}

/// Thin leaves of grey matter on a branching white core.
fn cerebellum(p: Point, depth: f32, texture: f32, palette: &Palette) -> (f32, f32) {
    let hub = p - point(0.0, -34.0, -31.0);
    let stretched = point(0.55 * hub.x, hub.y, 1.15 * hub.z).length();
    let wave = (stretched * 1.3 + 5.0 * texture + 0.08 * hub.x).cos();
    let fluid = 0.4 * smoothstep(0.6, 1.0, wave) * smoothstep(14.0, 2.0, depth);
    let q = p.right();
    let core = ellipsoid(point(20.0, -47.0, -31.0), point(14.0, 12.0, 7.0)).distance(q);
    let branches = smoothstep(-0.1, -0.8, wave) * smoothstep(2.0, 7.0, depth);
    let white = smoothstep(2.0, -2.0, core).max(0.8 * branches);
    let value = mix(
        mix(palette.grey, palette.white, white),
        palette.fluid,
        fluid * (1.0 - white),
    );
    (value, white)
}

/// The large sinus along the middle of the vault, and arteries under the brain.
fn vessels(p: Point, site: &Site, under: f32, palette: &Palette, edge: f32) -> f32 {
    let sinus = norm(p.x, site.cranium + 2.5) - 2.6;
    let sinus = if p.z > -5.0 { sinus } else { f32::INFINITY };
    let q = p.right();
    let carotid = norm(q.x - 11.0, p.y - 8.0) - 1.8;
    let basilar = norm(p.x, p.y - 1.0) - 1.4;
    let arteries = if (-34.0..-14.0).contains(&p.z) {
        carotid.min(basilar)
    } else {
        f32::INFINITY
    };
    let share = cover(sinus.min(arteries), edge);
    let strength = if palette.weighting == Weighting::T1Contrast {
        0.95
    } else {
        0.7
    };
    mix(under, palette.blood, strength * share)
}
