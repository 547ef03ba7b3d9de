//! Draws pairs of images side by side that the reference groups of copies have apart although they show one slice:
//! `docs/explanation/copies-disputed.csv`. The images are no part of the project; they are read from a local folder.
//!
//! `cargo run --release -p tumorlens-data --example disputed -- DATA OUT.png [--details] [TABLE.csv]`
//!
//! `DATA` holds the folders of the sets that the table names. With `--details` what is drawn is not the images but what
//! proves the pair: where their detail maps lie above 0, a quarter of the width. A mirrored pair is drawn with its second
//! image mirrored back. Another table has the columns of that one.
#![allow(clippy::print_stdout, reason = "an example says what it drew")]

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tumorlens_core::{GreyImage, Size};
use tumorlens_data::fingerprint::thumbnail::{Region, thumbnail};
use tumorlens_data::fingerprint::{Fingerprint, detail};
use tumorlens_data::format::raster::decode_file;
use tumorlens_data::limits::Limits;

/// Side of a drawn image.
const SIDE: usize = 160;
/// Between two pairs.
const GAP: usize = 8;
/// About the width of the sheet.
const WIDTH: usize = 1300;

type Failure = Box<dyn Error + Send + Sync>;

/// A square picture, values from 0 to 255.
struct Square {
    side: usize,
    pixels: Vec<u8>,
}

fn main() -> Result<(), Failure> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let details = args.iter().position(|a| a == "--details");
    let details = details.map(|at| args.remove(at)).is_some();
    let [data, out, rest @ ..] = args.as_slice() else {
        return Err("usage: disputed DATA OUT.png [--details] [TABLE.csv]".into());
    };
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let table = rest.first().map_or_else(
        || docs.join("explanation/copies-disputed.csv"),
        PathBuf::from,
    );
    let rows: Vec<csv::StringRecord> = csv::Reader::from_path(table)?
        .records()
        .collect::<Result<_, _>>()?;
    let pairs: Vec<[Square; 2]> = rows
        .par_iter()
        .map(|row| pair(Path::new(data), row, details))
        .collect::<Result<_, Failure>>()?;
    let side = pairs.first().map_or(1, |[a, _]| a.side);
    let across = WIDTH / (2 * side + GAP);
    let width = across * (2 * side + GAP) - GAP;
    let height = pairs.len().div_ceil(across) * (side + GAP) - GAP;
    let mut sheet = vec![128; width * height];
    for (i, pair) in pairs.iter().enumerate() {
        for (half, square) in pair.iter().enumerate() {
            let left = i % across * (2 * side + GAP) + half * side;
            let top = i / across * (side + GAP);
            for (y, line) in square.pixels.chunks(side).enumerate() {
                sheet[(top + y) * width + left..][..side].copy_from_slice(line);
            }
        }
    }
    let (w, h) = (u32::try_from(width)?, u32::try_from(height)?);
    let file = BufWriter::new(File::create(out)?);
    PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::NoFilter).write_image(
        &sheet,
        w,
        h,
        ExtendedColorType::L8,
    )?;
    println!("{} pairs, {across} in a row", pairs.len());
    Ok(())
}

/// Both images of a row of the table.
fn pair(data: &Path, row: &csv::StringRecord, details: bool) -> Result<[Square; 2], Failure> {
    let read = |column: usize| -> Result<GreyImage, Failure> {
        let file = data.join(&row[column]).join(&row[column + 1]);
        let decoded = decode_file(&file, &Limits::default());
        Ok(decoded
            .map_err(|e| format!("{}: {e}", file.display()))?
            .image)
    };
    let mirrored = &row[4] == "mirrored";
    let images = [read(0)?, read(2)?];
    let [a, mut b] = if details {
        proof(&images, mirrored)
    } else {
        images.map(|image| picture(&image))
    };
    if mirrored {
        b.pixels.chunks_mut(b.side).for_each(<[u8]>::reverse);
    }
    Ok([a, b])
}

/// An image brought to a square and to the whole range of grey.
fn picture(image: &GreyImage) -> Square {
    let size = Size {
        width: SIDE,
        height: SIDE,
    };
    let small = thumbnail(image, Region::whole(image.size()), size);
    let (low, high) = small.range().unwrap_or((0.0, 1.0));
    let grey = |v: &f32| (255.0 * (v - low) / (high - low).max(f32::EPSILON)) as u8;
    Square {
        side: SIDE,
        pixels: small.values().iter().map(grey).collect(),
    }
}

/// Where the detail maps of both lie above 0, in the view in which they agree best.
fn proof(images: &[GreyImage; 2], mirrored: bool) -> [Square; 2] {
    let prints = images.each_ref().map(Fingerprint::of);
    let views = prints.each_ref().map(|p| [&p.whole.detail, &p.head.detail]);
    let agreement = |i: usize| {
        let (a, b) = (views[0][i], views[1][i]);
        if mirrored {
            a.mirrored_correlation(b)
        } else {
            a.correlation(b)
        }
    };
    let best = usize::from(agreement(1) > agreement(0));
    views.map(|view| Square {
        side: detail::SIDE,
        pixels: view[best]
            .values()
            .iter()
            .map(|v| if *v > 0 { 255 } else { 0 })
            .collect(),
    })
}
