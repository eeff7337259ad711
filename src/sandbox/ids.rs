//! How is a new thing named? As AWS names it, never twice, and the same in every run with the same seed.

/// Makes identifiers. Two values never meet: each counter step goes through a bijection of 64 bits.
#[derive(Debug)]
pub struct Ids {
    seed: u64,
    next: u64,
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self { seed, next: 0 }
    }

    /// `prefix-0` and sixteen hexadecimal digits, as EC2 names its resources.
    pub fn resource(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.bits())
    }

    /// As many hexadecimal digits as asked for.
    pub fn hexadecimal(&mut self, length: usize) -> String {
        self.digits(length, b"0123456789abcdef")
    }

    /// As many lower-case letters and digits as asked for.
    pub fn alphanumeric(&mut self, length: usize) -> String {
        self.digits(length, b"abcdefghijklmnopqrstuvwxyz0123456789")
    }

    /// As many capitals and digits as asked for.
    pub fn capitals(&mut self, length: usize) -> String {
        self.digits(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    }

    pub fn uuid(&mut self) -> String {
        let bits = (u128::from(self.bits()) << 64) | u128::from(self.bits());
        uuid::Builder::from_random_bytes(bits.to_be_bytes())
            .into_uuid()
            .to_string()
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound.max(1)
    }

    /// A public address out of the two ranges kept for documentation, so that none belongs to anybody.
    pub fn public_address(&mut self, taken: impl Fn(&str) -> bool) -> Option<String> {
        let start = self.bits() % 508;
        (0..508)
            .map(|step| (start + step) % 508)
            .map(|index| match index {
                0..254 => format!("203.0.113.{}", index + 1),
                _ => format!("198.51.100.{}", index - 253),
            })
            .find(|address| !taken(address))
    }

    fn digits(&mut self, length: usize, alphabet: &[u8]) -> String {
        let base = alphabet.len() as u64;
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut bits = self.bits();
            for _ in 0..12.min(length - text.len()) {
                text.push(char::from(alphabet[(bits % base) as usize]));
                bits /= base;
            }
        }
        text
    }

    /// The finaliser of the SplitMix64 generator: a bijection, so different counters give different values.
    fn bits(&mut self) -> u64 {
        self.next += 1;
        let mut value = self
            .seed
            .wrapping_add(self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_look_like_aws_and_never_repeat() {
        let mut ids = Ids::new(7);
        let made: HashSet<String> = (0..2000).map(|_| ids.resource("vpc")).collect();
        assert_eq!(made.len(), 2000);
        assert!(
            made.iter()
                .all(|id| id.len() == 21 && id.starts_with("vpc-0"))
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_names() {
        assert_eq!(Ids::new(3).uuid(), Ids::new(3).uuid());
        assert_ne!(Ids::new(3).uuid(), Ids::new(4).uuid());
        assert_eq!(Ids::new(3).capitals(20).len(), 20);
    }

    #[test]
    fn public_addresses_run_out_instead_of_repeating() {
        let mut ids = Ids::new(1);
        let mut taken = HashSet::new();
        while let Some(address) = ids.public_address(|address| taken.contains(address)) {
            assert!(taken.insert(address));
        }
        assert_eq!(taken.len(), 508);
    }
}
