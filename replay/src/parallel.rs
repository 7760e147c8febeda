//! Work shared out among threads, with results in the order of the work, so that they do not depend on how many there are.

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What `work` makes of each item, so many at a time. `progress` hears how many are done, and of how many.
pub fn map<T: Sync, R: Send>(
    items: &[T],
    jobs: NonZero<usize>,
    progress: &(dyn Fn(usize, usize) + Sync),
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<Option<R>>> = Mutex::new(std::iter::repeat_with(|| None).take(items.len()).collect());
    progress(0, items.len());
    thread::scope(|scope| {
        for _ in 0..jobs.get().min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(result);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_work_whoever_does_it() {
        let items: Vec<u64> = (0..100).collect();
        for jobs in [1, 2, 7, 200] {
            let done = AtomicUsize::new(0);
            let progress = |_, of| {
                assert_eq!(of, 100);
                done.fetch_add(1, Ordering::Relaxed);
            };
            let results = map(&items, NonZero::new(jobs).expect("above zero"), &progress, |item| item * item);
            assert_eq!(results, items.iter().map(|item| item * item).collect::<Vec<_>>(), "{jobs}");
            assert_eq!(done.into_inner(), 101, "{jobs}");
        }
    }
}
