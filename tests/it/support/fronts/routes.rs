//! The handlers of both frameworks, and at which paths they are. What takes and gives only types of housekey and
//! plain texts is a handler of either.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use housekey::{Error, Expiry, Session, User};

use crate::support::{House, login_in};

housekey::permission!(pub(crate) AddNote = "notes.add_note");

/// The paths, for a macro of the framework.
macro_rules! routes {
    ($mount:ident, $house:expr) => {{
        let house = $house.clone();
        let interrupt = move |session: Session| interrupt(house.clone(), session);
        let house = $house.clone();
        let sign_in_behind = move |session: Session| sign_in_behind(house.clone(), session);
        let failing = |work: fn(&House) -> Result<(), Error>| {
            let house = $house.clone();
            move || error_of(house.clone(), work)
        };
        $mount! {
            "/" => get(greet);
            "/public" => get(public) post(echo) put(echo) patch(echo) delete(public);
            "/user" => get(name) post(name);
            "/three" => get(three_extractors);
            "/session" => get(page) post(turn);
            "/set" => get(set);
            "/fail" => get(fail);
            "/remember" => get(remember);
            "/interrupt" => get(interrupt);
            "/login" => post(sign_in);
            "/logout" => post(sign_out);
            "/password" => post(change_password);
            "/login-behind" => post(sign_in_behind);
            "/login-and-show" => post(sign_in_and_show);
            "/may" => get(may);
            "/is-fresh" => get(is_fresh);
            "/permission" => get(permission) post(permission);
            "/staff" => get(staff);
            "/fresh" => get(fresh) post(fresh);
            "/token" => get(token);
            "/field" => get(field);
            "/next" => get(next) post(next_posted);
            "/asks-again" => get(asks_again);
            "/raw" => post(sum) put(sum);
            "/stream" => get(stream);
            "/page" => get(html);
            "/own" => get(own_headers);
            "/cached" => get(cached);
            "/empty" => get(no_content);
            "/moved" => get(moved);
            "/broken" => get(broken);
            "/error/gone" => get(gone);
            "/error/value" => get(value_that_cannot_be_kept);
            "/error/user" => get(failing(|house| {
                house.create_user("<b>\"Ada\"", "", "secret").map(drop)
            }));
            "/error/taken" => get(failing(|house| house.create_user("ada", "", "secret").map(drop)));
            "/error/query" => get(failing(|house| {
                let told = house.local()?.batch_execute("SELECT secret FROM nowhere");
                told.map_err(Error::Query)
            }));
            "/error/panicked" => get(failing(|_| panic!("on purpose")));
            "/error/with-more" => get(error_with_more);
            "/error/as-conflict" => get(error_as_conflict);
        }
    }};
}
pub(super) use routes;

/// Those that neither framework needs to be named for. The types are the same under both names.
pub(super) mod handlers {
    pub(super) use housekey::actix::{
        AuthSession, CsrfToken, Fresh, Next, RequirePermission, RequireStaff, SeeOther,
    };

    use super::*;

    pub(crate) async fn greet(user: Option<User>) -> String {
        user.map_or("nobody".to_owned(), |user| user.username)
    }

    pub(crate) async fn public() -> String {
        "public".to_owned()
    }

    pub(crate) async fn echo(body: Bytes) -> String {
        String::from_utf8_lossy(&body).into_owned()
    }

    pub(crate) async fn name(user: User) -> String {
        user.username
    }

    pub(crate) async fn three_extractors(
        user: User,
        again: Option<User>,
        session: Session,
    ) -> String {
        assert_eq!(Some(&user), again.as_ref());
        session.user().unwrap().username
    }

    pub(crate) async fn page(session: Session) -> String {
        format!("{:?}", session.get::<u8>("page"))
    }

    pub(crate) async fn turn(session: Session, body: Bytes) -> Result<String, Error> {
        session.insert("page", body.len())?;
        Ok("turned".to_owned())
    }

    pub(crate) async fn set(session: Session) -> Result<String, Error> {
        session.insert("page", 2)?;
        Ok("set".to_owned())
    }

    pub(crate) async fn remember(session: Session) -> Result<String, Error> {
        session.insert("a", 1)?;
        session.set_expiry(Expiry::AtBrowserClose);
        Ok(String::new())
    }

    /// Ends the session behind the request's back, then changes it.
    pub(crate) async fn interrupt(house: House, session: Session) -> Result<String, Error> {
        let key = session.key().unwrap();
        house.run(move |house| house.logout(&house.session(Some(key.expose_secret()))?)).await?;
        session.insert("page", 4)?;
        Ok("interrupted".to_owned())
    }

    /// The fields of a form.
    fn field_of(body: &[u8], wanted: &str) -> Option<String> {
        let fields = form_urlencoded::parse(body).filter(|(name, _)| name == wanted);
        fields.map(|(_, value)| value.into_owned()).last()
    }

    /// With `username`, `password` and `next`, as a login page posts them.
    pub(crate) async fn sign_in(
        auth: AuthSession,
        next: Next,
        body: Bytes,
    ) -> Result<SeeOther, Error> {
        let field = |name| field_of(&body, name).unwrap_or_default();
        let Some(user) = auth.authenticate(&field("username"), &field("password")).await? else {
            return Ok(next.redirect_or("/login?wrong"));
        };
        auth.login(&user).await?;
        Ok(next.posted(field_of(&body, "next")).redirect_or("/"))
    }

