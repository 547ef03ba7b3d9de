//! Samples prepared beside the work that uses them.

use rayon::ThreadPool;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use tumorlens_core::{Sample, SampleError, SampleSource, View};

/// Batches that may wait ready: enough that a slow image does not stall a step, few enough that memory stays small.
const AHEAD: usize = 2;

/// Prepares batches of samples, in order, while the batches before them are in use.
#[derive(Debug)]
pub(crate) struct Loader {
    /// A pool of its own: in the caller's pool, with one thread, a step would wait for a batch that waits for the
    /// step's thread.
    pool: ThreadPool,
}

impl Loader {
    /// A loader with as many threads as the caller's pool has.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub(crate) fn new() -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(rayon::current_num_threads())
            .thread_name(|n| format!("loader-{n}"))
            .build()?;
        Ok(Self { pool })
    }

    /// Hands every batch to `consume`, in order, until it breaks off.
    ///
    /// # Errors
    /// The first error, in the order of the images, of an image that cannot be loaded, or what `consume` gives.
    pub(crate) fn run<E: From<SampleError>>(
        &self,
        source: &dyn SampleSource,
        batches: &[Vec<(usize, View)>],
        mut consume: impl FnMut(Vec<Sample>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(AHEAD);
            scope.spawn(move || {
                for batch in batches {
                    let loaded = self.load(source, batch);
                    let failed = loaded.is_err();
                    // The receiver is gone once `consume` broke off or failed.
                    if sender.send(loaded).is_err() || failed {
                        return;
                    }
                }
            });
            for samples in receiver {
                if consume(samples?)?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn load(
        &self,
        source: &dyn SampleSource,
        batch: &[(usize, View)],
    ) -> Result<Vec<Sample>, SampleError> {
        let load =
            |&(index, view): &(usize, View)| checked(source, index, source.load(index, view)?);
        // Collected in order first, so that of several errors always the same one is reported.
        let loaded: Vec<_> = self.pool.install(|| batch.par_iter().map(load).collect());
        loaded.into_iter().collect()
    }
}

/// A sample that does not fit its source's shape, or holds a value that is not finite, must not reach a network.
fn checked(source: &dyn SampleSource, index: usize, sample: Sample) -> Result<Sample, SampleError> {
    let [channels, height, width] = source.shape();
    let pixels = height * width;
    let fail = |reason: String| {
        Err(SampleError {
            path: source.info(index).path.clone(),
            reason,
        })
    };
    if sample.input.len() != channels * pixels {
        return fail(format!(
            "{} values do not fill {channels}x{height}x{width}",
            sample.input.len()
        ));
    }
    if sample.input.iter().any(|v| !v.is_finite()) {
        return fail("holds a value that is not finite".to_owned());
    }
    match &sample.mask {
        Some(mask) if mask.len() != pixels => fail(format!(
            "an outline of {} pixels does not fit {height}x{width}",
            mask.len()
        )),
        _ => Ok(sample),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tumorlens_core::{ClassIndex, SampleInfo};

    /// Image `n` is the number n; image 13 is damaged; image 17 is not finite.
    struct Numbers {
        info: SampleInfo,
        asked: AtomicUsize,
    }

    impl Numbers {
        fn new() -> Self {
            let (path, group, source) = ("13.png".to_owned(), String::new(), String::new());
            let info = SampleInfo {
                path,
                group,
                source,
                label: ClassIndex(0),
                has_mask: false,
            };
            Self {
                info,
                asked: AtomicUsize::new(0),
            }
        }
    }

    impl SampleSource for Numbers {
        fn len(&self) -> usize {
            100
        }

        fn info(&self, _index: usize) -> &SampleInfo {
            &self.info
        }

        fn shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }

        fn load(&self, index: usize, _view: View) -> Result<Sample, SampleError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if index == 13 {
                return Err(SampleError {
                    path: "13.png".to_owned(),
                    reason: "damaged".to_owned(),
                });
            }
            let input = vec![if index == 17 { f32::NAN } else { index as f32 }];
            Ok(Sample {
                input,
                mask: None,
                label: ClassIndex(0),
                index,
            })
        }
    }

    fn batches(images: std::ops::Range<usize>) -> Vec<Vec<(usize, View)>> {
        let views: Vec<_> = images.map(|n| (n, View::Plain)).collect();
        views.chunks(3).map(<[_]>::to_vec).collect()
    }

    #[test]
    fn batches_come_in_order() {
        let mut seen = Vec::new();
        let done = Loader::new()
            .unwrap()
            .run(&Numbers::new(), &batches(20..40), |batch| {
                seen.extend(batch.iter().map(|s| s.index));
                Ok::<_, SampleError>(ControlFlow::Continue(()))
            });
        done.unwrap();
        assert_eq!(seen, (20..40).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_travels_and_what_was_before_it_is_used() {
        let mut count = 0;
        let failed = Loader::new()
            .unwrap()
            .run(&Numbers::new(), &batches(0..40), |_| {
                count += 1;
                Ok::<_, SampleError>(ControlFlow::Continue(()))
            });
        assert_eq!(failed.unwrap_err().to_string(), "13.png: damaged");
        assert_eq!(count, 4);
        let failed = Loader::new()
            .unwrap()
            .run(&Numbers::new(), &batches(15..18), |_| {
                Ok::<_, SampleError>(ControlFlow::Continue(()))
            });
        assert!(failed.unwrap_err().to_string().contains("not finite"));
    }

    #[test]
    fn breaking_off_leaves_the_rest_unread() {
        let numbers = Numbers::new();
        let done = Loader::new()
            .unwrap()
            .run(&numbers, &batches(20..100), |_| {
                Ok::<_, SampleError>(ControlFlow::Break(()))
            });
        done.unwrap();
        // The one in use, those waiting, one being handed over, one being prepared.
        assert!(numbers.asked.load(Ordering::SeqCst) <= 3 * (AHEAD + 3));
    }
}
