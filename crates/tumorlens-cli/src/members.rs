//! Networks side by side: one network fills one core better than two networks in turn fill two.

use anyhow::Context;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use tumorlens_core::Observer;

/// Says which member speaks, and shows the progress of one of those that work at the same time.
struct OfMember<'a> {
    observer: &'a dyn Observer,
    name: String,
    shows: bool,
}

impl Observer for OfMember<'_> {
    fn begin(&self, stage: &str, steps: Option<u64>) {
        if self.shows {
            self.observer
                .begin(&format!("{}, {stage}", self.name), steps);
        }
    }

    fn advance(&self, done: u64, note: &str) {
        if self.shows {
            self.observer.advance(done, note);
        }
    }

    fn end(&self) {
        if self.shows {
            self.observer.end();
        }
    }

    fn say(&self, message: &str) {
        self.observer.say(&format!("{}: {message}", self.name));
    }

    fn should_stop(&self) -> bool {
        self.observer.should_stop()
    }
}

/// Does `members` pieces of work, as many at a time as there are threads, which they share. The results are in order and
/// do not depend on the number of threads. `noun` is what one of them is called in messages.
///
/// # Errors
/// The first error of a member; the others are finished or stopped first.
pub(crate) fn side_by_side<T: Send>(
    noun: &str,
    members: usize,
    observer: &dyn Observer,
    train: impl Fn(usize, &dyn Observer) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let threads = rayon::current_num_threads();
    let workers = threads.min(members).max(1);
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<anyhow::Result<T>>>> =
        Mutex::new((0..members).map(|_| None).collect());
    let work = |worker: usize| -> anyhow::Result<()> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads((threads / workers).max(1))
            .build()?;
        loop {
            let member = next.fetch_add(1, Ordering::Relaxed);
            if member >= members {
                return Ok(());
            }
            let of = OfMember {
                observer,
                name: format!("{noun} {} of {members}", member + 1),
                shows: worker == 0,
            };
            let result = pool.install(|| train(member, &of));
            if result.is_err() {
                // No further member begins.
                next.store(members, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner)[member] = Some(result);
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        let handles: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || work(worker)))
            .collect();
        for handle in handles {
            handle
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        anyhow::Ok(())
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = results.iter().position(|r| matches!(r, Some(Err(_))))
        && let Some(Err(error)) = results.swap_remove(at)
    {
        return Err(error);
    }
    results
        .into_iter()
        .map(|result| result.with_context(|| format!("a {noun} did not come to its end"))?)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Quiet;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let found = pool.install(|| side_by_side("member", 5, &Quiet, |i, _| Ok(i * i)));
            assert_eq!(found.unwrap(), [0, 1, 4, 9, 16]);
        }
    }

    #[test]
    fn an_error_of_one_member_is_the_error_of_all() {
        let found = side_by_side("member", 4, &Quiet, |i, _| {
            anyhow::ensure!(i != 2, "no member {i}");
            Ok(i)
        });
        assert_eq!(found.unwrap_err().to_string(), "no member 2");
    }
}
