//! Pictures that are made up, each different from all others by far.

use image::{ImageFormat, Luma};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A 16-bit grey picture: a smooth random field, another one for each number.
pub(crate) fn field(
    number: u64,
    width: u32,
    height: u32,
) -> image::ImageBuffer<Luma<u16>, Vec<u16>> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let waves: Vec<[f32; 4]> = (0..12)
        .map(|_| {
            [
                random() * 9.0 - 4.5,
                random() * 9.0 - 4.5,
                random() * 6.3,
                0.3 + random(),
            ]
        })
        .collect();
    image::ImageBuffer::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let sum: f32 = waves
            .iter()
            .map(|[a, b, phase, size]| size * (6.3 * (a * u + b * v) + phase).sin())
            .sum();
        Luma([(32768.0 + 3000.0 * sum).clamp(0.0, 65535.0) as u16])
    })
}

/// The field with 8 bits.
pub(crate) fn field8(number: u64, width: u32, height: u32) -> image::GrayImage {
    let sixteen = field(number, width, height);
    image::GrayImage::from_fn(width, height, |x, y| {
        Luma([(sixteen.get_pixel(x, y)[0] >> 8) as u8])
    })
}

/// A PNG of field `number`, 96x80 pixels.
pub(crate) fn png(number: u64) -> Vec<u8> {
    encode(
        &image::DynamicImage::ImageLuma8(field8(number, 96, 80)),
        ImageFormat::Png,
    )
}

/// An encoded picture.
pub(crate) fn encode(image: &image::DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A temporary folder to put files into.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path in it.
    pub(crate) fn join(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path().join(relative)
    }

    /// Writes a file, making its folders.
    pub(crate) fn write(&self, relative: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `yes` and `no` with `n` different pictures each, in the folder `name`.
    pub(crate) fn two_classes(&self, name: &str, n: u64) -> PathBuf {
        for i in 0..n {
            self.write(format!("{name}/yes/y{i}.png"), png(1 + i));
            self.write(format!("{name}/no/n{i}.png"), png(1001 + i));
        }
        self.join(name)
    }
}
