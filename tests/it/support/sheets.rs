//! The ready-made pages, each with something in every field.

use chrono::{DateTime, TimeDelta, Utc};
use housekey::pages::{
    Account, App, ChangePassword, Choice, EditGroup, EditUser, Frame, GroupRow, Groups, Language,
    Message, NewUser, Note, PasswordLink, SessionRow, Sessions, SetPassword, SignIn, SignOut,
    UserRow, Users,
};
use housekey::password::Weakness;

pub(crate) const LANGUAGES: [Language; 2] = [Language::English, Language::German];

/// A page: what it is called in a test that fails, and its HTML.
pub(crate) type Sheet = (&'static str, String);

pub(crate) fn now() -> DateTime<Utc> {
    "2026-05-20T12:00:00Z".parse().unwrap()
}

/// What is told in each field: the text, and which field it is.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a>(pub(crate) &'a str);

impl Words<'_> {
    pub(crate) fn of(self, field: &str) -> String {
        format!("{}-{field}", self.0)
    }

    /// Browsers are cut short where they are shown, so this one is short already.
    pub(crate) fn agent(self) -> String {
        format!("x{}-agent", self.0.chars().take(40).collect::<String>())
    }

    pub(crate) fn frame(self, language: Language) -> Frame {
        Frame {
            app: self.of("app"),
            home: "/home".to_owned(),
            base: "/account".to_owned(),
            extra_stylesheet: Some(format!("/account/{}", self.of("stylesheet"))),
            language,
            csrf_token: self.of("csrf"),
            signed_in: Some(self.of("signed-in")),
            sees_users: true,
            sees_groups: true,
            message: None,
            now: now(),
        }
    }

    fn session(self, hours: i64) -> SessionRow {
        let created = now() - TimeDelta::hours(hours);
        SessionRow {
            id: self.of("session"),
            agent: self.agent(),
            app: self.of("session-app"),
            address: self.of("address"),
            created,
            last_seen: Some(created + TimeDelta::minutes(30)),
            is_current: false,
        }
    }

    fn sessions(self) -> Vec<SessionRow> {
        let bare = SessionRow { created: now(), ..SessionRow::default() };
        let current = SessionRow { is_current: true, ..self.session(2) };
        vec![current, self.session(90), self.session(900), bare]
    }

    fn choices(self, field: &str) -> Vec<Choice> {
        let choice = |at: usize, is_chosen, is_open| Choice {
            value: self.of(&format!("{field}-value-{at}")),
            label: self.of(&format!("{field}-label-{at}")),
            is_chosen,
            is_open,
        };
        let same = Choice { value: self.of(field), label: self.of(field), ..Choice::default() };
        vec![choice(0, true, true), choice(1, true, false), choice(2, false, true), same]
    }

    fn user(self, id: i64) -> UserRow {
        UserRow {
            id,
            username: self.of(&format!("user-{id}")),
            name: self.of("name"),
            email: self.of("email"),
            is_active: id != 1,
            is_staff: id == 2,
            is_superuser: id == 3,
            last_login: (id == 3).then(now),
        }
    }

    /// Each page, of somebody who may do everything.
    pub(crate) fn full(self, frame: &Frame) -> Vec<Sheet> {
        let frame = || frame.clone();
        let weaknesses = vec![Weakness::TooShort, Weakness::TooCommon];
        let username = self.of("username");
        let app = App { name: self.of("app-name"), url: format!("https://{}", self.of("url")) };
        let change = ChangePassword {
            frame: frame(),
            username: username.clone(),
            weaknesses: weaknesses.clone(),
        };
        let link = PasswordLink {
            frame: frame(),
            id: 1,
            title: self.of("title"),
            url: self.of("link"),
            hours: 72,
        };
        let row = GroupRow { id: 1, name: self.of("group"), members: 2, permissions: 1 };
        let set = SetPassword { frame: frame(), username: Some(username.clone()), weaknesses };
        vec![
            ("SignIn", self.sign_in(frame()).to_html()),
            ("SignOut", SignOut { frame: frame() }.to_html()),
            ("Account", Account { frame: frame(), apps: vec![app.clone(), app] }.to_html()),
            ("ChangePassword", change.to_html()),
            ("SetPassword", set.to_html()),
            ("Sessions", Sessions { frame: frame(), sessions: self.sessions() }.to_html()),
            ("Users", self.users(frame()).to_html()),
            ("NewUser", self.new_user(frame()).to_html()),
            ("EditUser", self.edit_user(frame()).to_html()),
            ("PasswordLink", link.to_html()),
            ("Groups", self.groups(frame(), vec![row]).to_html()),
            ("EditGroup", self.edit_group(frame()).to_html()),
            ("Note", Note { frame: frame() }.to_html()),
        ]
    }

    /// The same pages with as little on them as they can have, of somebody who may only look.
    pub(crate) fn bare(self, frame: &Frame) -> Vec<Sheet> {
        let frame = || frame.clone();
        let stranger = || Frame { signed_in: None, app: String::new(), ..frame() };
        let edit =
            EditUser { id: 1, title: self.of("title"), frame: frame(), ..EditUser::default() };
        let looked_at = EditUser { may_change: false, is_active: false, ..self.edit_user(frame()) };
        let inactive = EditUser { is_active: false, is_self: true, ..self.edit_user(frame()) };
        let change = EditUser { may_change: true, may_rank: true, ..edit.clone() };
        let group =
            EditGroup { id: 1, title: self.of("title"), frame: frame(), ..EditGroup::default() };
        let open_group = EditGroup { may_change: true, ..group.clone() };
        let closed_group = EditGroup { may_change: false, ..self.edit_group(frame()) };
        let link =
            PasswordLink { title: self.of("title"), frame: frame(), ..PasswordLink::default() };
        let change_password = ChangePassword { frame: frame(), ..ChangePassword::default() };
        let again = SignIn { again: true, username: String::new(), ..self.sign_in(frame()) };
        let current = SessionRow { is_current: true, ..self.session(1) };
        vec![
            ("SignIn", SignIn { frame: stranger(), ..SignIn::default() }.to_html()),
            ("SignIn again", again.to_html()),
            ("SignOut", SignOut { frame: stranger() }.to_html()),
            ("Account", Account { frame: frame(), apps: Vec::new() }.to_html()),
            ("ChangePassword", change_password.to_html()),
            ("SetPassword", SetPassword { frame: stranger(), ..SetPassword::default() }.to_html()),
            ("Sessions, none", Sessions { frame: frame(), sessions: Vec::new() }.to_html()),
            ("Sessions, one", Sessions { frame: frame(), sessions: vec![current] }.to_html()),
            ("Users", Users { frame: frame(), ..Users::default() }.to_html()),
            ("NewUser", NewUser { frame: frame(), ..NewUser::default() }.to_html()),
            ("EditUser, seen", edit.to_html()),
            ("EditUser, seen with all", looked_at.to_html()),
            ("EditUser, changed", change.to_html()),
            ("EditUser, inactive", inactive.to_html()),
            ("PasswordLink", link.to_html()),
            ("Groups", Groups { frame: frame(), ..Groups::default() }.to_html()),
            ("EditGroup, seen", group.to_html()),
            ("EditGroup, seen with all", closed_group.to_html()),
            ("EditGroup, changed", open_group.to_html()),
            ("Note", Note { frame: stranger() }.to_html()),
        ]
    }

    /// All of it in a language, without a message and with good and bad ones.
    pub(crate) fn everything(self, language: Language) -> Vec<Sheet> {
        let mut sheets = Vec::new();
        for message in [None, Some(Message::Saved), Some(Message::WrongCredentials)] {
            let frame = Frame { message, ..self.frame(language) };
            sheets.extend(self.full(&frame));
            sheets.extend(self.bare(&frame));
        }
        sheets
    }

    fn sign_in(self, frame: Frame) -> SignIn {
        SignIn { frame, username: self.of("username"), next: self.of("next"), again: false }
    }

    pub(crate) fn users(self, frame: Frame) -> Users {
        Users {
            frame,
            search: self.of("search"),
            users: (1..5).map(|id| self.user(id)).collect(),
            next: Some(self.of("next")),
            previous: Some(self.of("previous")),
            may_add: true,
        }
    }

    fn new_user(self, frame: Frame) -> NewUser {
        NewUser {
            frame,
            username: self.of("username"),
            first_name: self.of("first-name"),
            last_name: self.of("last-name"),
            email: self.of("email"),
        }
    }

    pub(crate) fn edit_user(self, frame: Frame) -> EditUser {
        EditUser {
            frame,
            id: 1,
            title: self.of("title"),
            username: self.of("username"),
            first_name: self.of("first-name"),
            last_name: self.of("last-name"),
            email: self.of("email"),
            is_active: true,
            is_staff: true,
            is_superuser: false,
            has_password: false,
            last_login: Some(now()),
            date_joined: now(),
            may_change: true,
            may_rank: true,
            is_self: false,
            groups: self.choices("group"),
            permissions: self.choices("permission"),
            by_groups: vec![self.of("by-group")],
            sessions: self.sessions(),
        }
    }

    fn groups(self, frame: Frame, groups: Vec<GroupRow>) -> Groups {
        Groups { frame, groups, name: self.of("new-name"), may_add: true }
    }

    pub(crate) fn edit_group(self, frame: Frame) -> EditGroup {
        EditGroup {
            frame,
            id: 1,
            title: self.of("title"),
            name: self.of("name"),
            permissions: self.choices("permission"),
            members: vec![self.of("member")],
            member_count: 9,
            may_change: true,
            may_delete: true,
        }
    }
}
