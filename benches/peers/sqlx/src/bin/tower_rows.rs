//! Rows of tower-sessions as axum-login writes them: reads `user<tab>password hash` a line, writes
//! `id<tab>data as hexadecimal digits`.

use std::io::{self, BufRead, BufWriter, Write};

use serde_json::json;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};

/// 2099: the rows outlive the benchmark.
const END: i64 = 4_070_908_800;

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let expiry_date = OffsetDateTime::from_unix_timestamp(END).expect("a time");
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (user, password) = line.split_once('\t').expect("two columns");
        let user: i32 = user.parse().expect("a number");
        let login = json!({"user_id": user, "auth_hash": password.as_bytes()});
        let data = [("axum-login.data".to_owned(), login)].into();
        let record = Record { id: Id::default(), data, expiry_date };
        let row = rmp_serde::to_vec(&record).expect("it has a form in MessagePack");
        write!(out, "{}\t", record.id)?;
        for byte in row {
            write!(out, "{byte:02x}")?;
        }
        writeln!(out)?;
    }
    out.flush()
}
