//! Writing a file so that a crash leaves either the old one or the new one.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder.
///
/// # Errors
/// When any of these steps fails; `path` then still holds what it held before.
pub(crate) fn atomic_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tumorlens-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any other new file: what the umask allows, where temporary files are readable by their owner only.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // Syncing a folder is a Unix notion; elsewhere opening it as a file fails and nothing is lost.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(())
}
