//! Smooth random fields: gradient noise (Perlin 2002) on a hashed lattice.

use super::space::Point;
use tumorlens_core::Seed;

/// A random field with mean 0 and values mostly within -0.7 to 0.7; features are about one unit wide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field(u32);

impl Field {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(seed.0 as u32)
    }

    /// The value at a point in units of the feature size.
    pub(crate) fn at(self, p: Point) -> f32 {
        let (ix, iy, iz) = (floor(p.x), floor(p.y), floor(p.z));
        let (x, y, z) = (p.x - ix as f32, p.y - iy as f32, p.z - iz as f32);
        let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
        let (u, v) = (fade(x), fade(y));
        let corner = |dx: i32, dy: i32, dz: i32| {
            let hash = self.hash(
                ix.wrapping_add(dx),
                iy.wrapping_add(dy),
                iz.wrapping_add(dz),
            );
            gradient(hash, x - dx as f32, y - dy as f32, z - dz as f32)
        };
        let lerp = |a: f32, b: f32, t: f32| a + t * (b - a);
        let plane = |dz: i32| {
            let near = lerp(corner(0, 0, dz), corner(1, 0, dz), u);
            let far = lerp(corner(0, 1, dz), corner(1, 1, dz), u);
            lerp(near, far, v)
        };
        lerp(plane(0), plane(1), fade(z))
    }

    /// The value at a point in millimetres for features `width` millimetres wide.
    pub(super) fn at_mm(self, p: Point, width: f32) -> f32 {
        self.at(p * (1.0 / width))
    }

    fn hash(self, x: i32, y: i32, z: i32) -> u32 {
        let mut h = self.0
            ^ (x as u32).wrapping_mul(0x9e37_79b1)
            ^ (y as u32).wrapping_mul(0x85eb_ca77)
            ^ (z as u32).wrapping_mul(0xc2b2_ae3d);
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        h ^ (h >> 15)
    }
}

/// Rounds down; `f32::floor` is a call into the C library on plain x86-64, and this is the innermost loop.
fn floor(v: f32) -> i32 {
    let whole = v as i32;
    whole - i32::from(v < whole as f32)
}

/// The scalar product with one of the twelve directions to the edges of a cube.
fn gradient(hash: u32, x: f32, y: f32, z: f32) -> f32 {
    let side = hash & 15;
    let u = if side < 8 { x } else { y };
    let v = match side {
        0..4 => y,
        12 | 14 => x,
        _ => z,
    };
    let signed = |v: f32, bit: u32| if hash & bit == 0 { v } else { -v };
    signed(u, 1) + signed(v, 2)
}

#[cfg(test)]
mod tests {
    use super::super::space::point;
    use super::*;

    #[test]
    fn the_field_is_continuous_bounded_and_its_own() {
        let field = Field::new(Seed(3));
        let mut largest = 0.0f32;
        for i in 0..4000 {
            let p = point(
                i as f32 * 0.013 - 20.0,
                i as f32 * 0.007,
                -3.0 + i as f32 * 0.011,
            );
            let step = (field.at(p) - field.at(p + point(1e-3, 0.0, 0.0))).abs();
            assert!(step < 0.01, "a jump of {step}");
            largest = largest.max(field.at(p).abs());
        }
        assert!((0.4..1.2).contains(&largest), "{largest}");
        let p = point(0.3, 0.4, 0.6);
        assert!(field.at(p) != Field::new(Seed(4)).at(p));
    }
}
