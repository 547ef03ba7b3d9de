//! The slices of one series or volume: their common answer, and their maps as a volume in the place of the scan.

use anyhow::Context;
use std::path::{Path, PathBuf};
use tumorlens_core::{GreyImage, Judgement};
use tumorlens_data::format::dicom::place::Place;
use tumorlens_data::format::nifti::write::encode;
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::Found;
use tumorlens_data::scan::path_text::to_text;
use tumorlens_data::slice::{Opened, Part, Volumes, split};
use tumorlens_nn::bundle::Bundle;

pub(super) struct Series {
    number: usize,
    first: Found,
    /// File of the first slice.
    file: PathBuf,
    /// Slices come from one file.
    one_file: bool,
    judgements: Vec<Judgement>,
    maps: Vec<(Part, Option<Place>, GreyImage)>,
}

impl Series {
    pub(super) fn new(number: usize, first: &Found) -> Self {
        Self {
            number,
            file: split(&first.path).0,
            first: first.clone(),
            one_file: true,
            judgements: Vec::new(),
            maps: Vec::new(),
        }
    }

    /// Its first slice.
    pub(super) fn first(&self) -> &Found {
        &self.first
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn len(&self) -> usize {
        self.judgements.len()
    }

    /// The volume's file, or the folder of the first of several.
    pub(super) fn path(&self) -> &Path {
        let folder = self.file.parent().filter(|_| !self.one_file);
        folder.unwrap_or(&self.file)
    }

    pub(super) fn add(&mut self, found: &Found, judgement: Judgement, map: Option<GreyImage>) {
        let (file, part) = split(&found.path);
        self.one_file &= file == self.file;
        self.judgements.push(judgement);
        let place = found.scan.as_ref().and_then(|s| s.place);
        self.maps.extend(map.map(|map| (part, place, map)));
    }

    /// The answer on all slices; nothing on a single one, which has its own line.
    pub(super) fn answer(&self, bundle: &Bundle) -> Option<Judgement> {
        (self.len() > 1)
            .then(|| bundle.judge_together(&self.judgements))
            .flatten()
    }

    /// The maps as NIfTI; `None` without maps, or when the slices do not lie one above the other.
    pub(super) fn map(&self, volumes: &Volumes) -> anyhow::Result<Option<Vec<u8>>> {
        let Some((first, _, _)) = self.maps.first() else {
            return Ok(None);
        };
        match first {
            Part::Slice(..) => self.volume_map(volumes).map(Some),
            Part::Whole | Part::Frame(_) => self.stack_map(),
        }
    }

    /// On the voxels of the volume; slices that were not judged hold the lowest value.
    fn volume_map(&self, volumes: &Volumes) -> anyhow::Result<Vec<u8>> {
        let opened = volumes.open(&self.file, &Limits::default())?;
        let Opened::Volume(volume) = &*opened else {
            anyhow::bail!("{} is no volume any more", to_text(&self.file));
        };
        let lowest = self
            .maps
            .iter()
            .flat_map(|(_, _, map)| map.values())
            .copied()
            .fold(f32::MAX, f32::min);
        let mut voxels = vec![lowest; volume.shape().iter().product()];
        // Where several planes were cut, the first one judged is drawn.
        let plane = self.maps.first().and_then(|(part, _, _)| part.plane());
        for (part, _, map) in &self.maps {
            if let Part::Slice(p, index) = part
                && plane == Some(*p)
            {
                volume.put(*p, *index, map, &mut voxels);
            }
        }
        encode(volume.shape(), volume.affine(), &voxels).context("the map's volume")
    }

    /// Columns, rows and slices of a DICOM series.
    fn stack_map(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let places: Option<Vec<Place>> = self.maps.iter().map(|(_, place, _)| *place).collect();
        let Some(places) = places.filter(|p| p.len() > 1) else {
            return Ok(None);
        };
        let size = self.maps[0].2.size();
        let span = places[places.len() - 1].along_normal() - places[0].along_normal();
        let step = span / (places.len() - 1) as f64;
        let even = places.windows(2).all(|pair| {
            let gap = pair[1].along_normal() - pair[0].along_normal();
            (gap - step).abs() < 0.1 * step.abs()
        });
        if step <= 0.0 || !even || self.maps.iter().any(|(_, _, map)| map.size() != size) {
            return Ok(None);
        }
        let voxels: Vec<f32> = self
            .maps
            .iter()
            .flat_map(|(_, _, map)| map.values())
            .copied()
            .collect();
        let shape = [size.width, size.height, places.len()];
        let bytes = encode(shape, &places[0].affine(step), &voxels).context("the map's volume")?;
        Ok(Some(bytes))
    }
}
