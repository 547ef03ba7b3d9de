//! `tumorlens verify`: hashes and golden inputs of a bundle.

use crate::args::VerifyArgs;
use crate::exit_code::Exit;
use crate::model;
use tumorlens_nn::bundle::BundleError;
use tumorlens_nn::device::DeviceChoice;

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let device = args.device.parse::<DeviceChoice>()?;
    let (bundle, name) = match model::load_checked(args.bundle.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) if is_damage(&error) => {
            eprintln!("error: {}", crate::exit_code::one_line(&error));
            return Ok(Exit::CheckFailed);
        }
        Err(error) => return Err(error),
    };
    let mismatch = bundle.replay_golden(&device.open()?)?;
    if let Some(mismatch) = mismatch {
        eprintln!("error: {name}: {mismatch}");
        return Ok(Exit::CheckFailed);
    }
    println!(
        "{name}: sound; {} golden inputs replayed on {device}",
        bundle.golden.len()
    );
    if args.card {
        println!("{}", serde_json::to_string_pretty(&bundle.card)?);
    }
    Ok(Exit::Done)
}

/// Whether a file was read and found to be no sound bundle.
fn is_damage(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<BundleError>()
        .is_some_and(|error| !matches!(error, BundleError::Io { .. }))
}
