//! How long will it take from here? The longest expected path that still hangs on each piece of work.

use std::time::Duration;

/// How long one piece of work is expected to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Until its calls have returned.
    pub calls: Duration,
    /// Until all of it is done, the calls included.
    pub whole: Duration,
}

/// Who waits for a piece of work, and how far that must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Index of who waits.
    pub node: usize,
    /// Whether returned calls are enough.
    pub for_calls: bool,
}

/// For every node, the time from its beginning until everything is done that waits for it, itself included.
///
/// `waiting[i]` lists the nodes that wait for node `i`. The graph has no cycles; a node that stands
/// on one all the same (which the callers exclude) counts with its own duration only.
pub fn longest_remaining(expected: &[Expected], waiting: &[Vec<Waiting>]) -> Vec<Duration> {
    let mut remaining = vec![None; expected.len()];
    let mut open = vec![false; expected.len()];
    for node in 0..expected.len() {
        measure(node, expected, waiting, &mut remaining, &mut open);
    }
    remaining
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect()
}

fn measure(
    node: usize,
    expected: &[Expected],
    waiting: &[Vec<Waiting>],
    remaining: &mut [Option<Duration>],
    open: &mut [bool],
) -> Duration {
    if let Some(known) = remaining[node] {
        return known;
    }
    let Expected { calls, whole } = expected[node];
    if std::mem::replace(&mut open[node], true) {
        return whole;
    }
    let behind = waiting[node].iter().map(|next| {
        let freed = if next.for_calls { calls } else { whole };
        freed + measure(next.node, expected, waiting, remaining, open)
    });
    let total = behind.max().unwrap_or_default().max(whole);
    remaining[node] = Some(total);
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(calls: u64, whole: u64) -> Expected {
        Expected {
            calls: Duration::from_secs(calls),
            whole: Duration::from_secs(whole),
        }
    }

    fn ready(node: usize) -> Waiting {
        Waiting {
            node,
            for_calls: false,
        }
    }

    fn exists(node: usize) -> Waiting {
        Waiting {
            node,
            for_calls: true,
        }
    }

    fn seconds(numbers: &[u64]) -> Vec<Duration> {
        numbers.iter().map(|&n| Duration::from_secs(n)).collect()
    }

    #[test]
    fn a_node_counts_with_the_longest_path_behind_it() {
        // 0 → 1 → 3, 0 → 2 → 3
        let expected = [1, 10, 100, 1000].map(|whole| work(0, whole));
        let waiting = [
            vec![ready(1), ready(2)],
            vec![ready(3)],
            vec![ready(3)],
            vec![],
        ];
        assert_eq!(
            longest_remaining(&expected, &waiting),
            seconds(&[1101, 1010, 1100, 1000])
        );
    }

    #[test]
    fn who_needs_only_the_calls_does_not_wait_for_the_rest() {
        // A balancer that takes 120 s, a listener that needs it to exist, a gateway whose service needs it ready.
        let expected = [work(1, 120), work(1, 1), work(1, 90), work(1, 50)];
        let waiting = [vec![exists(1)], vec![], vec![ready(3)], vec![]];
        assert_eq!(
            longest_remaining(&expected, &waiting),
            seconds(&[120, 1, 140, 50])
        );
    }
}
