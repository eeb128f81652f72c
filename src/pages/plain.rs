//! Letters that nobody sees.

/// HTML whose control characters can be seen (U+FFFD): browsers drop some of them, so that one name looks like another.
pub(super) fn visible(html: String) -> String {
    let unseen = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if html.contains(unseen) { html.replace(unseen, "\u{fffd}") } else { html }
}

/// Without what turns the direction of writing: `<title>` has no elements that would hold it in.
pub(super) fn undirected(text: &str) -> String {
    let turns = |letter| matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(turns, "")
}

/// An address that somebody else has chosen may be a script, or lead into a program of the visitor's machine.
pub(crate) fn is_web(url: &str) -> bool {
    let starts_with = |scheme: &str| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    starts_with("https://") || starts_with("http://")
}
