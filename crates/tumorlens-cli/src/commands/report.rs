//! `tumorlens report`: report.html of a run, written again from report.json.

use crate::args::ReportArgs;
use crate::commands::predict::write;
use crate::exit_code::Exit;
use anyhow::Context;
use tumorlens_report::{Report, render};

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<Exit> {
    let file = args.run.join("report.json");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let report: Report = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let page = args.run.join("report.html");
    write(&page, render(&report)?.as_bytes())?;
    println!("{}", page.display());
    Ok(Exit::Done)
}
