//! Lesions: where they grow, what they push away, how they look.

use super::anatomy::Anatomy;
use super::field::Field;
use super::space::{Ellipsoid, Point, ellipsoid, mix, point, smoothstep};
use super::tissue::Palette;
use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// What a phantom's lesion looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LesionKind {
    /// A rim that takes up contrast agent around a dead core, as in glioblastoma, metastasis or abscess.
    Ring,
    /// One solid mass with a clear edge, as in meningioma or lymphoma; often against the skull.
    Solid,
    /// Infiltrated tissue without a clear edge and without uptake, as in low-grade glioma.
    Diffuse,
}

impl LesionKind {
    /// As truth.csv spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Solid => "solid",
            Self::Diffuse => "diffuse",
        }
    }
}

/// A place in the brain with a size: where a lesion is, or where slices of a healthy head are taken, so that the
/// position of a slice says nothing about its class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) centre: Point,
    pub(super) radius: f32,
}

/// A lesion of one subject, in the coordinates of the standard head.
#[derive(Clone, Debug)]
pub(super) struct Lesion {
    pub(super) kind: LesionKind,
    target: Target,
    body: Ellipsoid,
    field: Field,
    /// How different from its surroundings, 0 to 1.
    contrast: f32,
    /// Thickness of a ring's rim, in millimetres.
    rim: f32,
    /// How far oedema reaches, in millimetres; 0 for none.
    oedema: f32,
    /// Share of its volume that it pushed away (the rest it replaced).
    mass: f32,
}

impl Target {
    /// A place that fits in the cerebrum, or (one in ten) the cerebellum.
    pub(super) fn draw(anatomy: &Anatomy, seed: Seed) -> Self {
        let mut draw = Draw::new(seed.derive("target"));
        // Small ones are as frequent as large ones on a logarithmic scale.
        let radius = draw.range(7.5f32.ln()..=25.0f32.ln()).exp();
        let low = draw.chance(0.1);
        let superficial = draw.chance(0.35);
        let mut best = (f32::INFINITY, point(30.0, 0.0, 20.0));
        for _ in 0..60 {
            let centre = point(
                draw.within(60.0),
                draw.range(-80.0..=72.0),
                draw.range(-55.0..=62.0),
            );
            let site = anatomy.site(centre);
            let depth = if low {
                -site.cerebellum
            } else {
                -site.cerebrum
            };
            let wanted = if superficial {
                0.45 * radius
            } else {
                6.0 + 0.6 * radius
            };
            // Beside the middle, at the wanted depth or deeper.
            let miss = if superficial {
                (depth - wanted).abs()
            } else {
                (wanted - depth).max(0.0)
            };
            let miss = miss + (0.5 * radius - centre.x.abs()).max(0.0);
            if miss < best.0 {
                best = (miss, centre);
            }
            if miss < 2.0 {
                break;
            }
        }
        Self {
            centre: best.1,
            radius,
        }
    }
}

impl Lesion {
    pub(super) fn draw(target: Target, seed: Seed) -> Self {
        let seed = seed.derive("lesion");
        let mut draw = Draw::new(seed);
        let kind = [LesionKind::Ring, LesionKind::Solid, LesionKind::Diffuse][draw.below(3)];
        let r = target.radius;
        let mut axis = || r * (1.0 + draw.within(0.3));
        let radii = point(axis(), axis(), axis());
        let swells = draw.chance(if kind == LesionKind::Diffuse {
            0.3
        } else {
            0.7
        });
        Self {
            kind,
            target,
            body: ellipsoid(target.centre, radii),
            field: Field::new(seed),
            // Mostly plain, sometimes faint: a person would hesitate too.
            contrast: draw.range(0.3..=1.0).sqrt(),
            rim: (r * draw.range(0.15..=0.35)).clamp(1.6, 6.0),
            oedema: if swells { draw.range(4.0..=16.0) } else { 0.0 },
            mass: draw.range(0.2..=0.75),
        }
    }

    /// Where the tissue that is seen at `p` would be without the lesion: it was pushed outwards, and volume is kept. The
    /// skull does not give way, so the push fades towards it.
    pub(super) fn unpushed(&self, p: Point, cranium: impl Fn(Point) -> f32) -> Point {
        let r = self.target.radius;
        let away = p - self.target.centre;
        let distance = away.length();
        if distance > 5.0 * r || distance < 1e-3 {
            return p;
        }
        let share = (1.0 - self.mass * (r / distance.max(r)).powi(3)).cbrt();
        let yields = smoothstep(0.0, 14.0, -cranium(p)) * smoothstep(5.0 * r, 3.0 * r, distance);
        self.target.centre + away * mix(1.0, share, yields)
    }

    /// Distance to the edge of the lesion, below 0 inside.
    pub(super) fn distance(&self, p: Point) -> f32 {
        let r = self.target.radius;
        let near = self.body.distance(p);
        if near > r + 30.0 {
            return near;
        }
        near + 0.32 * r * self.field.at_mm(p, 0.9 * r) + 0.12 * r * self.field.at_mm(p, 0.4 * r)
    }

    /// The brightness at `p`, where `distance` from the edge, over brain of brightness `under`, of which `white` is white
    /// matter; `edge` is half the width over which edges are drawn.
    pub(super) fn paint(
        &self,
        p: Point,
        distance: f32,
        under: f32,
        white: f32,
        edge: f32,
        palette: &Palette,
    ) -> f32 {
        let look = palette.lesion;
        let mut value = under;
        if self.oedema > 0.0 && distance < 2.0 * self.oedema {
            // Fingers along the white matter.
            let reach = self.oedema * (0.7 + 1.1 * self.field.at_mm(p, 11.0));
            let swollen = smoothstep(reach, reach - 5.0, distance) * (0.25 + 0.75 * white);
            value = mix(value, look.oedema, 0.85 * self.contrast * swollen);
        }
        let coarse = self.field.at_mm(p, 5.0);
        let (body, share) = match self.kind {
            LesionKind::Ring => {
                let rim = self.rim * (1.0 + 0.8 * self.field.at_mm(p, 7.0));
                let core = smoothstep(-rim + edge, -rim - edge, distance);
                let body = mix(look.enhancing, look.necrotic, core) * (1.0 + 0.12 * coarse);
                (body, smoothstep(edge, -edge, distance))
            }
            LesionKind::Solid => {
                let body = look.enhancing * (1.0 + 0.2 * coarse);
                (body, smoothstep(edge, -edge, distance))
            }
            LesionKind::Diffuse => {
                let wide = 0.25 * self.target.radius + edge;
                let body = look.infiltrated * (1.0 + 0.2 * coarse);
                (body, smoothstep(wide, -wide, distance))
            }
        };
        mix(value, body, self.contrast * share)
    }
}
