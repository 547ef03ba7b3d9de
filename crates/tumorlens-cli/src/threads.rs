//! The threads that all work is shared out among.

/// Makes the pool, of so many threads or of one for each processor. With `held`, each of those stays on a processor of its own.
///
/// The system moves a thread that shares a processor to one that is idle only some hundredths of a second later, and in
/// that time a single image is judged. Work that takes longer is better left to it, for others may want a processor too; so
/// are fewer threads than processors, which several programs would hold on the same ones.
pub(crate) fn start(threads: Option<usize>, held: bool) -> Result<(), rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    let processors = if held { processors() } else { Vec::new() };
    if threads.is_some_and(|threads| threads != processors.len()) {
        return pool.build_global();
    }
    let hold_own = move |thread: usize| {
        if let Some(processor) = processors.get(thread) {
            hold(*processor);
        }
    };
    pool.start_handler(hold_own).build_global()
}

/// The processors that this program may use.
#[cfg(target_os = "linux")]
fn processors() -> Vec<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};
    let allowed = sched_getaffinity(None);
    let is_allowed = |p: &usize| allowed.is_ok_and(|allowed| allowed.is_set(*p));
    (0..CpuSet::MAX_CPU).filter(is_allowed).collect()
}

/// Keeps the calling thread on a processor. That the system does not listen is no error: the thread runs where it is put.
#[cfg(target_os = "linux")]
fn hold(processor: usize) {
    let mut own = rustix::thread::CpuSet::new();
    own.set(processor);
    let _ = rustix::thread::sched_setaffinity(None, &own);
}

#[cfg(not(target_os = "linux"))]
fn processors() -> Vec<usize> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn hold(_processor: usize) {}
