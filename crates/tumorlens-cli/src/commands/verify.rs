//! `tumorlens verify`: hashes and golden inputs of a bundle.

use crate::args::VerifyArgs;
use crate::exit_code::Exit;
use anyhow::Context;
use tumorlens_nn::bundle::Bundle;
use tumorlens_nn::device::DeviceChoice;

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let device = args.device.parse::<DeviceChoice>()?;
    let bundle = Bundle::load(&args.bundle).with_context(|| args.bundle.display().to_string())?;
    let mismatch = bundle.replay_golden(&device.open()?)?;
    match mismatch {
        None => {
            println!(
                "{}: sound; {} golden inputs replayed on {device}",
                bundle.identity()?,
                bundle.golden.len()
            );
            Ok(Exit::Done)
        }
        Some(mismatch) => {
            eprintln!("error: {}: {mismatch}", args.bundle.display());
            Ok(Exit::CheckFailed)
        }
    }
}
