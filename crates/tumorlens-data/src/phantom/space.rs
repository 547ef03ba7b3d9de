//! Points and simple solids in millimetres.
//!
//! A solid is its distance function: below 0 inside, above 0 outside, near its surface the distance in millimetres.
//! (Quílez, "distance functions"; Hart 1996.)

use std::ops::{Add, Mul, Sub};

/// A point or vector: `x` to the right ear, `y` to the face, `z` to the crown; the origin lies between the ventricles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

pub(crate) const fn point(x: f32, y: f32, z: f32) -> Point {
    Point { x, y, z }
}

impl Point {
    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same point in the right half: for solids that both halves share.
    pub(super) fn right(self) -> Self {
        point(self.x.abs(), self.y, self.z)
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        point(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        point(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, k: f32) -> Self {
        point(self.x * k, self.y * k, self.z * k)
    }
}

/// An ellipsoid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ellipsoid {
    pub(super) centre: Point,
    pub(super) radii: Point,
}

pub(super) const fn ellipsoid(centre: Point, radii: Point) -> Ellipsoid {
    Ellipsoid { centre, radii }
}

impl Ellipsoid {
    /// Distance to first order: exact on the surface, and in direction.
    pub(super) fn distance(&self, p: Point) -> f32 {
        let d = p - self.centre;
        let r = self.radii;
        let scaled = point(d.x / r.x, d.y / r.y, d.z / r.z);
        let slope = point(scaled.x / r.x, scaled.y / r.y, scaled.z / r.z).length();
        let k = scaled.length();
        if slope < 1e-6 {
            -r.x.min(r.y).min(r.z)
        } else {
            k * (k - 1.0) / slope
        }
    }
}

/// A tube along a line of points, each with its radius.
pub(super) fn tube(p: Point, line: &[(Point, f32)]) -> f32 {
    let mut nearest = f32::INFINITY;
    for pair in line.windows(2) {
        let ((a, ra), (b, rb)) = (pair[0], pair[1]);
        let along = b - a;
        let t = ((p - a).dot(along) / along.dot(along)).clamp(0.0, 1.0);
        nearest = nearest.min((p - (a + along * t)).length() - (ra + (rb - ra) * t));
    }
    nearest
}

/// The union of two solids, rounded over about `k` millimetres.
pub(super) fn smooth_union(a: f32, b: f32, k: f32) -> f32 {
    let h = (0.5 + 0.5 * (b - a) / k).clamp(0.0, 1.0);
    b + (a - b) * h - k * h * (1.0 - h)
}

/// The intersection of two solids, rounded over about `k` millimetres.
pub(super) fn smooth_intersection(a: f32, b: f32, k: f32) -> f32 {
    -smooth_union(-a, -b, k)
}

/// 0 below `from`, 1 above `to`, smooth between.
pub(super) fn smoothstep(from: f32, to: f32, v: f32) -> f32 {
    let t = ((v - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Length of (a, b). `f32::hypot` guards against overflow, which millimetres do not need, and is many times slower.
pub(super) fn norm(a: f32, b: f32) -> f32 {
    (a * a + b * b).sqrt()
}

pub(super) fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_zero_on_the_surface_and_signed() {
        let solid = ellipsoid(point(1.0, 2.0, 3.0), point(10.0, 20.0, 5.0));
        assert!(solid.distance(point(11.0, 2.0, 3.0)).abs() < 1e-4);
        assert!((solid.distance(point(1.0, 25.0, 3.0)) - 3.0).abs() < 0.5);
        assert!(solid.distance(solid.centre) < -4.0);
        let line = [(point(0.0, 0.0, 0.0), 1.0), (point(10.0, 0.0, 0.0), 3.0)];
        assert!((tube(point(5.0, 4.0, 0.0), &line) - 2.0).abs() < 1e-5);
        assert!((tube(point(-3.0, 0.0, 0.0), &line) - 2.0).abs() < 1e-5);
    }
}
