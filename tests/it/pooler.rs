//! The house works through a pooler that gives each transaction another connection of the server: nothing depends on
//! what a connection remembers.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use housekey::{Config, Error, Housekey, Rejected, SecretKey, Session};

use crate::support::pooler::Pooler;
use crate::support::{Home, KEY, PASSWORD, skip};

type House = Housekey<PgConnection>;

/// The house of an app that reaches both databases through the pooler.
fn house(home: &Home, pooler: &Pooler, parameters: &str) -> House {
    let through = |url: String| format!("{}{parameters}", pooler.url(&url));
    let (shared, local) = (through(home.shared_url()), through(home.another("notes")));
    let config = Config::new(&shared, &local, SecretKey::new(KEY).unwrap())
        .unwrap()
        .app_name("notes")
        .password_iterations(10)
        .deadline(std::time::Duration::from_secs(20));
    housekey::migrate(&config).unwrap();
    House::open(config).unwrap()
}

fn login(house: &House, password: &str) -> Result<Session, Error> {
    let session = Session::default();
    let ada = house.authenticate("ada", password)?.unwrap();
    house.login(&session, &ada)?;
    Ok(session)
}

fn key(session: &Session) -> String {
    session.key().unwrap().expose_secret().to_owned()
}

fn name(house: &House, cookie: &str) -> Result<Option<String>, Error> {
    Ok(house.session(Some(cookie))?.user().map(|user| user.username))
}

/// More clients than the pooler has connections, each of whom finds what others have left on them.
const CLIENTS: u64 = 8;
const LOOK_UPS: u64 = 100_000;

/// Nobody has said that there is a pooler.
#[test]
fn a_hundred_thousand_look_ups_from_several_threads_have_no_error() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let Some(pooler) = Pooler::before(&home) else { return };
    let house = house(&home, &pooler, "");
    house.create_user("ada", "", PASSWORD).unwrap();
    let cookies: Vec<_> = (0..10).map(|_| key(&login(&house, PASSWORD).unwrap())).collect();
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (house, cookies, done) = (&house, &cookies, &done);
            scope.spawn(move || {
                for at in 0..LOOK_UPS / CLIENTS {
                    let cookie = &cookies[usize::try_from((at + client) % 10).unwrap()];
                    assert_eq!(name(house, cookie).unwrap().as_deref(), Some("ada"));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(done.into_inner(), LOOK_UPS);
}

#[test]
fn logins_and_the_apps_own_queries_go_on_beside_each_other() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let Some(pooler) = Pooler::before(&home) else { return };
    let house = house(&home, &pooler, "");
    house.create_user("ada", "", PASSWORD).unwrap();
    house.local().unwrap().batch_execute("CREATE TABLE note (client bigint)").unwrap();
    std::thread::scope(|scope| {
        for client in 0..8_i64 {
            let house = &house;
            scope.spawn(move || {
                for _ in 0..20 {
                    let session = login(house, PASSWORD).unwrap();
                    session.insert("client", client).unwrap();
                    house.save(&session).unwrap();
                    let again = house.session(Some(&key(&session))).unwrap();
                    assert_eq!(again.get::<i64>("client"), Some(client));
                    house
                        .conn()
                        .transaction(|conn| {
                            let insert = diesel::sql_query("INSERT INTO note VALUES ($1)");
                            insert.bind::<BigInt, _>(client).execute(conn)
                        })
                        .unwrap();
                    house.logout(&again).unwrap();
                    let gone = house.session(Some(&key(&session))).unwrap();
                    assert_eq!(gone.rejected(), Some(Rejected::Gone));
                }
            });
        }
    });
    let count = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM note");
    assert_eq!(count.get_result::<i64>(&mut house.conn()).unwrap(), 160);

    let (here, elsewhere) = (login(&house, PASSWORD).unwrap(), login(&house, PASSWORD).unwrap());
    let ada = here.user().unwrap();
    assert!(house.change_password(&here, &ada, PASSWORD, "another battery, a staple").unwrap());
    house.save(&here).unwrap();
    assert_eq!(name(&house, &key(&here)).unwrap().as_deref(), Some("ada"));
    assert_eq!(name(&house, &key(&elsewhere)).unwrap(), None);
    assert!(login(&house, "another battery, a staple").is_ok());
}

#[test]
fn a_checkup_finds_the_pooler_and_is_content_when_it_is_named() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let Some(pooler) = Pooler::before(&home) else { return };
    let found = |parameters: &str| {
        let house = house(&home, &pooler, parameters);
        let checkup = house.check();
        let of_pooler = checkup.findings.iter().filter(|finding| finding.topic == "pooler");
        of_pooler.map(ToString::to_string).collect::<Vec<_>>()
    };
    let unsaid = found("");
    assert!(
        unsaid[0].starts_with("warning: ") && unsaid[0].contains("pgbouncer=true"),
        "{unsaid:?}"
    );
    let said = found("?pgbouncer=true");
    assert!(said[0].starts_with("ok: ") && said[0].contains("a pooler"), "{said:?}");

    let direct = crate::support::House::open(home.config("tasks")).unwrap().check();
    let direct = direct.findings.iter().find(|finding| finding.topic == "pooler").unwrap();
    assert_eq!(direct.to_string(), "ok: prepared statements are kept by the shared database");
}

/// What the server still knows of statements that were prepared on the connections to it.
fn prepared(conn: &mut PgConnection) -> i64 {
    diesel::dsl::sql::<BigInt>("SELECT count(*) FROM pg_prepared_statements")
        .get_result(conn)
        .unwrap()
}

#[test]
fn statements_are_prepared_where_nothing_lies_in_between() {
    use housekey::schema::auth_user;
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let house = home.open("notes");
    assert!(house.check().findings.iter().any(|finding| finding.topic == "pooler"));
    let conn = &mut *house.shared_as::<PgConnection>().unwrap();
    let before = prepared(conn);
    auth_user::table.find(1).select(auth_user::id).first::<i32>(conn).optional().unwrap();
    assert_eq!(prepared(conn), before + 1);
}

/// A pooler that is said to keep them, and does not.
#[test]
fn statements_that_are_lost_are_noticed() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let Some(pooler) = Pooler::before(&home) else { return };
    let house = house(&home, &pooler, "?pgbouncer=false");
    house.create_user("ada", "", PASSWORD).unwrap();
    // Whose statements of the same names are there first.
    let others: Vec<_> = (0..4)
        .map(|_| {
            let mut conn = PgConnection::establish(&pooler.url(&home.shared_url())).unwrap();
            conn.batch_execute("BEGIN").unwrap();
            let names = (1..40).map(|at| format!("PREPARE __diesel_stmt_{at} AS SELECT 1"));
            let all = names.collect::<Vec<_>>().join("; ");
            conn.batch_execute(&format!("DEALLOCATE ALL; {all}")).unwrap();
            conn
        })
        .collect();
    for mut conn in others {
        conn.batch_execute("COMMIT").unwrap();
    }
    for _ in 0..20 {
        assert!(house.find_user("ada").unwrap().is_some());
    }
    let finding = house.check();
    let finding = finding.findings.iter().find(|finding| finding.topic == "pooler").unwrap();
    assert!(finding.fact.contains("no statement is prepared"), "{finding}");
}
