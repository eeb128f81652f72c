//! A restart of the database is not seen by the apps: what can be run twice is run again.

use crate::support::{Home, PASSWORD, login, skip, user, whoami};

fn cut_all_connections(home: &Home) {
    home.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[test]
fn reads_and_logins_go_on_after_all_connections_were_cut() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let house = home.open_with(home.config("notes").pool_sizes(4, 1));
    user(&house, "ada");
    let cookie = login(&house, "ada");
    // Several old connections, so that one dead one may follow another.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| whoami(&house, &cookie));
        }
    });

    cut_all_connections(&home);
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
    cut_all_connections(&home);
    let second = login(&house, "ada");
    cut_all_connections(&home);
    let session = house.session(Some(&second)).unwrap();
    session.insert("page", 2).unwrap();
    cut_all_connections(&home);
    house.save(&session).unwrap();
    cut_all_connections(&home);
    house.logout(&session).unwrap();
    assert!(whoami(&house, &second).is_err());
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_some());
}

#[test]
fn no_transaction_is_left_open_in_a_pool() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    let taken = house.create_user("ada", "", PASSWORD);
    assert!(taken.is_err());
    house.logout(&house.session(Some(&cookie)).unwrap()).unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%'";
    assert_eq!(home.count(open), 0);
}

#[test]
fn an_app_loses_one_query_and_not_one_for_each_connection() {
    use diesel::prelude::*;
    let (Some(shared), Some(local)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    let key = housekey::SecretKey::new(crate::support::KEY).unwrap();
    let config = housekey::Config::new(&shared.shared_url(), &local.shared_url(), key).unwrap();
    housekey::migrate(&config).unwrap();
    let house = housekey::Housekey::<PgConnection>::open(config).unwrap();
    local.execute("CREATE TABLE note (id integer)");
    let ask = || diesel::sql_query("SELECT * FROM note").execute(&mut house.conn());
    let held: Vec<_> = (0..8).map(|_| house.local().unwrap()).collect();
    drop(held);
    assert_eq!(house.stats().local.idle, 8);

    cut_all_connections(&local);
    assert!(ask().is_err());
    for _ in 0..10 {
        assert_eq!(ask(), Ok(0));
    }
}
