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
    0x00_00_04, 0x04_03_12, 0x0b_07_24, 0x15_0b_37, 0x21_0c_4a, 0x2f_0a_5b, 0x3d_09_65, 0x4a_0c_6b, 0x57_10_6e,
    0x64_15_6e, 0x71_19_6e, 0x7d_1e_6d, 0x8a_22_6a, 0x97_27_66, 0xa3_2c_61, 0xb0_31_5b, 0xbc_37_54, 0xc6_3d_4d,
    0xd0_45_45, 0xda_4e_3c, 0xe3_59_33, 0xeb_64_29, 0xf1_71_1f, 0xf6_7e_14, 0xf9_8c_0a, 0xfb_9b_06, 0xfc_aa_0f,
    0xfb_ba_1f, 0xf9_c9_32, 0xf5_d9_49, 0xf2_e8_65, 0xf3_f5_86, 0xfc_ff_a4,
];

#[rustfmt::skip]
const VIRIDIS: [u32; 33] = [
    0x44_01_54, 0x47_0d_60, 0x48_18_6a, 0x48_23_74, 0x47_2d_7b, 0x45_37_81, 0x42_40_86, 0x3e_49_89, 0x3b_52_8b,
    0x37_5b_8d, 0x33_63_8d, 0x2f_6b_8e, 0x2c_72_8e, 0x29_7a_8e, 0x26_82_8e, 0x23_89_8e, 0x21_91_8c, 0x1f_97_8b,
    0x1f_9f_88, 0x21_a6_85, 0x27_ad_81, 0x31_b5_7b, 0x3d_bc_74, 0x4c_c2_6c, 0x5c_c8_63, 0x6e_ce_58, 0x81_d3_4d,
    0x95_d8_40, 0xaa_dc_32, 0xc0_df_25, 0xd5_e2_1a, 0xea_e5_1a, 0xfd_e7_25,
];

/// Ends from Okabe and Ito's colour-blind safe palette (2008).
const BLUE_WHITE_ORANGE: [u32; 3] = [0x00_72_b2, 0xf7_f7_f7, 0xd5_5e_00];
const GREY: [u32; 2] = [0x00_00_00, 0xff_ff_ff];

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
