//! Stored samples to grey.

use super::DecodeError;
use super::stored::{Channels, Samples, Stored};
use tumorlens_core::GreyImage;

/// Grey values in stored units, not turned. Colour by ITU-R BT.601 luma in integers, alpha over black.
pub(super) fn grey(stored: Stored) -> Result<GreyImage, DecodeError> {
    if !stored.holds_pixels {
        return Err(DecodeError::damaged(
            stored.format.name(),
            "the file ends before its first pixel",
        ));
    }
    if stored.channels == Channels::Cmyk {
        return Err(DecodeError::Unsupported {
            format: stored.format.name(),
            what: "grey of CMYK colour".to_owned(),
        });
    }
    let values = match &stored.samples {
        Samples::U8(samples) => convert(samples, stored.channels, 255),
        Samples::U16(samples) => convert(samples, stored.channels, 65535),
    };
    GreyImage::new(stored.size, values).map_err(|e| DecodeError::damaged(stored.format.name(), e))
}

/// Share of the pixels whose channels are further apart than 30 of 255.
pub(super) fn coloured(stored: &Stored) -> f32 {
    match &stored.samples {
        Samples::U8(samples) => share(samples, stored.channels, 30),
        Samples::U16(samples) => share(samples, stored.channels, 30 * 257),
    }
}

fn share<T: Copy + Into<u32>>(samples: &[T], channels: Channels, apart: u32) -> f32 {
    if matches!(channels, Channels::L | Channels::La) {
        return 0.0;
    }
    let pixels = samples.chunks_exact(channels.count());
    let count = pixels.len().max(1);
    let coloured = pixels.filter(|p| {
        let values: [u32; 3] = [p[0].into(), p[1].into(), p[2].into()];
        let (low, high) = values
            .iter()
            .fold((u32::MAX, 0), |(l, h), v| (l.min(*v), h.max(*v)));
        high - low > apart
    });
    coloured.count() as f32 / count as f32
}

fn convert<T: Copy + Into<u32>>(samples: &[T], channels: Channels, opaque: u32) -> Vec<f32> {
    let over_black = |grey: u32, alpha: u32| {
        if alpha == opaque {
            grey as f32
        } else {
            (f64::from(grey) * f64::from(alpha) / f64::from(opaque)) as f32
        }
    };
    let pixels = samples.chunks_exact(channels.count());
    match channels {
        Channels::L => samples.iter().map(|&v| v.into() as f32).collect(),
        Channels::La => pixels
            .map(|p| over_black(p[0].into(), p[1].into()))
            .collect(),
        Channels::Rgb | Channels::RgbX | Channels::Cmyk => pixels
            .map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as f32)
            .collect(),
        Channels::Rgba => pixels
            .map(|p| over_black(luma(p[0].into(), p[1].into(), p[2].into()), p[3].into()))
            .collect(),
    }
}

/// BT.601 luma 0.299 R + 0.587 G + 0.114 B in 1/65536, rounded; the weights sum to 65536, so that grey stays grey.
/// The same integers as Pillow's `convert("L")`. 65535 * 65536 + 32768 still fits.
fn luma(r: u32, g: u32, b: u32) -> u32 {
    (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16
}

#[cfg(test)]
mod tests {
    use super::luma;

    #[test]
    fn a_grey_pixel_stored_as_colour_keeps_its_value_at_every_depth() {
        for v in (0..=255).chain((0..=65535).step_by(257)).chain([65535]) {
            assert_eq!(luma(v, v, v), v);
        }
    }

    #[test]
    fn luma_has_the_weights_of_bt_601() {
        // Pillow 11: Image.new("RGB", (1, 1), c).convert("L").getpixel((0, 0)) for the three primaries.
        assert_eq!(
            (luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255)),
            (76, 150, 29)
        );
    }
}
