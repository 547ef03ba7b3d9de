//! TIFF files that keep each channel in a plane of its own (PlanarConfiguration 2).

use super::{Bytes, damaged, eight_or_sixteen};
use crate::format::error::DecodeError;
use crate::format::raster::stored::Samples;
use ::tiff::decoder::Decoder;
use tumorlens_core::Size;

/// Reads every strip or tile of every plane and lays the channels of a pixel side by side.
pub(super) fn read(
    decoder: &mut Decoder<Bytes<'_>>,
    size: Size,
    planes: usize,
) -> Result<Samples, DecodeError> {
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    let (chunk_width, chunk_height) = (chunk_width as usize, chunk_height as usize);
    if chunk_width == 0 || chunk_height == 0 {
        return Err(damaged("its strips or tiles are empty"));
    }
    let across = size.width.div_ceil(chunk_width);
    let chunks = across * size.height.div_ceil(chunk_height);
    let mut whole: Option<Samples> = None;
    for index in 0..planes * chunks {
        let number = u32::try_from(index).map_err(damaged)?;
        let chunk = eight_or_sixteen(decoder.read_chunk(number).map_err(damaged)?)?;
        let (plane, place) = (index / chunks, index % chunks);
        let width = decoder.chunk_data_dimensions(number).0 as usize;
        let grid = Grid {
            left: (place % across) * chunk_width,
            top: (place / across) * chunk_height,
            width,
            image: size,
            plane,
            planes,
        };
        match (&mut whole, chunk) {
            (Some(Samples::U8(to)), Samples::U8(from)) => grid.copy(&from, to),
            (Some(Samples::U16(to)), Samples::U16(from)) => grid.copy(&from, to),
            (slot @ None, Samples::U8(from)) => {
                let mut to = vec![0; size.area() * planes];
                grid.copy(&from, &mut to);
                *slot = Some(Samples::U8(to));
            }
            (slot @ None, Samples::U16(from)) => {
                let mut to = vec![0; size.area() * planes];
                grid.copy(&from, &mut to);
                *slot = Some(Samples::U16(to));
            }
            _ => return Err(damaged("its planes differ in depth")),
        }
    }
    whole.ok_or_else(|| damaged("it has no planes"))
}

/// Where one chunk belongs.
struct Grid {
    left: usize,
    top: usize,
    width: usize,
    image: Size,
    plane: usize,
    planes: usize,
}

impl Grid {
    fn copy<T: Copy>(&self, from: &[T], to: &mut [T]) {
        for (row, values) in from.chunks(self.width.max(1)).enumerate() {
            let y = self.top + row;
            let inside = values
                .iter()
                .take(self.image.width.saturating_sub(self.left));
            for (x, &value) in inside.enumerate().filter(|_| y < self.image.height) {
                to[(y * self.image.width + self.left + x) * self.planes + self.plane] = value;
            }
        }
    }
}
