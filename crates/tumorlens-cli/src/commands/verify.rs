//! `tumorlens verify`: hashes and golden inputs of a bundle.

use crate::args::VerifyArgs;
use crate::exit_code::Exit;
use crate::model;
use tumorlens_nn::bundle::{Bundle, BundleError};
use tumorlens_nn::device::DeviceChoice;

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let device = args.device.parse::<DeviceChoice>()?;
    let file = model::file(&args.bundle)?;
    let bundle = match Bundle::load(&file) {
        Ok(bundle) => bundle,
        Err(error @ BundleError::Io { .. }) => return Err(error.into()),
        Err(error) => {
            eprintln!("error: {}: {error}", file.display());
            return Ok(Exit::CheckFailed);
        }
    };
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
