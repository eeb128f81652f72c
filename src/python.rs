//! Texts read as Python reads them, where its reading decides what is safe: `str.strip`, `\w` of `re`,
//! `str.isdigit` and `urllib.parse.urlsplit`.

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// `str.isspace`: the white space of Unicode, and the four separators of ASCII.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `\w` of `re`, narrower than the standard's: no marks, no joiners.
pub(crate) fn is_word(character: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number};
    character == '_' || matches!(character.general_category_group(), Letter | Number)
}

/// `str.isdigit()`.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_digit)
}

fn is_digit(character: char) -> bool {
    character.general_category() == GeneralCategory::DecimalNumber
        || OTHER_DIGITS.iter().any(|range| range.contains(&character))
}

/// What Unicode has as `Numeric_Type=Digit`: superscripts, circled digits and the like. It adds no more.
const OTHER_DIGITS: [RangeInclusive<char>; 20] = [
    '\u{b2}'..='\u{b3}',
    '\u{b9}'..='\u{b9}',
    '\u{1369}'..='\u{1371}',
    '\u{19da}'..='\u{19da}',
    '\u{2070}'..='\u{2070}',
    '\u{2074}'..='\u{2079}',
    '\u{2080}'..='\u{2089}',
    '\u{2460}'..='\u{2468}',
    '\u{2474}'..='\u{247c}',
    '\u{2488}'..='\u{2490}',
    '\u{24ea}'..='\u{24ea}',
    '\u{24f5}'..='\u{24fd}',
    '\u{24ff}'..='\u{24ff}',
    '\u{2776}'..='\u{277e}',
    '\u{2780}'..='\u{2788}',
    '\u{278a}'..='\u{2792}',
    '\u{10a40}'..='\u{10a43}',
    '\u{10e60}'..='\u{10e68}',
    '\u{11052}'..='\u{1105a}',
    '\u{1f100}'..='\u{1f10a}',
];

/// What `urlsplit` finds in a URL; what is not there is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SplitUrl {
    /// In lower case.
    pub(crate) scheme: String,
    pub(crate) netloc: String,
    /// Path, query and fragment.
    pub(crate) rest: String,
}

/// `urlsplit` of Python 3.11; `None` is its `ValueError`.
pub(crate) fn split_url(url: &str) -> Option<SplitUrl> {
    let url = url.trim_start_matches(|character| character <= ' ');
    let url: String = url.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
    let (scheme, rest) = split_scheme(&url);
    let Some(after) = rest.strip_prefix("//") else {
        return Some(SplitUrl { scheme, netloc: String::new(), rest: rest.to_owned() });
    };
    let (netloc, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
    if !brackets_are_fine(netloc) || !normalizes_safely(netloc) {
        return None;
    }
    Some(SplitUrl { scheme, netloc: netloc.to_owned(), rest: rest.to_owned() })
}

fn split_scheme(url: &str) -> (String, &str) {
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    match url.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(in_scheme) =>
        {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => (String::new(), url),
    }
}

/// Without brackets, or with an IPv6 address or an address of the future in the first pair.
fn brackets_are_fine(netloc: &str) -> bool {
    match (netloc.split_once('['), netloc.contains(']')) {
        (None, false) => true,
        (None, true) | (Some(_), false) => false,
        (Some((_, after)), true) => {
            let host = after.split_once(']').map_or(after, |(host, _)| host);
            if host.starts_with('v') { is_future_address(host) } else { is_ipv6_address(host) }
        }
    }
}

fn is_future_address(host: &str) -> bool {
    host.strip_prefix('v').and_then(|version| version.split_once('.')).is_some_and(
        |(version, address)| {
            !version.is_empty()
                && version.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !address.is_empty()
        },
    )
}

fn is_ipv6_address(host: &str) -> bool {
    let address = match host.split_once('%') {
        Some((_, zone)) if zone.is_empty() || zone.contains('%') => return false,
        Some((address, _)) => address,
        None => host,
    };
    address.parse::<Ipv6Addr>().is_ok()
}

/// No character of the host becomes one with a meaning in URLs when a browser normalizes it.
fn normalizes_safely(netloc: &str) -> bool {
    if netloc.is_ascii() {
        return true;
    }
    let plain: String = netloc.chars().filter(|c| !matches!(c, '@' | ':' | '#' | '?')).collect();
    let normalized: String = plain.nfkc().collect();
    plain == normalized || !normalized.contains(['/', '?', '#', '@', ':'])
}
