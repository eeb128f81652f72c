//! The header `Cookie`, read as Django reads it (`django/http/cookie.py`).

/// The value of the last cookie of that name, over all `Cookie` headers.
pub(crate) fn find<'a>(headers: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    let pairs = headers.flat_map(|header| header.split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
        (key == name.as_bytes()).then_some(value)
    });
    let value = values.last()?;
    let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    // What is no text is no session key either.
    Some(std::str::from_utf8(value).unwrap_or("?")).filter(|value| !value.is_empty())
}

/// How many cookies of that name there are in a header.
pub(crate) fn count(header: &str, name: &str) -> usize {
    let names = header.split(';').filter_map(|pair| pair.split_once('='));
    names.filter(|(key, _)| key.trim() == name).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<&str> {
        find(std::iter::once(header.as_bytes()), "sessionid")
    }

    #[test]
    fn fuzz_cookie_header() {
        let seeds: Vec<Vec<u8>> = [
            "sessionid=abc; csrftoken=def",
            "a=1;  sessionid = \"abc\" ;; =; sessionid",
            "sessionid=a, b; sessionid=c=d",
        ]
        .map(|header| header.as_bytes().to_vec())
        .into();
        crate::fuzz::fuzz(&seeds, |bytes| {
            let value = find(bytes.split(|byte| *byte == b'\n'), "sessionid");
            assert!(value.is_none_or(|value| !value.is_empty() && !value.contains(';')));
        });
    }

    /// The right side is what `django.http.cookie.parse_cookie` answers.
    #[test]
    fn the_header_is_read_as_django_reads_it() {
        assert_eq!(read("sessionid=abc"), Some("abc"));
        assert_eq!(read("a=1;  sessionid = abc ; b=2"), Some("abc"));
        assert_eq!(read("sessionid=abc; sessionid=def"), Some("def"));
        assert_eq!(read("sessionid=\"abc\""), Some("abc"));
        assert_eq!(read("Sessionid=abc; xsessionid=def"), None);
        assert_eq!(read("sessionid"), None);
        assert_eq!(read("sessionid="), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_value_that_is_no_text_is_there_and_no_key() {
        assert_eq!(find(std::iter::once(&b"sessionid=\xff\xfe"[..]), "sessionid"), Some("?"));
    }
}
