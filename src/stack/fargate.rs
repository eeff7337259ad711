//! Which sizes of task does Fargate have?

/// The memories in MiB that go with these CPU units; empty if Fargate has no such CPU size.
/// From the table "Task CPU and memory" of the ECS developer guide; 256 is also in aws-behaviour §2.17.
pub(super) fn memories(cpu: u32) -> Vec<u32> {
    let gib = |first: u32, last: u32, step: u32| {
        (first..=last)
            .step_by(step as usize)
            .map(|size| size * 1024)
            .collect()
    };
    match cpu {
        256 => vec![512, 1024, 2048],
        512 => gib(1, 4, 1),
        1024 => gib(2, 8, 1),
        2048 => gib(4, 16, 1),
        4096 => gib(8, 30, 1),
        8192 => gib(16, 60, 4),
        16384 => gib(32, 120, 8),
        _ => Vec::new(),
    }
}

/// The least CPU units and MiB that Fargate has where at least so much of both is asked for.
pub fn fargate_size(cpu: u32, memory: u32) -> Option<(u32, u32)> {
    let mut large_enough = CPUS.into_iter().filter(|size| *size >= cpu);
    large_enough.find_map(|size| {
        let fitting = memories(size).into_iter().find(|size| *size >= memory);
        Some((size, fitting?))
    })
}

pub(super) const CPUS: [u32; 7] = [256, 512, 1024, 2048, 4096, 8192, 16384];

/// `512, 1024, 2048`, or the bounds and the step where the list would be long.
pub(super) fn describe_memories(cpu: u32) -> String {
    let memories = memories(cpu);
    match memories.as_slice() {
        [first, second, .., last] if memories.len() > 8 => {
            format!("{first} to {last} in steps of {}", second - first)
        }
        short => short
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
