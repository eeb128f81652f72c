//! Which language a visitor reads.

use std::cmp::Reverse;

use super::texts::{DE, EN, Texts};

/// A language of the pages; each has one file in `src/pages/texts`.
///
/// ```
/// use housekey::pages::Language;
/// assert_eq!(Language::of("de-AT, de;q=0.9, en;q=0.5"), Language::German);
/// assert_eq!(Language::of("fr, *;q=0.1"), Language::English);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// `en`
    #[default]
    English,
    /// `de`
    German,
}

impl Language {
    const ALL: [Self; 2] = [Self::English, Self::German];

    /// The best of what an `Accept-Language` header wants (RFC 9110); English when it wants none of them.
    ///
    /// ```
    /// use housekey::pages::Language;
    /// assert_eq!(Language::of("en;q=0.4, de;q=0.8"), Language::German);
    /// ```
    #[must_use]
    pub fn of(accept_language: &str) -> Self {
        let ranges = || accept_language.split(',').enumerate().filter_map(weighed);
        let wanted = |language: Self| {
            let named =
                |(_, primary, _): &(usize, &str, u16)| language.tag().eq_ignore_ascii_case(primary);
            // `*` stands for what has no range of its own. Of two that are wanted as much the first counts.
            let most = |(at, _, weight): (usize, &str, u16)| (weight, Reverse(at));
            let own = ranges().filter(named).map(most).max();
            own.or_else(|| ranges().filter(|(_, primary, _)| *primary == "*").map(most).max())
        };
        let weights = Self::ALL.into_iter().filter_map(|one| Some((wanted(one)?, one)));
        let acceptable = weights.filter(|((weight, _), _)| *weight > 0);
        let best = acceptable.reduce(|best, other| if other.0 > best.0 { other } else { best });
        best.map_or(Self::English, |(_, language)| language)
    }

    /// As the attribute `lang` of HTML names it (BCP 47).
    ///
    /// ```
    /// assert_eq!(housekey::pages::Language::German.tag(), "de");
    /// ```
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &EN,
            Self::German => &DE,
        }
    }
}

/// A range of `Accept-Language`, with its place in the header: the language without its country, and how much it is
/// wanted, in thousandths. A range with a weight that is none does not count.
fn weighed((at, range): (usize, &str)) -> Option<(usize, &str, u16)> {
    let (tag, parameter) = match range.split_once(';') {
        Some((tag, parameter)) => (tag, Some(parameter)),
        None => (range, None),
    };
    let weight = match parameter.map(str::trim) {
        None => 1000,
        Some(parameter) => thousandths(parameter.strip_prefix(['q', 'Q'])?.strip_prefix('=')?)?,
    };
    Some((at, tag.trim().split('-').next()?, weight))
}

/// `qvalue` of RFC 9110: 0 to 1, with three digits at most.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, digits) = weight.split_once('.').unwrap_or((weight, ""));
    let is_number = digits.len() <= 3 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let part = format!("{digits:0<3}").parse::<u16>().ok().filter(|_| is_number)?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}
