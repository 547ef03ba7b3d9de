//! `tumorlens inspect`: what a picture file holds, and exactly how it decoded.

use crate::args::InspectArgs;
use crate::exit_code::Exit;
use anyhow::{Context, anyhow};
use tumorlens_data::inspect::inspect;
use tumorlens_data::limits::Limits;

pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let limits = Limits::default();
    let facts =
        inspect(&args.path, &limits).map_err(|e| anyhow!("{}: {e}", args.path.display()))?;
    let value = serde_json::to_value(&facts).context("inspect")?;
    if args.json {
        println!("{value}");
        return Ok(Exit::Done);
    }
    if let serde_json::Value::Object(fields) = value {
        for (name, value) in fields {
            if name != "thumb16" {
                println!(
                    "{name:>16}  {}",
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                );
            }
        }
    }
    Ok(Exit::Done)
}
