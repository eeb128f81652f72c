//! An app that is built without a hasher of its house says so, at its start and to whom it cannot sign in.
//!
//! `cargo test --test without_hashers`, without further features: all others are tested with them.
#![cfg(not(any(feature = "argon2", feature = "bcrypt", feature = "scrypt")))]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use diesel::SqliteConnection;
use diesel::prelude::*;
use housekey::axum::{AuthSession, HousekeyLayer};
use housekey::password::{Algorithm, Hasher, Verdict};
use housekey::{Config, Error, Housekey, Level, SecretKey, Session};
use tower_service::Service;

type House = Housekey<SqliteConnection>;

const SECRET: &str = "p\u{e4}ssw\u{f6}rd";
/// Django's, of that password.
const ARGON2: &str = "argon2$argon2id$v=19$m=64,t=2,p=2$VkRzSzNnZUlUdFJnMGVqdg$WRWZslrAfFsnw+8zF8RJgZ+xPoW+TBAoJXXyKtpFtGM";
const LACKING: &str = "the password hasher `argon2` is not built into this app; build it with the feature `argon2` of housekey";

/// A folder with the databases of a house, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("housekey-lean-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn open(&self) -> House {
        let [shared, local] =
            ["house", "notes"].map(|name| format!("sqlite:{}/{name}.db", self.0.display()));
        let key = SecretKey::dangerously_unchecked("k");
        let config = Config::new(&shared, &local, key).unwrap().password_iterations(10);
        housekey::migrate(&config).unwrap();
        House::open(config).unwrap()
    }

    fn execute(&self, sql: &str) {
        let path = self.0.join("house.db");
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        // The threads of a house write when they like.
        diesel::sql_query("PRAGMA busy_timeout = 30000").execute(&mut conn).unwrap();
        assert_eq!(diesel::sql_query(sql).execute(&mut conn), Ok(1), "{sql}");
    }

    /// As an app of the house with that hasher leaves it.
    fn hash_of_ada(&self) {
        self.execute(&format!("UPDATE auth_user SET password = '{ARGON2}' WHERE username = 'ada'"));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn is_told<T>(refused: Result<T, Error>) {
    let Err(error @ Error::NotBuiltIn(_)) = refused else { panic!("not refused so") };
    assert_eq!(error.to_string(), LACKING);
    assert!(!error.is_temporary(), "it does not go away by waiting");
}

fn errors(house: &House) -> Vec<String> {
    let found = house.check().findings;
    found.iter().filter(|one| one.level == Level::Error).map(ToString::to_string).collect()
}

#[test]
fn such_a_hasher_cannot_be_had() {
    for (algorithm, name, feature) in [
        (Algorithm::Argon2, "argon2", "argon2"),
        (Algorithm::BcryptSha256, "bcrypt_sha256", "bcrypt"),
        (Algorithm::Scrypt, "scrypt", "scrypt"),
    ] {
        let lacking = Hasher::preferring(algorithm).unwrap_err();
        assert_eq!((lacking.algorithm, lacking.feature), (algorithm, feature));

        let vars = |variable: &str| match variable {
            "SHARED_DATABASE_URL" | "DATABASE_URL" => Some("sqlite:house.db".to_owned()),
            "SECRET_KEY" => Some("0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLM".to_owned()),
            "PASSWORD_HASHER" => Some(name.to_owned()),
            _ => None,
        };
        let refused = Config::from_vars(vars).unwrap_err().to_string();
        assert!(refused.starts_with("PASSWORD_HASHER cannot be used: "), "{refused}");
        assert!(refused.ends_with(&format!("the feature `{feature}` of housekey")), "{refused}");
    }
    assert!(Hasher::preferring(Algorithm::Pbkdf2Sha1).is_ok());
}

#[test]
fn a_hash_that_nobody_can_read_is_told_from_a_wrong_password() {
    let hasher = Hasher::pbkdf2_sha256(1);
    let Verdict::NotBuiltIn(lacking) = hasher.verify(SECRET, ARGON2) else { panic!() };
    assert_eq!(lacking.to_string(), LACKING);
    assert_eq!(hasher.verify(SECRET, "md5$salt$digest"), Verdict::Wrong);
}

#[test]
fn whom_it_cannot_sign_in_is_told_so_and_all_others_go_on() {
    let folder = Folder::new("login");
    let house = folder.open();
    let ada = house.create_user("ada", "", "secret").unwrap();
    house.create_user("bob", "", "secret").unwrap();
    let session = Session::default();
    house.login(&session, &ada).unwrap();
    folder.hash_of_ada();

    is_told(house.authenticate("ada", SECRET));
    is_told(house.authenticate("ada", "wrong"));
    is_told(house.change_password(&session, &ada, SECRET, "new"));
    assert_eq!(house.authenticate("bob", "secret").unwrap().unwrap().username, "bob");
    assert!(house.authenticate("bob", "wrong").unwrap().is_none());
    assert!(house.authenticate("nobody", "wrong").unwrap().is_none());

    // A new password is one that this app can read.
    let link = house.reset_link(&ada).unwrap().unwrap();
    assert!(house.reset_password(&link.uid, &link.token, "new").unwrap());
    assert!(house.authenticate("ada", "new").unwrap().is_some());
}

#[tokio::test]
async fn a_visitor_is_sent_to_another_app() {
    let folder = Folder::new("visitor");
    let house = folder.open();
    house.create_user("ada", "", "secret").unwrap();
    folder.hash_of_ada();

    let login = async |auth: AuthSession| auth.authenticate("ada", SECRET).await.map(drop);
    let mut app: Router = Router::new().route("/", get(login)).layer(HousekeyLayer::new(&house));
    let request = Request::get("/").header("host", "localhost").body(Body::empty()).unwrap();
    let answer = app.as_service().call(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    let text = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("Please sign in at another app of the house."), "{text}");
    assert!(!text.contains("argon2"), "{text}");
}

#[test]
fn guesses_at_such_a_user_are_counted_like_others() {
    let folder = Folder::new("guesses");
    let house = folder.open();
    house.create_user("ada", "", "secret").unwrap();
    folder.hash_of_ada();
    let refused = std::iter::repeat_with(|| house.authenticate("ada", "guess").unwrap_err());
    assert!(refused.take(50).any(|error| matches!(error, Error::TooManyAttempts { .. })));
}

#[test]
fn a_check_tells_it_before_anybody_stands_outside() {
    let folder = Folder::new("check");
    let house = folder.open();
    assert_eq!(errors(&house), [""; 0]);

    house.create_user("ada", "", "secret").unwrap();
    folder.hash_of_ada();
    assert_eq!(
        errors(&house),
        [
            "error: passwords of the house are hashed as argon2, which this app is built without: 1 of the newest users cannot \
          sign in here; build it with the feature `argon2` of housekey"
        ]
    );
}

/// What an app of the house with another build has agreed on is not overwritten by who cannot read it.
#[test]
fn the_hasher_of_the_house_stays() {
    let folder = Folder::new("agreed");
    folder.open();
    folder.execute(
        "UPDATE housekey_setting SET value = 'argon2$102400$2$8', app = 'tasks' WHERE name = 'PASSWORD_HASHERS'",
    );
    let house = folder.open();
    let told = errors(&house);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("as argon2, which this app is built without: who gets a new one"),
        "{told:?}"
    );
    // As a row that is still there can be deleted.
    folder.execute("DELETE FROM housekey_setting WHERE value = 'argon2$102400$2$8'");
}
