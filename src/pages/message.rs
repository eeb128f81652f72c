//! What the pages say of a deed, and why it was not done.

use super::Language;
use crate::password::{Attribute, Weakness};

/// Is it good news?
///
/// ```
/// use housekey::pages::{Message, Tone};
/// assert_eq!(Message::Saved.tone(), Tone::Done);
/// assert_eq!(Message::UsernameTaken.tone(), Tone::Problem);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// What was asked for is done.
    Done,
    /// It is not.
    Problem,
}

macro_rules! messages {
    (
        done { $($done:ident $code:literal: $done_doc:literal),* $(,)? }
        problems { $($problem:ident: $problem_doc:literal),* $(,)? }
    ) => {
        /// What a page says of what was done, or why it was not.
        ///
        /// ```
        /// use housekey::pages::{Language, Message};
        /// assert_eq!(Message::Saved.text(Language::German), "Gespeichert.");
        /// ```
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Message {
            $(#[doc = $done_doc] $done,)*
            $(#[doc = $problem_doc] $problem,)*
            /// Too many wrong passwords.
            TooManyAttempts {
                /// When the next one is let through.
                seconds: u64,
            },
        }

        impl Message {
            /// Good news or bad?
            ///
            /// ```
            /// use housekey::pages::{Message, Tone};
            /// assert_eq!(Message::NotFound.tone(), Tone::Problem);
            /// ```
            #[must_use]
            pub fn tone(&self) -> Tone {
                match self {
                    $(Self::$done => Tone::Done,)*
                    _ => Tone::Problem,
                }
            }

            /// How an address names what was done, for the page after it.
            pub(crate) fn code(&self) -> &'static str {
                match self {
                    $(Self::$done => $code,)*
                    _ => "",
                }
            }

            pub(crate) fn of_code(code: &str) -> Option<Self> {
                [$(Self::$done),*].into_iter().find(|message| message.code() == code)
            }
        }
    };
}

messages! {
    done {
        PasswordChanged "password-changed": "The user has another password, and is signed in here alone.",
        PasswordSet "password-set": "The user has a password, and may sign in.",
        SessionEnded "session-ended": "One session has ended.",
        SessionsEnded "sessions-ended": "Other sessions have ended.",
        Saved "saved": "What was changed is kept.",
        Activated "activated": "The user may sign in again.",
        Deactivated "deactivated": "The user may sign in no more.",
        Unlocked "unlocked": "The user need not wait after wrong passwords.",
        GroupCreated "group-created": "There is a new group.",
        GroupDeleted "group-deleted": "The group is gone.",
    }
    problems {
        WrongCredentials: "There is no such user with that password.",
        WrongOldPassword: "The old password is not the user's.",
        PasswordsDiffer: "The new password was typed in two ways.",
        PasswordMissing: "No new password was typed.",
        PasswordTooLong: "The password is too long.",
        PasswordWeak: "The password is too easy to guess; the page says why.",
        LinkSpent: "The link was used, or is too old.",
        SessionGone: "The session had ended before.",
        UsernameMissing: "No user name was typed.",
        UsernameInvalid: "The user name has characters that Django does not take.",
        UsernameTaken: "Another user has the name.",
        TooLong: "A field holds more than the house keeps.",
        GroupNameMissing: "The group has no name, or too long a one.",
        GroupTaken: "Another group has the name.",
        GroupInUse: "Something refers to the group.",
        Unconfirmed: "The box was not ticked.",
        NotStaff: "The page is for staff.",
        Lacks: "The visitor lacks the permission.",
        MoreThanYours: "The visitor would give or take over more than the visitor has.",
        Yourself: "That is not to be done to oneself.",
        LastSuperuser: "Somebody has to be a superuser.",
        Inactive: "The user may not sign in, so there is no link.",
        NotFound: "There is nothing at the address.",
        Away: "The house does not answer.",
    }
}

impl Message {
    /// What the visitor reads.
    ///
    /// ```
    /// use housekey::pages::{Language, Message};
    /// let wait = Message::TooManyAttempts { seconds: 20 };
    /// assert!(wait.text(Language::English).contains("20 seconds"));
    /// ```
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let t = language.texts();
        let text = match self {
            Self::TooManyAttempts { seconds } => return (t.too_many_attempts)(*seconds),
            Self::PasswordChanged => t.password_changed,
            Self::PasswordSet => t.password_set,
            Self::SessionEnded => t.session_ended,
            Self::SessionsEnded => t.sessions_ended,
            Self::Saved => t.saved,
            Self::Activated => t.activated,
            Self::Deactivated => t.deactivated,
            Self::Unlocked => t.unlocked,
            Self::GroupCreated => t.group_created,
            Self::GroupDeleted => t.group_deleted,
            Self::WrongCredentials => t.wrong_credentials,
            Self::WrongOldPassword => t.wrong_old_password,
            Self::PasswordsDiffer => t.passwords_differ,
            Self::PasswordMissing => t.password_missing,
            Self::PasswordTooLong => t.password_too_long,
            Self::PasswordWeak => t.password_weak,
            Self::LinkSpent => t.link_spent,
            Self::SessionGone => t.session_gone,
            Self::UsernameMissing => t.username_missing,
            Self::UsernameInvalid => t.username_invalid,
            Self::UsernameTaken => t.username_taken,
            Self::TooLong => t.too_long,
            Self::GroupNameMissing => t.group_name_missing,
            Self::GroupTaken => t.group_taken,
            Self::GroupInUse => t.group_in_use,
            Self::Unconfirmed => t.unconfirmed,
            Self::NotStaff => t.not_staff,
            Self::Lacks => t.lacks,
            Self::MoreThanYours => t.more_than_yours,
            Self::Yourself => t.yourself,
            Self::LastSuperuser => t.last_superuser,
            Self::Inactive => t.inactive_no_link,
            Self::NotFound => t.not_found,
            Self::Away => t.away,
        };
        text.to_owned()
    }
}

impl Language {
    /// What is wrong with a password, as the visitor reads it.
    ///
    /// ```
    /// use housekey::password::Weakness;
    /// use housekey::pages::Language;
    /// assert_eq!(Language::English.weakness(Weakness::TooShort), "It has fewer than 8 characters.");
    /// ```
    #[must_use]
    pub fn weakness(self, weakness: Weakness) -> &'static str {
        let t = self.texts();
        match weakness {
            Weakness::TooShort => t.weak_short,
            Weakness::TooCommon => t.weak_common,
            Weakness::EntirelyNumeric => t.weak_numeric,
            Weakness::TooSimilar { to: Attribute::Username } => t.weak_like_username,
            Weakness::TooSimilar { to: Attribute::Email } => t.weak_like_email,
            Weakness::TooSimilar { .. } => t.weak_like_name,
        }
    }
}
