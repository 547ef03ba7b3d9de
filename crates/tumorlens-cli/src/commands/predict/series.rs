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
    /// Of every slice of which a map was wanted; none of those that were refused.
    maps: Vec<(Part, Option<Place>, Option<GreyImage>)>,
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
        self.judgements.push(judgement);
        self.place(found, map);
    }

    /// A slice that is not judged: it holds its place among the others' maps.
    pub(super) fn add_refused(&mut self, found: &Found) {
        self.place(found, None);
    }

    fn place(&mut self, found: &Found, map: Option<GreyImage>) {
        let (file, part) = split(&found.path);
        self.one_file &= file == self.file;
        let place = found.scan.as_ref().and_then(|s| s.place);
        self.maps.push((part, place, map));
    }

    /// The answer on all slices; nothing on a single one, which has its own line.
    pub(super) fn answer(&self, bundle: &Bundle) -> Option<Judgement> {
        (self.len() > 1)
            .then(|| bundle.judge_together(&self.judgements))
            .flatten()
    }

    /// The maps as NIfTI; `None` without maps, or when the slices do not lie one above the other.
    pub(super) fn map(&self, volumes: &Volumes) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(first) = self.maps.iter().position(|(_, _, map)| map.is_some()) else {
            return Ok(None);
        };
        match self.maps[first].0 {
            Part::Slice(..) => self.volume_map(volumes).map(Some),
            Part::Whole | Part::Frame(_) => self.stack_map(),
        }
    }

    /// What a voxel holds that no slice's map covers.
    fn lowest(&self) -> f32 {
        let maps = self.maps.iter().filter_map(|(_, _, map)| map.as_ref());
        maps.flat_map(GreyImage::values)
            .copied()
            .fold(f32::MAX, f32::min)
    }

    /// On the voxels of the volume; slices that were not judged hold the lowest value.
    fn volume_map(&self, volumes: &Volumes) -> anyhow::Result<Vec<u8>> {
        let opened = volumes.open(&self.file, &Limits::default())?;
        let Opened::Volume(volume) = &*opened else {
            anyhow::bail!("{} is no volume any more", to_text(&self.file));
        };
        let mut voxels = vec![self.lowest(); volume.shape().iter().product()];
        // Where several planes were cut, the first one judged is drawn.
        let drawn = || {
            self.maps
                .iter()
                .filter_map(|(part, _, map)| Some((part, map.as_ref()?)))
        };
        let plane = drawn().next().and_then(|(part, _)| part.plane());
        for (part, map) in drawn() {
            if let Part::Slice(p, index) = part
                && plane == Some(*p)
            {
                volume.put(*p, *index, map, &mut voxels);
            }
        }
        encode(volume.shape(), volume.affine(), &voxels).context("the map's volume")
    }

    /// Columns, rows and slices of a DICOM series; slices that were not judged hold the lowest value.
    fn stack_map(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let places: Option<Vec<Place>> = self.maps.iter().map(|(_, place, _)| *place).collect();
        let Some(places) = places.filter(|p| p.len() > 1) else {
            return Ok(None);
        };
        let maps = || self.maps.iter().map(|(_, _, map)| map.as_ref());
        let Some(size) = maps().flatten().next().map(GreyImage::size) else {
            return Ok(None);
        };
        let span = places[places.len() - 1].along_normal() - places[0].along_normal();
        let step = span / (places.len() - 1) as f64;
        let even = places.windows(2).all(|pair| {
            let gap = pair[1].along_normal() - pair[0].along_normal();
            (gap - step).abs() < 0.1 * step.abs()
        });
        if step <= 0.0 || !even || maps().flatten().any(|map| map.size() != size) {
            return Ok(None);
        }
        let empty = vec![self.lowest(); size.area()];
        let voxels: Vec<f32> = maps()
            .flat_map(|map| map.map_or(&empty[..], GreyImage::values))
            .copied()
            .collect();
        let shape = [size.width, size.height, places.len()];
        let bytes = encode(shape, &places[0].affine(step), &voxels).context("the map's volume")?;
        Ok(Some(bytes))
    }
}
