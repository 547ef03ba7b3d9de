//! How fast training goes, and the line that says so.

use super::config::Metric;
use super::record::EpochRecord;
use std::time::Instant;

/// Counts images and steps since it began. What it says is for people; no result depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    began: Instant,
    images: usize,
    steps: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            images: 0,
            steps: 0,
        }
    }

    pub(super) fn step(&mut self, images: usize) {
        self.steps += 1;
        self.images += images;
    }

    pub(super) fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds().max(1e-9)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// `loss 0.31 | val auroc 0.95 | 74 images/s | 3 min left`, with `steps_left` steps to go.
    pub(super) fn note(
        &self,
        loss: f64,
        last: Option<&EpochRecord>,
        metric: Metric,
        steps_left: usize,
    ) -> String {
        let mut note = format!("loss {loss:.3}");
        if let Some(figure) = last.and_then(|record| record.validation.get(metric)) {
            note += &format!(" | val {} {figure:.3}", metric.name());
        }
        let left = self.seconds() / self.steps.max(1) as f64 * steps_left as f64;
        note + &format!(
            " | {:.0} images/s | {} left",
            self.images_per_second(),
            span(left)
        )
    }
}

/// A time span in its largest fitting unit.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_unit_that_a_person_would_use() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (59.6, "60 s"),
            (180.0, "3 min"),
            (9000.0, "2.5 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
