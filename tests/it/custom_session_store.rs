//! A house whose Django apps have a session store class of their own is shared by naming that class.

use housekey::signing::ObjectSigner;
use housekey::{KeyRing, Rejected, SecretKey};
use serde_json::Value;

use crate::support::{Home, KEY, login, on_both_databases, troubles, user, whoami};

on_both_databases!(the_salt_is_that_of_the_class);

const SALT: &str = "django.contrib.sessions.AuditedSessionStore";

fn the_salt_is_that_of_the_class(home: &Home) {
    let house = home.open_with(home.config("notes").session_salt(SALT));
    user(&house, "ada");
    let cookie = login(&house, "ada");
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));

    // `SessionStore.key_salt` is "django.contrib.sessions." and the class's name.
    let ring = KeyRing::new(SecretKey::new(KEY).unwrap());
    let row = home.text("SELECT session_data FROM django_session");
    let data: Value = ObjectSigner::new(&ring, SALT).loads(&row).unwrap();
    assert_eq!(data["_auth_user_id"], home.text("SELECT CAST(id AS text) FROM auth_user"));

    let other = home.open("tasks");
    assert_eq!(whoami(&other, &cookie), Err(Some(Rejected::BadSignature)));
    let said = troubles(&other);
    assert!(said.iter().any(|line| line.contains("signed by a key")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("set the same SESSION_SALT")), "{said:?}");
}