    pub(crate) async fn sign_out(auth: AuthSession) -> Result<String, Error> {
        auth.logout().await?;
        Ok("out".to_owned())
    }

    pub(crate) async fn change_password(auth: AuthSession, body: Bytes) -> Result<String, Error> {
        let field = |name| field_of(&body, name).unwrap_or_default();
        Ok(auth.change_password(&field("old"), &field("new")).await?.to_string())
    }

    /// Of the user `ada`, past `AuthSession`.
    pub(crate) async fn sign_in_behind(house: House, session: Session) -> Result<String, Error> {
        let work = move |house: &House| {
            login_in(house, &session, "ada");
            Ok("in".to_owned())
        };
        house.run(work).await
    }

    /// The tokens before and after the login.
    pub(crate) async fn sign_in_and_show(
        auth: AuthSession,
        csrf: CsrfToken,
    ) -> Result<String, Error> {
        let before = csrf.token();
        let user = auth.authenticate("ada", crate::support::PASSWORD).await?.unwrap();
        auth.login(&user).await?;
        Ok(format!("{before} {}", csrf.token()))
    }

    pub(crate) async fn may(auth: AuthSession) -> Result<String, Error> {
        Ok(auth.has_perm("notes.add_note").await?.to_string())
    }

    pub(crate) async fn is_fresh(auth: AuthSession) -> Result<String, Error> {
        Ok(auth.is_fresh(Duration::from_secs(300)).await?.to_string())
    }

    pub(crate) async fn permission(may: RequirePermission<AddNote>) -> String {
        assert!(may.permissions.has_perm("notes.add_note"));
        may.user.username
    }

    pub(crate) async fn staff(RequireStaff(user): RequireStaff) -> String {
        user.username
    }

    pub(crate) async fn fresh(Fresh(user): Fresh<5>) -> String {
        user.username
    }

    pub(crate) async fn token(csrf: CsrfToken) -> String {
        csrf.token()
    }

    pub(crate) async fn field(csrf: CsrfToken) -> String {
        csrf.input()
    }

    pub(crate) async fn next(next: Next) -> SeeOther {
        next.redirect_or("/")
    }

    pub(crate) async fn next_posted(next: Next, body: Bytes) -> SeeOther {
        next.posted(field_of(&body, "next")).redirect_or("/")
    }

    pub(crate) async fn asks_again(user: Option<User>, next: Next) -> String {
        format!("{} {}", user.is_some(), next.asks_again())
    }

    /// How long the body is, and a sum over its bytes that depends on their places.
    pub(crate) async fn sum(body: Bytes) -> String {
        sum_of(&body)
    }

    pub(crate) async fn gone() -> Result<String, Error> {
        Err(Error::SessionGone)
    }

    /// JSON has no such names.
    pub(crate) async fn value_that_cannot_be_kept(session: Session) -> Result<String, Error> {
        let by_pairs = std::collections::HashMap::from([((1, 2), 3)]);
        session.insert("pairs", by_pairs)?;
        Ok("kept".to_owned())
    }

    pub(crate) async fn error_of(
        house: House,
        work: fn(&House) -> Result<(), Error>,
    ) -> Result<String, Error> {
        house.run(work).await?;
        Ok("no error".to_owned())
    }
}

pub(crate) fn sum_of(body: &[u8]) -> String {
    let sum = body.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
    format!("{} {sum}", body.len())
}

/// A body in pieces, of which one is a name.
pub(super) fn pieces(name: String) -> impl futures_core::Stream<Item = Result<Bytes, Infallible>> {
    Pieces((0..200).map(|number| format!("{number} ")).chain([name]).collect())
}

struct Pieces(VecDeque<String>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Bytes::from(piece))))
    }
}

/// What a route of the app answers by itself.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: &'static str,
}

pub(super) mod replies {
    use super::*;

    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

    pub(crate) async fn html() -> Reply {
        Reply { status: 200, headers: &[HTML], body: "<p>page</p>" }
    }

    /// The app has said all that the layer would say.
    pub(crate) async fn own_headers(_: Option<User>) -> Reply {
        let headers = &[
            HTML,
            ("content-security-policy", "default-src 'none'"),
            ("x-frame-options", "SAMEORIGIN"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "unsafe-none"),
            ("strict-transport-security", "max-age=1"),
            ("x-content-type-options", "none"),
            ("cache-control", "private, max-age=60"),
            ("vary", "Accept-Language"),
            ("set-cookie", "theme=dark"),
        ];
        Reply { status: 200, headers, body: "<p>own</p>" }
    }

    /// The same for everyone who is nobody.
    pub(crate) async fn cached(_: Option<User>) -> Reply {
        let headers = &[HTML, ("cache-control", "public, max-age=60")];
        Reply { status: 200, headers, body: "<p>cached</p>" }
    }

    pub(crate) async fn no_content() -> Reply {
        Reply { status: 204, headers: &[], body: "" }
    }

    pub(crate) async fn moved() -> Reply {
        Reply { status: 302, headers: &[("location", "/public")], body: "" }
    }

    pub(crate) async fn broken() -> Reply {
        Reply { status: 500, headers: &[HTML], body: "<p>broken</p>" }
    }

    pub(crate) async fn fail(session: Session) -> Reply {
        session.insert("page", 3).unwrap();
        Reply { status: 500, headers: &[], body: "" }
    }
}
