//! A roofline (Williams, Waterman and Patterson 2009): what layers reach, beside what the processor could do.

mod labels;

use super::axes::{Axis, Plot, series};
use crate::number::{decimals, number, percent};
use crate::svg::{FigureError, Svg};
use labels::{Spot, Taken, labels};

const FIGURE: &str = "roofline";
const HEIGHT: f64 = 330.0;
/// Radius of a part that is the whole step; areas are shares.
const RADIUS: f64 = 46.0;
const SMALLEST: f64 = 2.0;
const LARGEST: f64 = 22.0;
/// Parts below this share of the step are left out: they would stretch the axes and cannot be seen.
const SHARE: f64 = 0.001;
/// The flat roof ends at so many times the ridge at least: there is room for its name.
const ROOF: f64 = 8.0;
/// Names beside parts, and the share from which on a part has one.
const NAMES: usize = 8;
const NAMED: f64 = 0.015;

/// A step of a network and the two roofs above it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roofline {
    /// One line above the chart.
    pub title: String,
    /// Billions of operations a second, at most.
    pub peak_gflops: f64,
    /// Billions of bytes a second from memory, at most.
    pub bandwidth_gbs: f64,
    /// Kinds of work, at most six; each has its colour and, where there is a part of it, an entry of the legend.
    pub groups: Vec<String>,
    /// Parts of the step that compute something.
    pub parts: Vec<RooflinePart>,
}

/// A part of a layer's work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RooflinePart {
    /// Name of the layer.
    pub layer: String,
    /// What of its work, in words.
    pub work: String,
    /// Which of [`Roofline::groups`] it belongs to.
    pub group: usize,
    /// Share of the step's time, 0 to 1.
    pub share: f64,
    /// Operations a byte.
    pub intensity: f64,
    /// Billions of operations a second.
    pub gflops: f64,
}

/// Operations a second by operations a byte, both logarithmic, below the two roofs; a spot a part, its area the share of
/// the time, the largest named. Parts below a thousandth of the time are left out. Nothing without a part.
///
/// # Errors
/// When a number is not finite or not above 0.
pub fn roofline(of: &Roofline) -> Result<Option<Svg>, FigureError> {
    let mut parts: Vec<&RooflinePart> = of
        .parts
        .iter()
        .filter(|p| p.share >= SHARE || p.share.is_nan())
        .collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let roofs = [of.peak_gflops, of.bandwidth_gbs];
    let sizes = parts.iter().map(|p| p.share);
    if roofs
        .into_iter()
        .chain(sizes)
        .any(|v| !(v.is_finite() && v > 0.0))
    {
        return Err(FigureError::new(FIGURE, "a number is not above 0"));
    }
    // The smallest last, so that it lies on top.
    parts.sort_by(|a, b| b.share.total_cmp(&a.share));
    let ridge = of.peak_gflops / of.bandwidth_gbs;
    let across = parts.iter().map(|p| p.intensity);
    let x = Axis::powers(
        FIGURE,
        "operations a byte",
        across.chain([ridge, ROOF * ridge]),
    )?;
    let up = parts.iter().map(|p| p.gflops);
    let y = Axis::powers(FIGURE, "GFLOP/s", up.chain([of.peak_gflops]))?;
    let classes: Vec<String> = (0..of.groups.len())
        .map(|i| format!("spot {}", series(i)))
        .collect();
    let mut legend = vec![("title", of.title.clone())];
    for (i, group) in of.groups.iter().enumerate() {
        if parts.iter().any(|part| part.group == i) {
            legend.push((classes[i].as_str(), group.clone()));
        }
    }
    let mut plot = Plot::new(FIGURE, HEIGHT, &x, &y, &legend);
    let taken = draw_roofs(&mut plot, of, &x, &y)?;

    let mut spots: Vec<Spot<'_>> = Vec::with_capacity(parts.len());
    let mut named = Vec::new();
    for part in &parts {
        let radius = (RADIUS * part.share.sqrt()).clamp(SMALLEST, LARGEST);
        let at = (part.intensity.log10(), part.gflops.log10());
        let class = format!("spot {}", series(part.group));
        plot.circle(&class, at, radius, &hint(part))?;
        // A layer is named at its longest part.
        let name = part.layer.as_str();
        let wanted = named.len() < NAMES && part.share >= NAMED && !named.contains(&name);
        if wanted {
            named.push(name);
        }
        spots.push(Spot {
            at: plot.place(at.0, at.1),
            radius,
            name: wanted.then_some(name),
        });
    }
    for label in labels(&spots, plot.area(), taken) {
        plot.leader(label.from, label.to);
        plot.label(label.left, label.baseline, &label.text);
    }
    Ok(Some(plot.finish("roofline", &spoken(of, &parts))))
}

/// The roofs with their names.
fn draw_roofs(
    plot: &mut Plot,
    of: &Roofline,
    x: &Axis<'_>,
    y: &Axis<'_>,
) -> Result<Taken, FigureError> {
    let (peak, bandwidth) = (of.peak_gflops.log10(), of.bandwidth_gbs.log10());
    let ridge = peak - bandwidth;
    // The slanted roof begins where it enters the chart: at the left, or at the bottom.
    let ((left, right), (bottom, _)) = (x.ends(), y.ends());
    let start = left.max(bottom - bandwidth);
    let roof = [(start, start + bandwidth), (ridge, peak), (right, peak)];
    plot.line("roof", &roof)?;
    let flat = format!("{} GFLOP/s", short(of.peak_gflops));
    let slanted = format!("{} GB/s", short(of.bandwidth_gbs));
    let [from, top, to] = roof;
    Ok(Taken {
        rooms: vec![
            plot.text_on(top, to, &flat),
            plot.text_on(from, top, &slanted),
        ],
        lines: [[from, top], [top, to]]
            .map(|line| line.map(|(x, y)| plot.place(x, y)))
            .to_vec(),
    })
}

/// Three digits or so.
fn short(value: f64) -> String {
    decimals(value, usize::from(value < 100.0))
}

fn hint(part: &RooflinePart) -> String {
    format!(
        "{}, {}: {} of the step, {} GFLOP/s, {} operations a byte",
        part.layer,
        part.work,
        percent(part.share),
        number(part.gflops),
        number(part.intensity)
    )
}

fn spoken(of: &Roofline, parts: &[&RooflinePart]) -> String {
    let largest: Vec<String> = parts.iter().take(3).map(|part| hint(part)).collect();
    format!(
        "{}. {} parts below roofs of {} GFLOP/s and {} GB/s. The largest: {}.",
        of.title,
        parts.len(),
        short(of.peak_gflops),
        short(of.bandwidth_gbs),
        largest.join("; ")
    )
}

#[cfg(test)]
mod tests;
