//! The same work for each of many things, on every core. The answers come in the order of the things, whoever worked
//! them out.

use std::sync::atomic::{AtomicUsize, Ordering};

pub fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(things.len());
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(index) else { return done };
            done.push((index, work(thing)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for helper in helpers {
            match helper.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_keep_the_order_of_the_things() {
        let things: Vec<u64> = (0..1_000).collect();
        let squares: Vec<u64> = things.iter().map(|thing| thing * thing).collect();
        assert_eq!(super::map(&things, |thing| thing * thing), squares);
        assert_eq!(super::map(&[] as &[u64], |thing| *thing), []);
    }
}
