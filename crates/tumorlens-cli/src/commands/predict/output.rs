//! What `predict` prints.

use crate::args::PredictArgs;
use std::io::Write;
use tumorlens_core::{Classifier, Level, Prediction, Verdict};
use tumorlens_nn::predict::Predictor;

/// Lines on stdout in the form asked for.
#[allow(clippy::large_enum_variant, reason = "made once")]
pub(super) enum Output {
    Text,
    Json,
    Csv(csv::Writer<std::io::Stdout>),
}

impl Output {
    pub(super) fn new(args: &PredictArgs, predictor: &Predictor) -> anyhow::Result<Self> {
        if args.json {
            return Ok(Self::Json);
        }
        if args.csv {
            let mut writer = csv::Writer::from_writer(std::io::stdout());
            writer.write_record([
                "path",
                "probability",
                "threshold",
                "label",
                "verdict",
                "reason",
                "model",
                "level",
            ])?;
            return Ok(Self::Csv(writer));
        }
        println!("{}  For research use only.", predictor.name());
        Ok(Self::Text)
    }

    pub(super) fn write(&mut self, p: &Prediction) -> anyhow::Result<()> {
        let verdict = serde_json::to_value(p.verdict)?;
        let verdict = verdict.as_str().unwrap_or_default();
        let reason = p.reason.as_deref().unwrap_or_default();
        match self {
            Self::Json => writeln!(std::io::stdout(), "{}", serde_json::to_string(p)?)?,
            Self::Csv(writer) => {
                let number = |p: Option<tumorlens_core::Probability>| {
                    p.map(|p| p.get().to_string()).unwrap_or_default()
                };
                let label = p.label.clone().unwrap_or_default();
                let fields: [&str; 8] = [
                    &p.path,
                    &number(p.probability),
                    &number(p.threshold),
                    &label,
                    verdict,
                    reason,
                    &p.model,
                    p.level.map_or("", Level::name),
                ];
                writer.write_record(fields)?;
            }
            Self::Text => {
                let probability = p
                    .probability
                    .map_or_else(|| "     ".to_owned(), |p| format!("{:.3}", p.get()));
                let label = if p.verdict == Verdict::Refused {
                    reason
                } else {
                    p.label.as_deref().unwrap_or_default()
                };
                let why = if p.verdict == Verdict::Refer {
                    format!("  ({reason})")
                } else {
                    String::new()
                };
                writeln!(
                    std::io::stdout(),
                    "{verdict:<9} {probability}  {label:<12} {}{}{}{why}",
                    p.path,
                    region(p),
                    p.slices.map_or_else(String::new, |n| {
                        let level = p.level.map_or("", Level::name);
                        format!("  ({level} of {n} slices)")
                    })
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> anyhow::Result<()> {
        if let Self::Csv(mut writer) = self {
            writer.flush()?;
        }
        Ok(())
    }
}

/// The size of the outlined region, where a map was drawn and the line is known.
fn region(p: &Prediction) -> String {
    match (p.region_pixels, p.region_mm2) {
        (Some(pixels), Some(area)) => format!("  (region of {pixels} pixels, {area:.0} mm2)"),
        (Some(pixels), None) => format!("  (region of {pixels} pixels)"),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_said_in_pixels_and_where_their_size_is_known_in_square_millimetres() {
        let mut prediction = Prediction::refused("a.png", "m", "r");
        assert_eq!(region(&prediction), "");
        prediction.region_pixels = Some(120);
        assert_eq!(region(&prediction), "  (region of 120 pixels)");
        prediction.region_mm2 = Some(52.734);
        assert_eq!(region(&prediction), "  (region of 120 pixels, 53 mm2)");
    }
}
