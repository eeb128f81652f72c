//! Texts read as Python reads them, where its reading decides what is safe: `str.strip` and
//! `urllib.parse.urlsplit`.

use std::net::Ipv6Addr;

use unicode_normalization::UnicodeNormalization as _;

/// `str.isspace`: the white space of Unicode, and the four separators of ASCII.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

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
