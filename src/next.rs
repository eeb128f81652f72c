//! Where a visitor may be sent (`url_has_allowed_host_and_scheme` of `django/utils/http.py`).
//!
//! A login page is told by `?next=` where to go afterwards. Whoever makes the link to the page chooses
//! that text, so it may name this site and the other apps of the house, and nothing else.

use std::fmt::Write as _;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::python::{split_url, strip};

const MAX_CHARACTERS: usize = 2048;

/// Which absolute addresses are acceptable.
///
/// ```
/// use housekey::next::{Scheme, is_safe};
/// let url = "http://mail.example.org/";
/// assert!(is_safe(url, ["mail.example.org"], Scheme::HttpOrHttps));
/// assert!(!is_safe(url, ["mail.example.org"], Scheme::HttpsOnly));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// For a visitor who came by `http`.
    HttpOrHttps,
    /// For a visitor who came by `https`, and shall stay there.
    HttpsOnly,
}

/// Is this an address on one of these hosts, or on the very host that the visitor is at?
///
/// The hosts are compared as they are, with their ports. A safe text still has to be quoted for the
/// header `Location`: it may hold any character.
///
/// ```
/// use housekey::next::{Scheme::HttpsOnly, is_safe};
/// let hosts = ["www.example.org", "mail.example.org"];
/// assert!(is_safe("/notes/?page=2", hosts, HttpsOnly));
/// assert!(is_safe("https://mail.example.org/inbox", hosts, HttpsOnly));
/// assert!(!is_safe("https://evil.example/inbox", hosts, HttpsOnly));
/// assert!(!is_safe("//evil.example", hosts, HttpsOnly));
/// assert!(!is_safe("/\\evil.example", hosts, HttpsOnly));
/// assert!(!is_safe("javascript:alert(1)", hosts, HttpsOnly));
/// ```
#[must_use]
pub fn is_safe<'a>(
    url: &str,
    allowed_hosts: impl IntoIterator<Item = &'a str>,
    scheme: Scheme,
) -> bool {
    let url = strip(url);
    let hosts: Vec<&str> = allowed_hosts.into_iter().collect();
    // Browsers take `\` for `/`, but not everywhere: the text has to be safe either way.
    is_safe_as_it_is(url, &hosts, scheme)
        && is_safe_as_it_is(&url.replace('\\', "/"), &hosts, scheme)
}

/// The address as a header may hold it (`iri_to_uri` of `django/utils/encoding.py`): what is quoted already
/// stays so.
///
/// ```
/// assert_eq!(housekey::next::to_uri("/größe?a=b c&d=%20"), "/gr%C3%B6%C3%9Fe?a=b%20c&d=%20");
/// ```
#[must_use]
pub fn to_uri(address: &str) -> String {
    const STAY: &[u8] = b"/#%[]=:;$&()+,!?*@'~_.-";
    address.bytes().fold(String::with_capacity(address.len()), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || STAY.contains(&byte) {
            uri.push(byte.into());
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}

fn is_safe_as_it_is(url: &str, hosts: &[&str], required: Scheme) -> bool {
    let Some(first) = url.chars().next() else { return false };
    // To browsers any number of slashes starts a host; and Unicode normalization takes time.
    if url.starts_with("///") || url.chars().count() > MAX_CHARACTERS {
        return false;
    }
    let Some(parts) = split_url(url) else { return false };
    if parts.netloc.is_empty() {
        // Browsers find a host in `http:///evil.example`, where there is none by the standard.
        return parts.scheme.is_empty() && !is_control(first);
    }
    let scheme_is_fine = matches!(
        (parts.scheme.as_str(), required),
        ("https", _) | ("http" | "", Scheme::HttpOrHttps)
    );
    scheme_is_fine && hosts.contains(&parts.netloc.as_str()) && !is_control(first)
}

/// Browsers skip some of these at the start of an address.
fn is_control(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::vectors;

    #[test]
    fn fuzz_next() {
        let mut seeds = crate::fuzz::seeds(&["next_url"], "url");
        seeds.extend(crate::fuzz::seeds(&["csrf_request"], "referer"));
        crate::fuzz::fuzz(&seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let uri = to_uri(&text);
            assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(to_uri(&uri), uri);
            if is_safe(&text, ["app.example"], Scheme::HttpsOnly) {
                assert!(is_safe(&text, ["app.example"], Scheme::HttpOrHttps), "{text:?}");
            }
            // What no host is allowed for leads to no other host.
            if is_safe(&text, [], Scheme::HttpOrHttps) {
                assert!(!uri.replace('\\', "/").starts_with("///"), "{text:?}");
            }
        });
    }

    #[test]
    fn safe_is_what_is_safe_to_django() {
        for case in vectors("next_url") {
            // No text at all is never safe to Django; here it cannot be asked.
            let Some(url) = case["url"].as_str() else { continue };
            let hosts = case["allowed_hosts"].as_array().unwrap();
            let hosts = hosts.iter().map(|host| host.as_str().unwrap());
            let https = case["require_https"] == true;
            let scheme = if https { Scheme::HttpsOnly } else { Scheme::HttpOrHttps };
            assert_eq!(is_safe(url, hosts, scheme), case["expect"] == true, "{case}");
        }
    }

    #[test]
    fn odd_spellings_are_answered_as_django_answers() {
        let hosts = [
            "a",
            "[::1]",
            "[::1%eth0]",
            "[::1%]",
            "[1:2:3:4:5:6:7::]",
            "[1::2:3:4:5:6:7:8]",
            "[::1.2.3.4]",
            "[::01.2.3.4]",
            "[1.2.3.4]",
            "[vF.x]",
            "[VF.x]",
            "exämple.org",
            "a\u{2100}b",
            "a\u{ff0f}b",
            "@\u{37e}",
        ];
        // On the right is Django's answer.
        for (url, theirs) in [
            ("//[::1]/", true),
            ("//[::1%eth0]/", true),
            ("//[::1%]/", false),
            ("//[1:2:3:4:5:6:7::]/", true),
            ("//[1::2:3:4:5:6:7:8]/", false),
            ("//[::1.2.3.4]/", true),
            ("//[::01.2.3.4]/", false),
            ("//[1.2.3.4]/", false),
            ("//[vF.x]/", true),
            ("//[VF.x]/", false),
            ("//exämple.org/", true),
            ("//a\u{2100}b/", false),
            ("//a\u{ff0f}b/", false),
            ("//@\u{37e}/", true),
            ("h\tttps://a/", true),
            ("HTTPS://a/", true),
            ("https://A/", false),
            ("\u{1}https://a/", false),
            ("\u{1c}https://a/\u{1c}", true),
            ("\u{200b}https://a/", false),
            ("\u{e000}", false),
            ("\\\\a/", true),
            ("\\\\\\a/", false),
            ("https:\\\\a/", false),
            ("https://a\\@b/", false),
            ("https://a?@b/", true),
            ("1://b/", true),
            ("//", true),
        ] {
            assert_eq!(is_safe(url, hosts, Scheme::HttpOrHttps), theirs, "{url:?}");
        }
        let long = |characters: usize| "/".to_owned() + &"é".repeat(characters - 1);
        assert!(is_safe(&long(2048), [], Scheme::HttpsOnly));
        assert!(!is_safe(&long(2049), [], Scheme::HttpsOnly));
    }
}
