//! Colour maps whose steps look equally large, also to colour-blind readers and in grey print.
//!
//! Inferno and viridis by Nathaniel Smith and Stéfan van der Walt (2015, released as CC0; matplotlib `_cm_listed.py`),
//! sampled at 33 places of their 256 and interpolated linearly between: nowhere more than 2 of 255 off.

/// A colour map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourMap {
    /// Black over purple and orange to yellow: heat maps on grey images.
    Inferno,
    /// Purple over green to yellow: feature maps.
    Viridis,
    /// Blue over white to orange, white in the middle: signed values such as filters.
    BlueWhiteOrange,
    /// Black to white.
    Grey,
}

#[rustfmt::skip]
const INFERNO: [u32; 33] = [
    0x000004, 0x040312, 0x0b0724, 0x150b37, 0x210c4a, 0x2f0a5b, 0x3d0965, 0x4a0c6b, 0x57106e,
    0x64156e, 0x71196e, 0x7d1e6d, 0x8a226a, 0x972766, 0xa32c61, 0xb0315b, 0xbc3754, 0xc63d4d,
    0xd04545, 0xda4e3c, 0xe35933, 0xeb6429, 0xf1711f, 0xf67e14, 0xf98c0a, 0xfb9b06, 0xfcaa0f,
    0xfbba1f, 0xf9c932, 0xf5d949, 0xf2e865, 0xf3f586, 0xfcffa4,
];

#[rustfmt::skip]
const VIRIDIS: [u32; 33] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b,
    0x375b8d, 0x33638d, 0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f978b,
    0x1f9f88, 0x21a685, 0x27ad81, 0x31b57b, 0x3dbc74, 0x4cc26c, 0x5cc863, 0x6ece58, 0x81d34d,
    0x95d840, 0xaadc32, 0xc0df25, 0xd5e21a, 0xeae51a, 0xfde725,
];

/// Ends from Okabe and Ito's colour-blind safe palette (2008).
const BLUE_WHITE_ORANGE: [u32; 3] = [0x0072b2, 0xf7f7f7, 0xd55e00];
const GREY: [u32; 2] = [0x000000, 0xffffff];

impl ColourMap {
    /// The colour at `t`, which is clamped to [0, 1]; NaN is taken as 0.
    #[must_use]
    pub fn at(self, t: f32) -> [u8; 3] {
        let table: &[u32] = match self {
            Self::Inferno => &INFERNO,
            Self::Viridis => &VIRIDIS,
            Self::BlueWhiteOrange => &BLUE_WHITE_ORANGE,
            Self::Grey => &GREY,
        };
        let last = table.len() - 1;
        let place = if t.is_nan() {
            0.0
        } else {
            t.clamp(0.0, 1.0) * last as f32
        };
        let below = (place as usize).min(last);
        let above = (below + 1).min(last);
        let share = place - below as f32;
        let (a, b) = (channels(table[below]), channels(table[above]));
        std::array::from_fn(|i| {
            let (a, b) = (f32::from(a[i]), f32::from(b[i]));
            (a + (b - a) * share).round() as u8
        })
    }
}

fn channels(rgb: u32) -> [u8; 3] {
    let [_, red, green, blue] = rgb.to_be_bytes();
    [red, green, blue]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries 60, 100 and 200 of matplotlib 3's `inferno.colors` and `viridis.colors`, times 255, rounded.
    #[test]
    fn colours_agree_with_matplotlib_between_the_sampled_places() {
        for (map, i, expected) in [
            (ColourMap::Inferno, 60u8, [81u8, 14, 108]),
            (ColourMap::Inferno, 100, [144, 37, 104]),
            (ColourMap::Inferno, 200, [251, 157, 7]),
            (ColourMap::Viridis, 60, [61, 78, 138]),
            (ColourMap::Viridis, 100, [42, 118, 142]),
            (ColourMap::Viridis, 200, [112, 207, 87]),
        ] {
            let found = map.at(f32::from(i) / 255.0);
            for channel in 0..3 {
                assert!(
                    found[channel].abs_diff(expected[channel]) <= 2,
                    "{map:?} {i}: {found:?} {expected:?}"
                );
            }
        }
    }

    #[test]
    fn ends_are_exact_and_what_is_not_a_number_is_the_low_end() {
        assert_eq!(ColourMap::Inferno.at(1.0), [0xfc, 0xff, 0xa4]);
        assert_eq!(ColourMap::Inferno.at(7.0), ColourMap::Inferno.at(1.0));
        assert_eq!(ColourMap::Viridis.at(f32::NAN), ColourMap::Viridis.at(0.0));
        assert_eq!(ColourMap::BlueWhiteOrange.at(0.5), [0xf7; 3]);
    }
}
