//! One head: its proportions, and where its surfaces lie.

use super::field::Field;
use super::space::{
    Ellipsoid, Point, ellipsoid, norm, point, smooth_intersection, smooth_union, smoothstep, tube,
};
use crate::draw::Draw;
use tumorlens_core::Seed;

/// A head without its lesion. Lengths in millimetres.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    /// Size of this head, per axis, against the standard one.
    scale: Point,
    /// Width of the fluid between brain and skull, and of the sulci, against the usual one: grows with age.
    pub(super) atrophy: f32,
    /// Thickness of the cortex.
    pub(super) cortex: f32,
    /// Thickness of the skull.
    pub(super) skull: f32,
    /// Thickness of the scalp.
    scalp: f32,
    /// Width of the lateral ventricles against the usual one, left and right.
    ventricles: [f32; 2],
    /// Distance between neighbouring sulci.
    folding: f32,
    /// Depth of a sulcus, and how much it varies.
    sulcus: f32,
    pub(super) fields: Fields,
    /// A fluid-filled cyst: harmless, and no reason to call a tumor.
    cyst: Option<Ellipsoid>,
    /// Bright spots of ageing white matter, harmless too.
    spots: Vec<Ellipsoid>,
}

/// The random fields of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    folds: Field,
    shape: Field,
    pub(super) texture: Field,
}

/// A distance beyond every edge that is drawn: what a solid answers outside a box around it, instead of the exact value.
const FAR: f32 = 10.0;

/// Where a point lies. Distances in millimetres, below 0 inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// To the skin.
    pub(super) head: f32,
    /// To the inside of the skull.
    pub(super) cranium: f32,
    /// To the envelope of the cerebrum, ignoring sulci.
    pub(super) cerebrum: f32,
    /// To the envelope of the cerebellum.
    pub(super) cerebellum: f32,
    /// Signed sulcal pattern: sulci run where it is 0. Not a distance; see [`super::paint`].
    pub(super) folds: f32,
    /// Distance from the pattern's sulci because the point lies deeper than they reach; 0 above.
    pub(super) below_sulci: f32,
    /// To the nearest named fissure (between the hemispheres, Sylvian, insular), 0 or more.
    pub(super) fissure: f32,
}

impl Anatomy {
    pub(super) fn draw(seed: Seed) -> Self {
        let mut draw = Draw::new(seed.derive("anatomy"));
        let size = 1.0 + draw.within(0.06);
        let enlarged = draw.range(0.7..=1.25)
            + if draw.chance(0.25) {
                draw.range(0.2..=0.8)
            } else {
                0.0
            };
        let atrophy = draw.range(0.5..=1.6);
        let field = |name: &str| Field::new(seed.derive(name));
        let mut anatomy = Self {
            scale: point(
                size * (1.0 + draw.within(0.06)),
                size * (1.0 + draw.within(0.05)),
                size * (1.0 + draw.within(0.05)),
            ),
            atrophy,
            cortex: draw.range(2.6..=3.6),
            skull: draw.range(5.0..=9.0),
            scalp: draw.range(4.0..=9.0),
            ventricles: [0, 1].map(|_| enlarged * (1.0 + draw.within(0.15))),
            folding: draw.range(11.0..=14.5),
            sulcus: draw.range(11.0..=17.0),
            fields: Fields {
                folds: field("folds"),
                shape: field("shape"),
                texture: field("texture"),
            },
            cyst: None,
            spots: Vec::new(),
        };
        if draw.chance(0.08) {
            let side = if draw.chance(0.5) { 1.0 } else { -1.0 };
            let at = point(
                side * draw.range(44.0..=58.0),
                draw.range(-10.0..=45.0),
                draw.range(-25.0..=5.0),
            );
            let r = draw.range(6.0..=14.0);
            anatomy.cyst = Some(ellipsoid(at, point(0.8 * r, r, r)));
        }
        for _ in 0..draw.below(9) {
            let side = if draw.chance(0.5) { 1.0 } else { -1.0 };
            let at = point(
                side * draw.range(14.0..=34.0),
                draw.range(-45.0..=36.0),
                draw.range(6.0..=36.0),
            );
            let r = draw.range(1.2..=3.6);
            anatomy
                .spots
                .push(ellipsoid(at, point(r, r * draw.range(1.0..=2.0), r)));
        }
        anatomy
    }

