//! Which values a display shows from black to white: windows (DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3) and tables
//! (C.11.2.1.1).

use super::data_set::DataSet;
use super::groups::Groups;
use super::lut::Lut;
use super::tag;

/// How values between the ends of a window are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The default: a line whose ends are half a value inside.
    Linear,
    /// A line from end to end.
    LinearExact,
    /// An S-shaped curve without ends.
    Sigmoid,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Middle.
    pub center: f64,
    /// Width: at least 1 for [`Function::Linear`], above 0 for the others.
    pub width: f64,
    /// Shape.
    pub function: Function,
}

/// How a file proposes to show values of its modality.
#[derive(Clone, Debug, PartialEq)]
pub enum Display {
    /// A window.
    Window(Window),
    /// A table (VOI LUT).
    Table(Lut),
}

impl Display {
    /// The first proposal of a file, of its first frame where each has its own; `None` when there is none or it is
    /// damaged. Of a window and a table, which are equal alternatives (C.11.2), the window is taken.
    #[must_use]
    pub fn read(set: &DataSet<'_>, groups: &Groups<'_>, signed: bool) -> Option<Self> {
        let of_frame = groups.get(0, tag::FRAME_VOI_LUT_SEQUENCE).ok().flatten();
        let set = of_frame.as_ref().unwrap_or(set);
        if let Some(window) = Window::read(set) {
            return Some(Self::Window(window));
        }
        let tables = set.items(tag::VOI_LUT_SEQUENCE).ok()?;
        Lut::read(tables.first()?, tag::LUT_DESCRIPTOR, tag::LUT_DATA, signed)
            .ok()
            .map(Self::Table)
    }

    /// Brightness of a value of the modality, 0 to 1.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        match self {
            Self::Window(window) => window.apply(value),
            Self::Table(lut) => {
                let white = f64::from((1u32 << lut.bits.min(16)) - 1);
                (lut.get(value) / white).min(1.0)
            }
        }
    }
}

impl Window {
    /// The first window of a data set; `None` when there is none or it is damaged. A display then chooses its
    /// own: the stored values do not depend on it.
    fn read(set: &DataSet<'_>) -> Option<Self> {
        let center = set.decimal(tag::WINDOW_CENTER).ok().flatten()?;
        let width = set.decimal(tag::WINDOW_WIDTH).ok().flatten()?;
        let function = match set.text(tag::VOI_LUT_FUNCTION).as_deref() {
            None | Some("LINEAR") => Function::Linear,
            Some("LINEAR_EXACT") => Function::LinearExact,
            Some("SIGMOID") => Function::Sigmoid,
            Some(_) => return None,
        };
        let least = if function == Function::Linear {
            1.0
        } else {
            0.0
        };
        (width > 0.0 && width >= least).then_some(Self {
            center,
            width,
            function,
        })
    }

    /// Brightness of a value of the modality, 0 to 1.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        let (c, w) = (self.center, self.width);
        match self.function {
            Function::Linear if value <= c - 0.5 - (w - 1.0) / 2.0 => 0.0,
            Function::Linear if value > c - 0.5 + (w - 1.0) / 2.0 => 1.0,
            Function::Linear => (value - (c - 0.5)) / (w - 1.0) + 0.5,
            Function::LinearExact => ((value - c) / w + 0.5).clamp(0.0, 1.0),
            Function::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - c) / w).exp()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(center: f64, width: f64, function: Function) -> Window {
        Window {
            center,
            width,
            function,
        }
    }

    #[test]
    fn the_examples_of_the_standard_hold() {
        // PS3.3 C.11.2.1.2.1: c = 2048, w = 4096 shows 0 to 4095; c = 0, w = 100; c = 0, w = 1 is a threshold.
        let full = window(2048.0, 4096.0, Function::Linear);
        assert_eq!((full.apply(0.0), full.apply(4095.0)), (0.0, 1.0));
        let hundred = window(0.0, 100.0, Function::Linear);
        assert_eq!((hundred.apply(-50.0), hundred.apply(49.1)), (0.0, 1.0));
        assert!((hundred.apply(-0.5) - 0.5).abs() < 1e-12);
        let threshold = window(0.0, 1.0, Function::Linear);
        assert_eq!((threshold.apply(-0.5), threshold.apply(-0.4)), (0.0, 1.0));
        let exact = window(0.0, 100.0, Function::LinearExact);
        assert_eq!(
            (exact.apply(-50.0), exact.apply(0.0), exact.apply(50.0)),
            (0.0, 0.5, 1.0)
        );
        let curve = window(0.0, 100.0, Function::Sigmoid);
        assert_eq!(curve.apply(0.0), 0.5);
        assert!(curve.apply(1000.0) > 0.999 && curve.apply(-1000.0) < 0.001);
    }

    #[test]
    fn a_table_shows_its_ends_beyond_its_ends() {
        let display = Display::Table(Lut {
            first: 100,
            entries: vec![0, 1023, 4095],
            bits: 12,
        });
        assert_eq!((display.apply(0.0), display.apply(500.0)), (0.0, 1.0));
        assert!((display.apply(101.0) - 1023.0 / 4095.0).abs() < 1e-12);
    }
}
