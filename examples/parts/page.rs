//! HTML, without scripts and without anything from elsewhere. What is not our own is [`escape`]d.

use housekey::User;

/// Where the ready-made pages of housekey are; the pages of the example look like them.
pub(crate) const PAGES_AT: &str = "/account";

/// Where an app serves its [`colors`]: the pages have nothing inline, so the policy that housekey gives them is
/// enough.
pub(crate) const COLORS_AT: &str = "/colors.css";

/// What an app looks like.
pub(crate) struct Look {
    pub(crate) name: &'static str,
    pub(crate) color: &'static str,
    pub(crate) color_in_the_dark: &'static str,
}

/// What all pages of one app have in common.
pub(crate) struct Frame {
    pub(crate) look: &'static Look,
    /// Where else to go: an address, and what is there.
    pub(crate) links: Vec<(String, &'static str)>,
}

impl Frame {
    /// Of the HTML `who` for the head of the page, and of the HTML `main`.
    pub(crate) fn page(&self, title: &str, who: &str, main: &str) -> String {
        let (name, title) = (self.look.name, escape(title));
        let links = self.links.iter();
        let links: Vec<String> =
            links.map(|(url, text)| format!(r#" <a href="{}">{text}</a>"#, escape(url))).collect();
        let links = links.concat();
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{PAGES_AT}/style.css">
<link rel="stylesheet" href="{COLORS_AT}">
</head>
<body>
<header>
<nav><a class="app" href="/">{name}</a>{links}</nav>
{who}
</header>
<main>
{main}
</main>
</body>
</html>
"#
        )
    }
}

/// Who is signed in, and the way out.
pub(crate) fn sign_out(user: &User, csrf: &str) -> String {
    format!(
        r#"<form class="who" method="post" action="{PAGES_AT}/logout">
{csrf}<span>Signed in as <strong>{}</strong></span> <a href="{PAGES_AT}/">Your account</a>
<button class="quiet">Sign out</button>
</form>"#,
        escape(&user.full_name())
    )
}

/// All that is different about the looks of an app.
pub(crate) fn colors(look: &Look) -> String {
    let Look { color, color_in_the_dark, .. } = look;
    format!(
        ":root {{ --accent: {color}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {color_in_the_dark}; }} }}\n"
    )
}

/// Text as HTML shows it, between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
        escaped
    })
}