    /// A point of this head in the coordinates of the standard head.
    pub(super) fn standard(&self, p: Point) -> Point {
        point(p.x / self.scale.x, p.y / self.scale.y, p.z / self.scale.z)
    }

    /// A point of the standard head in the coordinates of this one.
    pub(super) fn in_this_head(&self, p: Point) -> Point {
        point(p.x * self.scale.x, p.y * self.scale.y, p.z * self.scale.z)
    }

    /// Distance to the inside of the skull, from a point of the standard head.
    pub(super) fn cranium(&self, p: Point) -> f32 {
        cranium(p, cerebrum(p, self.bumps(p)))
    }

    /// No head is an ellipsoid.
    fn bumps(&self, p: Point) -> f32 {
        3.0 * self.fields.shape.at_mm(p, 70.0)
    }

    /// Everything about a point of the standard head.
    pub(super) fn site(&self, p: Point) -> Site {
        let mut site = Site {
            head: f32::INFINITY,
            cranium: f32::INFINITY,
            cerebrum: f32::INFINITY,
            cerebellum: f32::INFINITY,
            folds: 1.0,
            below_sulci: 0.0,
            fissure: f32::INFINITY,
        };
        // Most of the air, at no cost.
        if p.z > 30.0 && VAULT.distance(p) > 35.0 {
            return site;
        }
        let cerebrum = cerebrum(p, self.bumps(p));
        site.cranium = cranium(p, cerebrum);
        site.head = self.head(p, site.cranium);
        if site.cranium > 2.0 {
            return site;
        }
        let gap = 0.7 + 1.3 * self.atrophy;
        let below = below_tentorium(p);
        site.cerebrum = smooth_intersection(cerebrum + gap, 0.9 - below, 3.0);
        site.cerebellum = smooth_intersection(cerebellum(p) + 0.5 * gap, below + 0.6, 3.0);
        if site.cerebrum < 2.0 {
            self.fold(p, &mut site);
        }
        site
    }

    fn head(&self, p: Point, cranium: f32) -> f32 {
        let q = p.right();
        // The temporal muscle fills the hollow beside the forehead.
        let temporal = 5.0 * smoothstep(40.0, 60.0, q.x) * smoothstep(30.0, -10.0, p.z);
        let vault = cranium - self.skull - self.scalp - temporal;
        if p.z > 30.0 {
            return vault;
        }
        let face = ellipsoid(point(0.0, 42.0, -58.0), point(55.0, 54.0, 58.0)).distance(p);
        let jaw = ellipsoid(point(0.0, 62.0, -96.0), point(34.0, 34.0, 22.0)).distance(p);
        let nose = tube(
            p,
            &[
                (point(0.0, 92.0, -22.0), 6.0),
                (point(0.0, 107.0, -52.0), 9.0),
            ],
        );
        let neck = tube(
            p,
            &[
                (point(0.0, -22.0, -50.0), 50.0),
                (point(0.0, -36.0, -160.0), 52.0),
            ],
        );
        let face = smooth_union(smooth_union(face, jaw, 14.0), nose, 8.0);
        smooth_union(smooth_union(vault, face, 16.0), neck, 14.0)
    }

    /// The sulcal pattern and the fissures.
    fn fold(&self, p: Point, site: &mut Site) {
        let depth = (-site.cerebrum).max(0.0);
        let wobble = 1.5 * self.fields.shape.at_mm(p + point(500.0, 0.0, 0.0), 25.0);
        let middle = (p.x - wobble).abs();
        let core = ellipsoid(point(0.0, -4.0, -1.0), point(36.0, 40.0, 28.0)).distance(p);
        let between = norm(middle, (-core).max(0.0));
        site.fissure = between.min(sylvian(p.right())).min(insula(p.right()));

        // The pattern is read where the point's radius meets the surface, so that sulci run inwards; a little of the depth
        // stays in, for they do not run straight.
        let radius = p.length().max(20.0);
        let q = p * (1.0 + 0.8 * depth.min(30.0) / radius);
        let w = self.folding;
        let bend = self.fields.shape.at_mm(q + point(0.0, 300.0, 0.0), 26.0);
        let warped = q + point(5.0, -4.0, 4.0) * bend;
        site.folds = self.fields.folds.at_mm(warped, w)
            + 0.35
                * self
                    .fields
                    .folds
                    .at_mm(warped + point(77.0, 0.0, 0.0), 0.55 * w);
        let reach = self.sulcus * (1.0 + 0.7 * bend);
        site.below_sulci = (depth.min(1.6 * between + 3.0) - reach).max(0.0);
    }

