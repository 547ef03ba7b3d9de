//! Draws the pairs of `docs/explanation/copies-disputed.csv` side by side: images that show one slice although the
//! reference groups have them apart. The images are no part of the project; they are read from a local folder.
//!
//! `cargo run --release -p tumorlens-data --example disputed -- DATA OUT.png [FIRST] [COUNT]`
//!
//! `DATA` holds the folders of the sets that the table names. `FIRST` (from 0) and `COUNT` choose pairs; without them
//! 24 pairs spread over the whole table are drawn. A mirrored pair is drawn with its second image mirrored back.
#![allow(clippy::print_stdout, reason = "an example says what it drew")]

use std::error::Error;
use std::path::Path;
use tumorlens_core::{GreyImage, Size};
use tumorlens_data::fingerprint::thumbnail::{Region, thumbnail};
use tumorlens_data::format::raster::decode_file;
use tumorlens_data::limits::Limits;

/// Longest side of a drawn image, and the gap between two pairs, in pixels.
const SIDE: usize = 160;
const GAP: usize = 8;
/// Pairs in a row of the picture, and pairs drawn unless COUNT says otherwise.
const ACROSS: usize = 4;
const SHOWN: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, out, rest @ ..] = args.as_slice() else {
        return Err("usage: disputed DATA OUT.png [FIRST] [COUNT]".into());
    };
    let table = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/explanation/copies-disputed.csv"
    ));
    let rows: Vec<csv::StringRecord> = csv::Reader::from_path(table)?
        .records()
        .collect::<Result<_, _>>()?;
    let chosen: Vec<usize> = match rest {
        [] => (0..SHOWN).map(|i| i * rows.len() / SHOWN).collect(),
        [first, count @ ..] => {
            let first: usize = first.parse()?;
            let count = count.first().map_or(Ok(SHOWN), |count| count.parse())?;
            (first..rows.len()).take(count).collect()
        }
    };
    let mut sheet = Sheet::new(chosen.len());
    for (place, &number) in chosen.iter().enumerate() {
        let row = &rows[number];
        for (half, column) in [0, 2].into_iter().enumerate() {
            let file = Path::new(data).join(&row[column]).join(&row[column + 1]);
            let image = decode_file(&file, &Limits::default())
                .map_err(|e| format!("{}: {e}", file.display()))?
                .image;
            sheet.paste(&image, place, half, half == 1 && &row[4] == "mirrored");
        }
        println!(
            "row {}, pair {}: {number}: {}/{} and {}/{}, {} {}",
            place / ACROSS + 1,
            place % ACROSS + 1,
            &row[0],
            &row[1],
            &row[2],
            &row[3],
            &row[4],
            &row[5]
        );
    }
    sheet.save(Path::new(out))
}

/// A picture of pairs.
struct Sheet {
    width: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    fn new(pairs: usize) -> Self {
        let width = ACROSS * (2 * SIDE + GAP);
        let height = pairs.div_ceil(ACROSS) * (SIDE + GAP);
        Self {
            width,
            pixels: vec![255; width * height],
        }
    }

    /// Puts an image, stretched to the whole range of grey, into one half of a pair.
    fn paste(&mut self, image: &GreyImage, place: usize, half: usize, mirrored: bool) {
        let longest = image.width().max(image.height());
        let side = |length: usize| (length * SIDE / longest).max(1);
        let size = Size {
            width: side(image.width()),
            height: side(image.height()),
        };
        let small = thumbnail(image, Region::whole(image.size()), size);
        let (low, high) = small.range().unwrap_or((0.0, 1.0));
        let left = place % ACROSS * (2 * SIDE + GAP) + half * SIDE;
        let top = place / ACROSS * (SIDE + GAP);
        for (i, value) in small.values().iter().enumerate() {
            let x = if mirrored {
                size.width - 1 - i % size.width
            } else {
                i % size.width
            };
            let grey = 255.0 * (value - low) / (high - low).max(f32::EPSILON);
            self.pixels[(top + i / size.width) * self.width + left + x] = grey as u8;
        }
    }

    fn save(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let height = self.pixels.len() / self.width;
        let (width, height) = (u32::try_from(self.width)?, u32::try_from(height)?);
        image::save_buffer(path, &self.pixels, width, height, image::ColorType::L8)?;
        Ok(())
    }
}
