//! Where a visitor who must sign in is sent (`redirect_to_login` of `django/contrib/auth/views.py`).

use std::fmt::Write as _;

/// The address that was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    /// With the query.
    pub(crate) path: &'a str,
}

/// `LOGIN_URL` with a `next` that leads back here: a path, or the whole address when the login page is at
/// another host. A flag is one more name in its query.
pub(crate) fn page(login_url: &str, here: Here<'_>, flag: &str) -> String {
    let Here { scheme, host, path } = here;
    let next =
        if is_at(login_url, here) { path.to_owned() } else { format!("{scheme}://{host}{path}") };
    let (url, fragment) =
        login_url.split_once('#').map_or((login_url, None), |(u, f)| (u, Some(f)));
    let joint = if url.contains('?') { '&' } else { '?' };
    let mut page = format!("{url}{joint}next={}", quote(&next));
    if !flag.is_empty() {
        let _ = write!(page, "&{flag}=1");
    }
    if let Some(fragment) = fragment {
        let _ = write!(page, "#{fragment}");
    }
    page
}

fn is_at(login_url: &str, here: Here<'_>) -> bool {
    let (scheme, host) = site(login_url);
    scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case(here.scheme))
        && host.is_none_or(|host| host == here.host)
}

/// The host of the login page with its port, if it is named.
pub(crate) fn host(login_url: &str) -> Option<&str> {
    site(login_url).1
}

fn site(login_url: &str) -> (Option<&str>, Option<&str>) {
    let (scheme, rest) = match login_url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => (Some(scheme), Some(rest)),
        _ => (None, login_url.strip_prefix("//")),
    };
    (scheme, rest.and_then(|rest| rest.split(['/', '?', '#']).next()))
}

/// As the value of `next`: what Django's `urlencode(safe="/")` leaves alone stays.
fn quote(url: &str) -> String {
    url.bytes().fold(String::with_capacity(url.len()), |mut quoted, byte| {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => quoted.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => quoted.push(byte.into()),
            _ => drop(write!(quoted, "%{byte:02X}")),
        }
        quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is the `Location` of Django 5.2's `login_required` at `http://app.example/a?b=c&d=1`.
    #[test]
    fn the_way_back_is_a_path_or_a_whole_address() {
        let here = Here { scheme: "http", host: "app.example", path: "/a?b=c&d=1" };
        for (login_url, page_of_django) in [
            ("/login", "/login?next=/a%3Fb%3Dc%26d%3D1"),
            ("http://app.example/login", "http://app.example/login?next=/a%3Fb%3Dc%26d%3D1"),
            ("//app.example/login", "//app.example/login?next=/a%3Fb%3Dc%26d%3D1"),
            (
                "http://front.example/login",
                "http://front.example/login?next=http%3A//app.example/a%3Fb%3Dc%26d%3D1",
            ),
            (
                "https://app.example/login",
                "https://app.example/login?next=http%3A//app.example/a%3Fb%3Dc%26d%3D1",
            ),
            ("/login?lang=de#form", "/login?lang=de&next=/a%3Fb%3Dc%26d%3D1#form"),
        ] {
            assert_eq!(page(login_url, here, ""), page_of_django);
        }
    }

    #[test]
    fn a_login_page_elsewhere_names_its_host() {
        for (login_url, named) in [
            ("/login", None),
            ("login", None),
            ("/login?from=http://front.example/", None),
            ("http://front.example:8000/login?a=1", Some("front.example:8000")),
            ("https://front.example", Some("front.example")),
            ("//front.example/login", Some("front.example")),
        ] {
            assert_eq!(host(login_url), named, "{login_url}");
        }
    }
}
