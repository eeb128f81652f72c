//! The shared tables, for diesel: Django's as `django-admin migrate` makes them, and housekey's own.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    /// `django.contrib.auth.models.User`
    auth_user (id) {
        /// Never given to another user. Django's column is an `Integer` (in a project that has made it a
        /// `bigint` take `User` instead): load it as `i32`, and write
        /// `i64::from(id)` where [`User::id`](crate::User::id) or a `BigInt` column wants it.
        id -> Integer,
        /// The password's hash; see [`housekey::password`](crate::password).
        password -> Text,
        /// The last login in any app.
        last_login -> Nullable<crate::db::DjangoTime>,
        /// Has every permission.
        is_superuser -> Bool,
        /// At most 150 characters.
        username -> Text,
        /// At most 150 characters.
        first_name -> Text,
        /// At most 150 characters.
        last_name -> Text,
        /// At most 254 characters.
        email -> Text,
        /// May open Django's admin.
        is_staff -> Bool,
        /// May sign in.
        is_active -> Bool,
        /// When the user was made.
        date_joined -> crate::db::DjangoTime,
    }
}

table! {
    /// `django.contrib.auth.models.Group`
    auth_group (id) {
        /// The primary key.
        id -> Integer,
        /// At most 150 characters.
        name -> Text,
    }
}

table! {
    /// `django.contrib.contenttypes.models.ContentType`
    django_content_type (id) {
        /// The primary key.
        id -> Integer,
        /// The Django app, or the part before the dot in a permission's name.
        app_label -> Text,
        /// The model in lower case.
        model -> Text,
    }
}

table! {
    /// `django.contrib.auth.models.Permission`
    auth_permission (id) {
        /// The primary key.
        id -> Integer,
        /// For people.
        name -> Text,
        /// The model it is about.
        content_type_id -> Integer,
        /// The part after the dot in a permission's name.
        codename -> Text,
    }
}

table! {
    /// Which users are in which groups.
    auth_user_groups (id) {
        /// The primary key.
        id -> BigInt,
        /// The user.
        user_id -> Integer,
        /// The group.
        group_id -> Integer,
    }
}

table! {
    /// Which users have which permissions of their own.
    auth_user_user_permissions (id) {
        /// The primary key.
        id -> BigInt,
        /// The user.
        user_id -> Integer,
        /// The permission.
        permission_id -> Integer,
    }
}

table! {
    /// Which groups have which permissions.
    auth_group_permissions (id) {
        /// The primary key.
        id -> BigInt,
        /// The group.
        group_id -> Integer,
        /// The permission.
        permission_id -> Integer,
    }
}

table! {
    /// `django.contrib.sessions.models.Session`
    django_session (session_key) {
        /// What the cookie holds.
        session_key -> Text,
        /// Signed.
        session_data -> Text,
        /// By the clock of the database.
        expire_date -> crate::db::DjangoTime,
    }
}

table! {
    /// Whose session it is, which Django keeps inside the signed data alone.
    housekey_session (session_key) {
        /// That of `django_session`.
        session_key -> Text,
        /// That of `auth_user`.
        user_id -> Integer,
        /// The app that the user signed in at.
        app -> Text,
        /// When that was.
        created -> crate::db::DjangoTime,
        /// The address that the user signed in from, if it is known.
        address -> Text,
        /// The browser's name for itself, at most 200 characters.
        agent -> Text,
        /// When the session was used last, within some minutes.
        last_seen -> Nullable<crate::db::DjangoTime>,
    }
}

table! {
    /// The sessions of which nobody knows yet whose they are.
    housekey_stranger (session_key) {
        /// That of `django_session`.
        session_key -> Text,
    }
}

table! {
    /// What has changed of sessions and users, on PostgreSQL: written by triggers.
    housekey_change (xid) {
        /// The transaction that changed it; of many rows one.
        xid -> BigInt,
        /// All transactions below this one were over when it was written down.
        settled -> BigInt,
        /// When that was.
        at -> crate::db::DjangoTime,
        /// The session that has changed; with no user either, everything has.
        session_key -> Nullable<Text>,
        /// The user that has changed.
        user_id -> Nullable<BigInt>,
    }
}

table! {
    /// Where a session went whose key was renewed.
    housekey_renewal (session_key) {
        /// The key before.
        session_key -> Text,
        /// The key since.
        successor -> Text,
        /// How long the key before leads there.
        until -> crate::db::DjangoTime,
    }
}

