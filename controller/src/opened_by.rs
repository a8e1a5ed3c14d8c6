//! Which keys opened an object.

use std::collections::BTreeMap;

use sealed_crypto::Fingerprint;

/// How many values each key opened, the key that opened most of them first. Small: there is one for each object in
/// memory, and nearly always one key in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenedBy(Box<[(Fingerprint, u32)]>);

impl OpenedBy {
    /// The keys and how many values each opened.
    pub fn iter(&self) -> impl Iterator<Item = (Fingerprint, u32)> {
        self.0.iter().copied()
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = Fingerprint> {
        self.iter().map(|(key, _)| key)
    }

    /// The key that opened most values.
    pub fn first(&self) -> Option<Fingerprint> {
        self.keys().next()
    }
}

impl FromIterator<(Fingerprint, u32)> for OpenedBy {
    fn from_iter<I: IntoIterator<Item = (Fingerprint, u32)>>(counts: I) -> Self {
        let mut sums: BTreeMap<Fingerprint, u32> = BTreeMap::new();
        for (key, count) in counts {
            let sum = sums.entry(key).or_default();
            *sum = sum.saturating_add(count);
        }
        let mut all: Vec<_> = sums.into_iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self(all.into())
    }
}

/// One value for each mention.
impl FromIterator<Fingerprint> for OpenedBy {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(keys: I) -> Self {
        keys.into_iter().map(|key| (key, 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_most_values_stands_first() {
        let key = |letter: char| -> Fingerprint {
            let text = format!("SHA256:{letter}{}", "A".repeat(42));
            text.parse().expect("a fingerprint")
        };
        let (a, b, c) = (key('A'), key('B'), key('C'));
        let opened: OpenedBy = [c, a, b, b].into_iter().collect();
        assert_eq!(opened.iter().collect::<Vec<_>>(), [(b, 2), (a, 1), (c, 1)]);
        assert_eq!(opened.first(), Some(b));
        assert_eq!(OpenedBy::default().first(), None);
    }
}
