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
                    "{verdict:<9} {probability}  {label:<12} {}{}{why}",
                    p.path,
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
