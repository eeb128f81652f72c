//! HTML, without scripts and without anything from elsewhere. What is not our own is [`escape`]d.

use housekey::User;

/// Where an app serves its [`style`]: the pages have nothing inline, so the policy that housekey gives them is
/// enough.
pub(crate) const STYLE_AT: &str = "/style.css";

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
<link rel="stylesheet" href="{STYLE_AT}">
</head>
<body>
<header>
<nav><a href="/" aria-current="true">{name}</a>{links}</nav>
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

    /// For a visitor who is about to sign in, after a `problem` perhaps. `csrf` is the hidden field.
    pub(crate) fn login(&self, csrf: &str, username: &str, next: &str, problem: &str) -> String {
        let problem = match problem {
            "" => String::new(),
            _ => format!(r#"<p class="problem" role="alert">{}</p>"#, escape(problem)),
        };
        let main = format!(
            r#"<h1>Sign in</h1>
{problem}
<form class="stack" method="post" action="/login">
{csrf}
<input type="hidden" name="next" value="{next}">
<label for="username">User name</label>
<input id="username" name="username" value="{username}" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>"#,
            next = escape(next),
            username = escape(username),
        );
        self.page(&format!("Sign in – {}", self.look.name), "", &main)
    }
}

/// Who is signed in, and the way out.
pub(crate) fn sign_out(user: &User, csrf: &str) -> String {
    format!(
        r#"<form class="who" method="post" action="/logout">
{csrf}<span>Signed in as <strong>{}</strong></span> <button class="quiet">Sign out</button>
</form>"#,
        escape(&user.full_name())
    )
}

pub(crate) fn style(look: &Look) -> String {
    let Look { color, color_in_the_dark, .. } = look;
    format!(
        "{STYLE}\n:root {{ --color: {color}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --color: {color_in_the_dark}; }} }}\n"
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

const STYLE: &str = "\
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 22%, Canvas); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 38rem; padding: 0 1rem 3rem; font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center;
  justify-content: space-between; padding: .75rem 0; border-bottom: 1px solid var(--line); }
nav { display: flex; gap: 1rem; }
a { color: var(--color); }
nav a { color: inherit; text-decoration: none; padding: .25rem 0; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { color: var(--color); font-weight: 600; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 2rem 0 1rem; }
h1::first-letter { text-transform: uppercase; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0; }
form.stack { flex-direction: column; align-items: stretch; max-width: 22rem; }
form.row label { flex-basis: 100%; }
form.row input { flex: 1 1 10rem; min-width: 0; }
label { font-weight: 600; }
input, button, .button { font: inherit; padding: .5rem .75rem; border: 1px solid var(--line);
  border-radius: .4rem; }
input { background: Canvas; color: CanvasText;
  border-color: color-mix(in srgb, CanvasText 50%, Canvas); }
.button { display: inline-block; }
button, .button { background: var(--color); border-color: var(--color); color: Canvas;
  text-decoration: none; cursor: pointer; }
form.stack button { margin-top: .5rem; }
button.quiet { background: none; border-color: var(--line); color: inherit; padding: .25rem .6rem; }
:focus-visible { outline: 2px solid var(--color); outline-offset: 2px; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; }
li { padding: .6rem 0; border-bottom: 1px solid var(--line); }
.none { opacity: .7; margin-top: 1.5rem; }
.problem { border-left: .25rem solid #c4352b; padding: .25rem .75rem; }";