    /// Distance to the ventricles.
    pub(super) fn ventricles(&self, p: Point) -> f32 {
        let q = p.right();
        if q.x > 45.0 || !(-75.0..48.0).contains(&p.y) || !(-46.0..34.0).contains(&p.z) {
            return FAR;
        }
        let wide = self.ventricles[usize::from(p.x > 0.0)];
        // Wider ventricles are also further from the middle.
        let w = |x: f32, y: f32, z: f32, r: f32| {
            (point(x * (0.8 + 0.2 * wide), y, z), r * wide.min(1.7))
        };
        let body = [
            w(9.5, 33.0, 3.0, 3.0),
            w(8.5, 24.0, 10.0, 5.0),
            w(7.5, 6.0, 17.0, 5.0),
            w(10.0, -14.0, 19.0, 5.2),
            w(17.0, -32.0, 13.0, 6.4),
            w(23.0, -42.0, 4.0, 6.2),
        ];
        let occipital = [w(23.0, -44.0, 5.0, 5.0), w(20.0, -64.0, 1.0, 1.6)];
        let temporal = [
            w(23.0, -40.0, 2.0, 4.5),
            w(30.0, -26.0, -9.0, 2.4),
            w(32.0, -4.0, -19.0, 1.8),
        ];
        let third =
            ellipsoid(point(0.0, -6.0, -2.0), point(1.4 * wide + 0.6, 15.0, 9.0)).distance(p);
        let aqueduct = tube(
            p,
            &[
                (point(0.0, -22.0, -6.0), 1.0),
                (point(0.0, -33.0, -24.0), 1.2),
            ],
        );
        let fourth = ellipsoid(point(0.0, -37.0, -34.0), point(7.0, 5.0, 9.0)).distance(p);
        let lateral = smooth_union(
            tube(q, &body),
            tube(q, &occipital).min(tube(q, &temporal)),
            2.0,
        );
        lateral.min(third).min(aqueduct).min(fourth)
    }

    /// Distance to fluid spaces under the brain, and to a cyst where this head has one.
    pub(super) fn cisterns(&self, p: Point) -> f32 {
        let sellar = ellipsoid(point(0.0, 9.0, -19.0), point(13.0, 9.0, 6.0)).distance(p);
        let dorsal = ellipsoid(point(0.0, -39.0, -1.0), point(9.0, 4.0, 7.0)).distance(p);
        let cyst = self.cyst.map_or(f32::INFINITY, |c| c.distance(p));
        sellar.min(dorsal).min(cyst)
    }

    /// Distance to the nearest bright spot of ageing.
    pub(super) fn spots(&self, p: Point) -> f32 {
        let near = |s: &&Ellipsoid| (p - s.centre).dot(p - s.centre) < 100.0;
        self.spots
            .iter()
            .filter(near)
            .map(|s| s.distance(p))
            .fold(f32::INFINITY, f32::min)
    }
}

/// The inside of the skull.
fn cranium(p: Point, cerebrum: f32) -> f32 {
    let stem = tube(
        p,
        &[
            (point(0.0, -13.0, -14.0), 14.0),
            (point(0.0, -15.0, -33.0), 15.5),
            (point(0.0, -25.0, -66.0), 11.0),
        ],
    );
    smooth_union(cerebrum, smooth_union(posterior_fossa(p), stem, 5.0), 10.0)
}

/// The vault of the skull.
const VAULT: Ellipsoid = ellipsoid(point(0.0, -2.0, 10.0), point(67.0, 85.0, 62.0));

