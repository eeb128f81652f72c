//! A PostgreSQL for a test.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};

/// A database that is gone with the value; `None` where there is no server.
pub(crate) struct Server {
    admin: String,
    name: String,
}

impl Server {
    pub(crate) fn new(name: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "tests are told what there is")]
        let Ok(admin) = std::env::var("HOUSEKEY_TEST_POSTGRES") else {
            eprintln!("SKIPPED: no PostgreSQL here; scripts/test brings it");
            return None;
        };
        let server = Self { admin, name: format!("housekey_cli_{}_{name}", std::process::id()) };
        let create = format!("CREATE DATABASE {}", server.name);
        PgConnection::establish(&server.admin).unwrap().batch_execute(&create).unwrap();
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.admin.rsplit_once('/').unwrap().0, self.name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(mut conn) = PgConnection::establish(&self.admin) {
            let _ = conn.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}
