//! HTML, without scripts and without anything from elsewhere. What is not our own is [`escape`]d.

use axum::response::Html;
use housekey::User;
use housekey::axum::CsrfToken;

use crate::app::About;

/// What all pages of one app have in common.
pub(crate) struct Frame {
    pub(crate) about: &'static About,
    pub(crate) other: &'static About,
    pub(crate) other_url: String,
}

/// For a visitor who is not signed in.
pub(crate) fn welcome(frame: &Frame) -> Html<String> {
    let About { name, purpose, .. } = frame.about;
    let other = frame.other.name;
    let other_url = escape(&frame.other_url);
    let main = format!(
        r#"<h1>{name}</h1>
<p>{purpose}</p>
<p>This app keeps the {name} in a database of its own. Its users and their sessions are those of the
whole house: sign in here, and you are signed in to <a href="{other_url}">{other}</a> as well.</p>
<p><a class="button" href="/login">Sign in</a></p>"#
    );
    frame.page(frame.about.name, "", &main)
}

/// For a visitor who is about to sign in, after a `problem` perhaps.
pub(crate) fn login(
    frame: &Frame,
    csrf: &CsrfToken,
    username: &str,
    next: &str,
    problem: &str,
) -> Html<String> {
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
        csrf = csrf.input(),
        next = escape(next),
        username = escape(username),
    );
    frame.page(&format!("Sign in – {}", frame.about.name), "", &main)
}

/// For a user: what is in the app's own table.
pub(crate) fn entries(
    frame: &Frame,
    csrf: &CsrfToken,
    user: &User,
    texts: &[String],
) -> Html<String> {
    let About { name, entry, .. } = frame.about;
    let (user, csrf) = (escape(&user.full_name()), csrf.input());
    let sign_out = format!(
        r#"<form class="who" method="post" action="/logout">
{csrf}<span>Signed in as <strong>{user}</strong></span> <button class="quiet">Sign out</button>
</form>"#
    );
    let main = format!(
        r#"<h1>Your {name}</h1>
<form class="row" method="post" action="/">
{csrf}
<label for="text">New {entry}</label>
<input id="text" name="text" maxlength="200" autocomplete="off" required>
<button>Add</button>
</form>
{}"#,
        list(name, texts)
    );
    frame.page(name, &sign_out, &main)
}

fn list(name: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return format!(r#"<p class="none">No {name} yet.</p>"#);
    }
    let items: Vec<String> =
        texts.iter().map(|text| format!("<li>{}</li>", escape(text))).collect();
    format!("<ul>\n{}\n</ul>", items.join("\n"))
}

impl Frame {
    fn page(&self, title: &str, who: &str, main: &str) -> Html<String> {
        let About { name, color, color_in_the_dark, .. } = self.about;
        let other = self.other.name;
        let other_url = escape(&self.other_url);
        Html(format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{STYLE}
:root {{ --color: {color}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --color: {color_in_the_dark}; }} }}
</style>
</head>
<body>
<header>
<nav><a href="/" aria-current="true">{name}</a> <a href="{other_url}">{other}</a></nav>
{who}
</header>
<main>
{main}
</main>
</body>
</html>
"#
        ))
    }
}

/// Text as HTML shows it, between tags and in quoted attributes.
fn escape(text: &str) -> String {
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
