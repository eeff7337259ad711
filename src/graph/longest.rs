//! Which work is urgent? The longest expected path that still hangs on it.

use std::time::Duration;

/// For every node, its own duration plus the longest path through the nodes that wait for it.
///
/// `waiting[i]` lists the nodes that wait for node `i`. The graph has no cycles; a node that stands
/// on one all the same (which the callers exclude) counts with its own duration only.
pub fn longest_remaining(durations: &[Duration], waiting: &[Vec<usize>]) -> Vec<Duration> {
    let mut remaining = vec![None; durations.len()];
    let mut open = vec![false; durations.len()];
    for node in 0..durations.len() {
        measure(node, durations, waiting, &mut remaining, &mut open);
    }
    remaining
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect()
}

fn measure(
    node: usize,
    durations: &[Duration],
    waiting: &[Vec<usize>],
    remaining: &mut [Option<Duration>],
    open: &mut [bool],
) -> Duration {
    if let Some(known) = remaining[node] {
        return known;
    }
    if std::mem::replace(&mut open[node], true) {
        return durations[node];
    }
    let rest = waiting[node]
        .iter()
        .map(|&next| measure(next, durations, waiting, remaining, open))
        .max()
        .unwrap_or_default();
    let total = durations[node] + rest;
    remaining[node] = Some(total);
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_counts_with_the_longest_path_behind_it() {
        // 0 → 1 → 3, 0 → 2 → 3
        let seconds = |n: &[u64]| {
            n.iter()
                .map(|&s| Duration::from_secs(s))
                .collect::<Vec<_>>()
        };
        let remaining = longest_remaining(
            &seconds(&[1, 10, 100, 1000]),
            &[vec![1, 2], vec![3], vec![3], vec![]],
        );
        assert_eq!(remaining, seconds(&[1101, 1010, 1100, 1000]));
    }
}
