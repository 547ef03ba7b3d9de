//! Networks side by side: one network fills one core better than two networks in turn fill two.

use anyhow::Context;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use tumorlens_core::Observer;

/// Nobody's progress is shown.
const NOBODY: usize = usize::MAX;

/// Says which member speaks. Of those that work at the same time the progress of one is shown, until it is done.
struct OfMember<'a> {
    observer: &'a dyn Observer,
    name: String,
    member: usize,
    /// The member whose progress is shown.
    shown: &'a AtomicUsize,
}

impl OfMember<'_> {
    fn shows(&self) -> bool {
        self.shown.load(Ordering::Relaxed) == self.member
    }
}

impl Drop for OfMember<'_> {
    fn drop(&mut self) {
        if self.shows() {
            self.shown.store(NOBODY, Ordering::Relaxed);
        }
    }
}

impl Observer for OfMember<'_> {
    fn begin(&self, stage: &str, steps: Option<u64>) {
        let (order, member) = (Ordering::Relaxed, self.member);
        let _ = self.shown.compare_exchange(NOBODY, member, order, order);
        if self.shows() {
            self.observer
                .begin(&format!("{}, {stage}", self.name), steps);
        }
    }

    fn advance(&self, done: u64, note: &str) {
        if self.shows() {
            self.observer.advance(done, note);
        }
    }

    fn end(&self) {
        if self.shows() {
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
/// do not depend on the number of threads. Where fewer are left than could work at the same time, those share all threads.
/// `noun` is what one of them is called in messages.
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
    let (next, shown) = (AtomicUsize::new(0), AtomicUsize::new(NOBODY));
    let left = members % workers;
    let results: Mutex<Vec<Option<anyhow::Result<T>>>> =
        Mutex::new((0..members).map(|_| None).collect());
    let work = || -> anyhow::Result<()> {
        loop {
            let member = next.fetch_add(1, Ordering::Relaxed);
            if member >= members {
                return Ok(());
            }
            let of = OfMember {
                observer,
                name: format!("{noun} {} of {members}", member + 1),
                member,
                shown: &shown,
            };
            let beside = if member < members - left {
                workers
            } else {
                left
            };
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads((threads / beside).max(1))
                .build()?;
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
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
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
    use std::sync::Barrier;
    use tumorlens_core::Quiet;

    /// Every stage that was shown.
    #[derive(Default)]
    struct Shown(Mutex<Vec<String>>);

    impl Observer for Shown {
        fn begin(&self, stage: &str, _: Option<u64>) {
            self.0.lock().unwrap().push(stage.to_owned());
        }
        fn advance(&self, _: u64, _: &str) {}
        fn end(&self) {}
        fn say(&self, _: &str) {}
    }

    fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(work)
    }

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 3] {
            let square = |i: usize, _: &dyn Observer| Ok(i * i);
            let found = with_threads(threads, || side_by_side("member", 5, &Quiet, square));
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

    #[test]
    fn when_one_is_done_the_progress_of_another_is_shown() {
        let shown = Shown::default();
        let [begun, waited, done, taken] = [(); 4].map(|()| Barrier::new(2));
        let work = |member: usize, observer: &dyn Observer| {
            match member {
                0 => {
                    observer.begin("first", None);
                    begun.wait();
                    waited.wait();
                }
                1 => {
                    begun.wait();
                    observer.begin("beside the first", None);
                    waited.wait();
                    done.wait();
                    observer.begin("after the first", None);
                    taken.wait();
                    waited.wait();
                }
                _ => {
                    done.wait();
                    taken.wait();
                    observer.begin("beside the second", None);
                    waited.wait();
                }
            }
            Ok(())
        };
        with_threads(2, || side_by_side("member", 3, &shown, work)).unwrap();
        assert_eq!(
            shown.0.into_inner().unwrap(),
            ["member 1 of 3, first", "member 2 of 3, after the first"]
        );
    }

    #[test]
    fn threads_are_shared_by_those_that_work_at_the_same_time() {
        for (threads, members, expected) in [
            (1, 2, vec![1, 1]),
            (2, 3, vec![1, 1, 2]),
            (4, 2, vec![2, 2]),
            (4, 6, vec![1, 1, 1, 1, 2, 2]),
        ] {
            let count = |_: usize, _: &dyn Observer| Ok(rayon::current_num_threads());
            let found = with_threads(threads, || side_by_side("member", members, &Quiet, count));
            assert_eq!(found.unwrap(), expected, "{threads} {members}");
        }
    }
}
