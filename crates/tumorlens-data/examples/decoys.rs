//! Draws decoys as a network sees them: `cargo run -p tumorlens-data --example decoys -- FOLDER OUT.png`, with a folder of pictures
//! that are wrecked.

use std::error::Error;
use std::path::PathBuf;
use tumorlens_core::{ClassSet, PreprocessSpec, SampleSource, Seed, View};
use tumorlens_data::decoy::Decoys;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::source::DatasetSource;
use tumorlens_data::transform::AugmentConfig;

/// Decoys across and down the sheet.
const SHEET: [usize; 2] = [16, 8];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(out)) = (args.next(), args.next()) else {
        return Err("expected a folder of pictures and a name for the sheet".into());
    };
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        rows.push(ManifestRow {
            path: entry?.file_name().to_string_lossy().into_owned(),
            label: "tumor".to_owned(),
            ..ManifestRow::default()
        });
    }
    rows.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let spec = PreprocessSpec {
        size: 80,
        ..PreprocessSpec::default()
    };
    let none = AugmentConfig::none();
    let heads = DatasetSource::new(&folder, &rows, &ClassSet::tumor(), &spec, &none)?;
    let [across, down] = SHEET;
    let decoys = Decoys::new(&heads, across * down, Seed(1));
    let side = spec.size;
    let mut sheet = image::GrayImage::new((across * side) as u32, (down * side) as u32);
    for index in 0..decoys.len() {
        let sample = decoys.load(index, View::Plain)?;
        for (pixel, value) in sample.input.iter().take(side * side).enumerate() {
            let (x, y) = (
                index % across * side + pixel % side,
                index / across * side + pixel / side,
            );
            let grey = (value * spec.window.std + spec.window.mean).clamp(0.0, 1.0);
            sheet.put_pixel(x as u32, y as u32, image::Luma([(255.0 * grey) as u8]));
        }
    }
    sheet.save(out)?;
    Ok(())
}
