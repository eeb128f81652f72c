//! The passwords that everybody tries first: the list of Django 5.2 (`common-passwords.txt.gz` of
//! `django/contrib/auth`), byte for byte, collected by Royce Williams
//! (<https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce>).

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::LazyLock;

use crate::python::strip;

static PACKED: &[u8] = include_bytes!("../../data/common-passwords.txt.gz");

static LINES: LazyLock<String> = LazyLock::new(|| {
    let mut lines = String::new();
    let unpacked = flate2::read::GzDecoder::new(PACKED).read_to_string(&mut lines);
    unpacked.expect("the list is the same in every build");
    lines
});

static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| LINES.lines().map(strip).collect());

/// Is it on the list? It is to be in lower case, without white space around it.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted by `zcat | wc -l`; Django speaks of 20,000.
    #[test]
    fn the_list_is_whole() {
        assert_eq!(COMMON.len(), 19_640);
        assert!(COMMON.contains("123456") && COMMON.contains("fallen_angel"), "first and last");
        assert!(!COMMON.contains(""));
    }
}
