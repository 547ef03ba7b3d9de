//! `tumorlens inspect`: what a file holds, and exactly how it decoded.

mod preview;

use crate::args::InspectArgs;
use crate::exit_code::Exit;
use anyhow::{Context, anyhow};
use std::io::IsTerminal;
use tumorlens_data::inspect::inspect;
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::path_text::to_text;

pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let limits = Limits::default();
    let facts =
        inspect(&args.path, &limits).map_err(|e| anyhow!("{}: {e}", to_text(&args.path)))?;
    let value = serde_json::to_value(&facts).context("inspect")?;
    if args.json {
        println!("{value}");
        return Ok(Exit::Done);
    }
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        for line in preview::preview(&args.path) {
            println!("{line}");
        }
    }
    if let serde_json::Value::Object(fields) = value {
        let shown = |name: &str, value: &serde_json::Value| {
            name != "thumb16" && !value.is_null() && value.as_array().is_none_or(|a| !a.is_empty())
        };
        for (name, value) in fields.iter().filter(|(name, value)| shown(name, value)) {
            println!(
                "{name:>20}  {}",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            );
        }
    }
    Ok(Exit::Done)
}
