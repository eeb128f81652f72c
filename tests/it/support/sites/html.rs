//! What the pages hold.

use housekey::User;
use housekey::axum::CsrfToken;

/// For everyone: who the visitor is, and what can be done.
pub(super) fn home(user: Option<&User>, csrf: &CsrfToken) -> String {
    let who = user.map_or("nobody", |user| &user.username);
    let csrf = csrf.input();
    format!(
        r#"<!doctype html><title>home</title><p id="who">{who}</p>
<form id="change" method="post" action="/change">{csrf}<button>Change</button></form>
<form id="files" method="post" action="/change" enctype="multipart/form-data">{csrf}<input type="file" name="file"><button>Send</button></form>
<form id="logout" method="post" action="/account/logout?next=/">{csrf}<button>Sign out</button></form>
<a id="private" href="/private">private</a><script src="/trial.js"></script>"#
    )
}

/// A form to sign in, which all addresses show that are no others: so a login can be tried from wherever one has ended.
pub(super) fn anywhere(csrf: &CsrfToken) -> String {
    format!(
        r#"<!doctype html><title>anywhere</title><main><form id="login" method="post" action="/account/login">{csrf}
<input type="hidden" name="next"><input name="username"><input name="password" type="password">
<button>Sign in</button></form></main><script src="/trial.js"></script>"#,
        csrf = csrf.input()
    )
}

pub(super) fn private(user: &User) -> String {
    format!(
        r#"<!doctype html><title>private</title><p id="secret">the diary of {}</p>
<form action="/private"><button>Again</button></form><a id="home" href="/">home</a>"#,
        user.username
    )
}

/// Scripts and styles of each kind; what ran has changed its own line.
pub(super) const SCRIPTS: &str = r#"<!doctype html><title>scripts</title>
<link rel="stylesheet" href="/own.css"><style>#inline-style { color: rgb(1, 2, 3) }</style>
<p id="own-style">x</p><p id="inline-style">x</p><p id="attribute-style" style="color: rgb(1, 2, 3)">x</p>
<p id="inline">did not run</p><p id="own">did not run</p><p id="attribute" onclick="this.textContent = 'ran'">did not run</p>
<script>document.getElementById("inline").textContent = "ran"</script>
<script src="/own.js"></script>
<noscript><p id="none">without scripts</p></noscript>"#;

pub(super) const OWN_SCRIPT: &str = r#"document.getElementById("own").textContent = "ran""#;

pub(super) const OWN_STYLE: &str = "#own-style { color: rgb(1, 2, 3) }";

/// When a test has asked for it (`Trial`): goes from text to text, each `next` from the page that the one before has
/// ended at, and takes note of where that is. No command of the protocol comes in between, so it is fast.
pub(super) const TRIAL: &str = r#"
const trial = JSON.parse(sessionStorage.getItem("trial"));
const form = document.getElementById("login");
if (trial && !form) {
    location.href = "/anywhere?from=" + encodeURIComponent(location.href);
} else if (trial) {
    trial.ended.push(new URLSearchParams(location.search).get("from") ?? location.href);
    const next = trial.texts[trial.ended.length - 1];
    if (next === undefined) {
        sessionStorage.removeItem("trial");
        document.documentElement.dataset.ended = JSON.stringify(trial.ended.slice(1));
    } else {
        sessionStorage.setItem("trial", JSON.stringify(trial));
        if (trial.by === "query") {
            location.href = "/account/login?next=" + encodeURIComponent(next);
        } else {
            [form.username.value, form.password.value, form.next.value] = [trial.name, trial.password, next];
            form.submit();
        }
    }
}"#;