table! {
    /// The keys that apps of the house have signed with.
    housekey_key (fingerprint) {
        /// Never the key itself.
        fingerprint -> Text,
        /// The app that had it first.
        app -> Text,
        /// When that was.
        first_seen -> crate::db::DjangoTime,
        /// `staged`, `signing`, `retiring` or `retired`.
        state -> Text,
        /// Since when it is so.
        since -> Nullable<crate::db::DjangoTime>,
        /// Its two characters in the session keys that it proves.
        mark -> Text,
    }
}

table! {
    /// The apps that the house has seen.
    housekey_app (app, host) {
        /// `APP_NAME`
        app -> Text,
        /// The machine that it runs on.
        host -> Text,
        /// What it has told of itself, as JSON.
        facts -> Text,
        /// When it came first.
        first_seen -> crate::db::DjangoTime,
        /// When it was there last, within an hour.
        last_seen -> crate::db::DjangoTime,
    }
}

table! {
    /// The steps of [`migrate`](crate::migrate) that were applied.
    housekey_migration (step) {
        /// The step's name.
        step -> Text,
        /// The app that applied it.
        app -> Text,
        /// When that was.
        applied -> crate::db::DjangoTime,
    }
}

table! {
    /// What the apps of the house have agreed on.
    housekey_setting (name) {
        /// The setting, in Django's words.
        name -> Text,
        /// Its value.
        value -> Text,
        /// The app that set it.
        app -> Text,
        /// When that was.
        since -> crate::db::DjangoTime,
    }
}

table! {
    /// Whose an app label is: the first part of the names of an app's permissions.
    housekey_app_label (label) {
        /// As in `django_content_type`.
        label -> Text,
        /// The app that declared models under it.
        app -> Text,
        /// When that was.
        since -> crate::db::DjangoTime,
    }
}

table! {
    /// Who the users are, that an app had before it joined the house.
    housekey_adoption (app, username) {
        /// `APP_NAME`
        app -> Text,
        /// The name in the app's own database.
        username -> Text,
        /// The id there, before.
        local_id -> BigInt,
        /// The id in the house, and there since.
        user_id -> Integer,
        /// `moved` (made for this) or `matched` (was in the house).
        how -> Text,
        /// When that was.
        since -> crate::db::DjangoTime,
    }
}

table! {
    /// How many wrong passwords came of late, lane by lane.
    housekey_throttle (lane) {
        /// A hash of who came by it: a name that is typed wrong may be a password.
        lane -> Text,
        /// A hash of the user name, or empty when the lane is of an address alone.
        account -> Text,
        /// So many attempts are not forgotten yet.
        level -> Integer,
        /// Since when the level is so.
        since -> crate::db::DjangoTime,
        /// When the next attempt is let through; long ago when nobody waits.
        opens -> crate::db::DjangoTime,
        /// When all of it is forgotten.
        ends -> crate::db::DjangoTime,
    }
}

table! {
    /// What has happened in the house.
    housekey_event (id) {
        /// In the order in which they were written down.
        id -> BigInt,
        /// By the clock of the database.
        at -> crate::db::DjangoTime,
        /// One of [`EventKind`](crate::EventKind).
        kind -> Text,
        /// The user, if one is known.
        user_id -> Nullable<Integer>,
        /// The user's name then, or empty.
        username -> Text,
        /// The app that it happened in.
        app -> Text,
        /// Where the visitor came from, or empty.
        address -> Text,
        /// What the browser called itself, at most 200 characters.
        agent -> Text,
        /// The [`SessionInfo::id`](crate::SessionInfo::id) of the session, or empty.
        session -> Text,
        /// What else there is to say, at most 200 characters.
        detail -> Text,
    }
}

joinable!(auth_permission -> django_content_type (content_type_id));
joinable!(auth_user_groups -> auth_user (user_id));
joinable!(auth_user_groups -> auth_group (group_id));
joinable!(auth_user_user_permissions -> auth_user (user_id));
joinable!(auth_user_user_permissions -> auth_permission (permission_id));
joinable!(auth_group_permissions -> auth_group (group_id));
joinable!(auth_group_permissions -> auth_permission (permission_id));
joinable!(housekey_session -> django_session (session_key));
joinable!(housekey_session -> auth_user (user_id));

allow_tables_to_appear_in_same_query!(
    auth_group,
    auth_group_permissions,
    auth_permission,
    auth_user,
    auth_user_groups,
    auth_user_user_permissions,
    django_content_type,
    django_session,
    housekey_session,
    housekey_stranger,
);
