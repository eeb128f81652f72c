//! What is on the pages of these two apps.

use housekey::User;

use crate::app::About;
use crate::parts::page::{Frame, escape, sign_out};

/// For a visitor who is not signed in.
pub(crate) fn welcome(frame: &Frame, about: &About) -> String {
    let name = about.look.name;
    let others = frame.links.iter();
    let others: Vec<String> =
        others.map(|(url, name)| format!(r#"<a href="{}">{name}</a>"#, escape(url))).collect();
    let main = format!(
        r#"<h1>{name}</h1>
<p>{purpose}</p>
<p>This app keeps the {name} in a database of its own. Its users and their sessions are those of the
whole house: sign in here, and you are signed in to {others} as well.</p>
<p><a class="button" href="/account/login">Sign in</a></p>"#,
        purpose = about.purpose,
        others = others.join(" and "),
    );
    frame.page(name, "", &main)
}

/// For a user: what is in the app's own table.
pub(crate) fn entries(
    frame: &Frame,
    about: &About,
    csrf: &str,
    user: &User,
    texts: &[String],
) -> String {
    let (name, entry) = (about.look.name, about.entry);
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
    frame.page(name, &sign_out(user, csrf), &main)
}

fn list(name: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return format!(r#"<p class="none">No {name} yet.</p>"#);
    }
    let items: Vec<String> =
        texts.iter().map(|text| format!("<li>{}</li>", escape(text))).collect();
    format!("<ul class=\"list\">\n{}\n</ul>", items.join("\n"))
}