/// The space of the cerebrum: vault, floor of the frontal lobes, temporal lobes.
fn cerebrum(p: Point, bumps: f32) -> f32 {
    let vault = VAULT.distance(p) + bumps;
    // Narrower in front than behind.
    let vault = vault + 0.07 * (p.y + 10.0).max(0.0) * smoothstep(0.0, 60.0, p.x.abs());
    let vault = smooth_intersection(vault, -20.0 - p.z, 14.0);
    let temporal = ellipsoid(point(42.0, 2.0, -20.0), point(23.0, 38.0, 22.0)).distance(p.right());
    smooth_union(vault, temporal, 7.0)
}

/// The space behind the brain stem.
fn posterior_fossa(p: Point) -> f32 {
    ellipsoid(point(0.0, -45.0, -27.0), point(51.0, 38.0, 32.0)).distance(p)
}

/// Two halves with a notch between them behind and below, where the vermis lies deeper.
fn cerebellum(p: Point) -> f32 {
    let notch =
        5.0 * smoothstep(9.0, 0.0, p.x.abs()) * smoothstep(-45.0, -72.0, p.y + 0.5 * (p.z + 27.0));
    posterior_fossa(p) + notch
}

/// Below 0 under the tentorium, where the cerebellum lies: behind the petrous bones and under a sheet that falls
/// outwards and backwards like a tent.
fn below_tentorium(p: Point) -> f32 {
    let across = p.x.abs();
    let roof = 0.93 * (p.z - (3.0 - 0.32 * across + 0.24 * (p.y + 30.0)));
    let front = 0.82 * (p.y + 10.0 + 0.6 * across);
    smooth_intersection(roof, front, 6.0)
}

/// Brain stem and cord, inside the skull and below it.
pub(super) fn stem(p: Point) -> f32 {
    if p.x.abs() > 24.0 || p.z > 12.0 {
        return FAR;
    }
    tube(
        p,
        &[
            (point(0.0, -15.0, -9.0), 12.0),
            (point(0.0, -18.0, -20.0), 11.0),
            (point(0.0, -17.0, -33.0), 13.0),
            (point(0.0, -24.0, -52.0), 7.5),
            (point(0.0, -29.0, -75.0), 6.0),
            (point(0.0, -36.0, -160.0), 5.0),
        ],
    )
}

/// The nuclei inside the white matter.
pub(super) fn nuclei(p: Point) -> f32 {
    let q = p.right();
    if q.x > 36.0 || p.y.abs() > 34.0 || !(-14.0..28.0).contains(&p.z) {
        return FAR;
    }
    let caudate = tube(
        q,
        &[
            (point(14.0, 22.0, 4.0), 6.0),
            (point(16.0, 8.0, 17.0), 4.0),
            (point(20.0, -20.0, 20.0), 2.0),
        ],
    );
    let lentiform = ellipsoid(point(24.5, 4.0, 1.0), point(6.5, 17.0, 9.5)).distance(q);
    let thalamus = ellipsoid(point(10.5, -14.0, 5.0), point(8.5, 14.5, 9.5)).distance(q);
    caudate.min(lentiform).min(thalamus)
}

/// The sheet between temporal and frontal lobe, open outwards; `q` in the right half.
fn sylvian(q: Point) -> f32 {
    if q.x < 25.0 {
        return FAR;
    }
    let sheet = 0.95 * (q.z + 8.0 + 0.3 * q.y).abs();
    let outside = point(
        (37.0 - q.x).max(0.0),
        (q.y - 30.0).max(-34.0 - q.y).max(0.0),
        0.0,
    );
    norm(sheet, outside.length())
}

/// The sheet over the insula.
fn insula(q: Point) -> f32 {
    if q.x < 25.0 {
        return FAR;
    }
    let sheet = (q.x - 38.0 + 0.06 * q.y.abs()).abs();
    let over = |v: f32, low: f32, high: f32| (low - v).max(v - high).max(0.0);
    norm(sheet, norm(over(q.y, -20.0, 24.0), over(q.z, -12.0, 13.0)))
}
