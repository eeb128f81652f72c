//! What a request says of itself, in the words of no framework.

use std::net::IpAddr;

/// The head of a request, without its body.
pub(crate) trait Head {
    fn method(&self) -> &str;
    /// As they were asked for, before routers took a prefix off.
    fn path_and_query(&self) -> &str;
    /// Of the request's address, which has one in HTTP/2 alone.
    fn scheme(&self) -> Option<&str>;
    /// The host and the port of the request's address, if it has them.
    fn authority(&self) -> Option<&str>;
    /// The names of its headers, in lower case.
    fn names(&self) -> impl Iterator<Item = &str>;
    /// The values of all headers of this name, which is in lower case.
    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]>;
    /// Who holds the other end of the connection, as far as that is known.
    fn peer(&self) -> Option<IpAddr>;

    /// The first header of that name; what is no text is there, and is nobody's text.
    fn text(&self, name: &str) -> Option<&str> {
        self.lines(name).next().map(|line| std::str::from_utf8(line).unwrap_or("?"))
    }

    fn path(&self) -> &str {
        let whole = self.path_and_query();
        whole.split_once('?').map_or(whole, |(path, _)| path)
    }

    fn query(&self) -> &str {
        self.path_and_query().split_once('?').map_or("", |(_, query)| query)
    }
}

/// The kind that a `Content-Type` names, without its parameters; letters in any case.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// In what form an answer of ours is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Json,
    /// For who takes anything, like `curl`.
    Text,
}

/// By `Accept` (RFC 9110), and by what a browser says that it wants the answer for.
pub(crate) fn wanted(head: &impl Head) -> Form {
    let (html, json) = (weight(head, is_html), weight(head, is_json));
    // `fetch` takes anything by default, and cannot show a page.
    let mode = head.text("sec-fetch-mode").unwrap_or("navigate");
    let asked = head.text("x-requested-with");
    let is_script = mode != "navigate" || asked.is_some_and(|by| by == "XMLHttpRequest");
    if json > html || (is_script && json >= html) {
        Form::Json
    } else if html > 0.0 {
        Form::Html
    } else if is_script {
        Form::Json
    } else {
        Form::Text
    }
}

/// Is it a page?
pub(crate) fn is_html(kind: &str) -> bool {
    ["text/html", "application/xhtml+xml"].iter().any(|page| kind.eq_ignore_ascii_case(page))
}

fn is_json(kind: &str) -> bool {
    let is = |part: &str| part.eq_ignore_ascii_case("json");
    kind.split_once('/').is_some_and(|(family, name)| {
        family.eq_ignore_ascii_case("application")
            && (is(name) || name.rsplit_once('+').is_some_and(|(_, suffix)| is(suffix)))
    })
}

/// How much kinds of that sort are wanted, from 0 to 1.
fn weight(head: &impl Head, is_wanted: impl Fn(&str) -> bool) -> f32 {
    let lines = head.lines("accept").filter_map(|line| std::str::from_utf8(line).ok());
    let weights = lines.flat_map(|line| line.split(',')).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?;
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f32>().ok())?;
        is_wanted(kind).then_some(weight)
    });
    weights.fold(0.0, f32::max)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request of a test.
    pub(crate) struct Asked<'a> {
        pub(crate) path: &'a str,
        pub(crate) headers: &'a [(&'a str, &'a str)],
        pub(crate) peer: Option<IpAddr>,
    }

    impl Head for Asked<'_> {
        fn method(&self) -> &'static str {
            "GET"
        }
        fn path_and_query(&self) -> &str {
            self.path
        }
        fn scheme(&self) -> Option<&str> {
            None
        }
        fn authority(&self) -> Option<&str> {
            None
        }
        fn names(&self) -> impl Iterator<Item = &str> {
            self.headers.iter().map(|(name, _)| *name)
        }
        fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
            let name = name.to_owned();
            self.headers.iter().filter(move |(n, _)| *n == name).map(|(_, value)| value.as_bytes())
        }
        fn peer(&self) -> Option<IpAddr> {
            self.peer
        }
    }

    #[test]
    fn an_answer_has_the_form_that_is_wanted() {
        let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (headers, form) in [
            (&[("accept", chromium)][..], Form::Html),
            (&[("accept", chromium), ("sec-fetch-mode", "navigate")], Form::Html),
            (&[("accept", "*/*")], Form::Text),
            (&[], Form::Text),
            (&[("accept", "*/*"), ("sec-fetch-mode", "cors")], Form::Json),
            (&[("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")], Form::Json),
            (&[("accept", "application/json")], Form::Json),
            (&[("accept", "application/problem+json, text/html;q=0.5")], Form::Json),
            (&[("accept", "application/json;q=0.3, text/html")], Form::Html),
            (&[("accept", "application/json, text/html")], Form::Html),
            (&[("accept", "text/html;q=0, application/json;q=0.1")], Form::Json),
            (&[("accept", "text/html;q=nonsense")], Form::Text),
            (&[("accept", "text/html;q=0.5"), ("accept", "application/json")], Form::Json),
        ] {
            assert_eq!(wanted(&Asked { path: "/", headers, peer: None }), form, "{headers:?}");
        }
    }
}
