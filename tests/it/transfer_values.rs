//! Each value is the same on the other side, or stops the move with a word of where it is, never of what it is.

use std::fmt::Write as _;

use crate::support::database::{execute, is_postgres, rows};
use crate::support::dice::Dice;
use crate::support::transfers::{alike, local, moved, numbers, pairs, refused, same};
use crate::support::{Home, on_both_databases};

on_both_databases!(
    there_and_back_again_is_the_same_value,
    what_is_written_in_two_ways_is_one_value,
    what_cannot_go_is_named_and_stops_the_move,
    what_sqlite_takes_and_nobody_else_stays_as_it_is,
    bytes_that_are_no_text_stop_the_move,
    types_that_only_postgresql_has,
);

/// A column of each type, as PostgreSQL has it and as Django and diesel write it for SQLite.
const COLUMNS: [(&str, &str, &str); 19] = [
    ("yes", "boolean", "bool"),
    ("small", "smallint", "smallint"),
    ("mid", "integer", "integer"),
    ("big", "bigint", "bigint"),
    ("single", "real", "real"),
    ("double", "double precision", "double"),
    ("num", "numeric(15, 4)", "decimal"),
    ("free", "numeric", "decimal"),
    ("word", "text", "text"),
    ("short", "varchar(8)", "varchar(8)"),
    ("hex", "uuid", "char(32)"),
    ("bin", "bytea", "blob"),
    ("at", "timestamptz", "datetime"),
    ("local", "timestamp", "timestamp"),
    ("day", "date", "date"),
    ("clock", "time", "time"),
    ("length", "interval", "bigint"),
    ("doc", "jsonb", "text"),
    ("address", "inet", "char(39)"),
];

fn make(url: &str, also: &str) {
    let kind = |(name, postgres, sqlite): (&str, &str, &str)| {
        format!("{name} {} NULL", if is_postgres(url) { postgres } else { sqlite })
    };
    let columns = COLUMNS.map(kind).join(", ");
    execute(url, &format!("CREATE TABLE value (id integer NOT NULL PRIMARY KEY, {columns}{also})"));
}

/// One row with an id and these columns.
fn add(url: &str, id: usize, values: &[(&str, &str)]) {
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let values: Vec<&str> = values.iter().map(|(_, value)| *value).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    execute(url, &format!("INSERT INTO value (id, {names}) VALUES ({id}, {values})"));
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn bytes(dice: &mut Dice, most: usize, kind: [&str; 2]) -> String {
    let length = dice.below(most);
    let digits = (0..length).fold(String::new(), |mut digits, _| {
        let _ = write!(digits, "{:02x}", dice.next() & 255);
        digits
    });
    format!("{}{digits}'", kind[1])
}

/// A value as SQL, for the first column PostgreSQL's words.
fn value(dice: &mut Dice, column: &str, url: &str) -> String {
    let postgres = is_postgres(url);
    let kind = usize::from(!postgres);
    let day = |dice: &mut Dice| {
        let year = if dice.one_in(9) { 9999 } else { 1 + dice.below(9999) };
        format!("{year:04}-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28))
    };
    let clock = |dice: &mut Dice| {
        let parts = (dice.below(24), dice.below(60), dice.below(60));
        let whole = format!("{:02}:{:02}:{:02}", parts.0, parts.1, parts.2);
        match dice.below(4) {
            0 => whole,
            1 => format!("{whole}.999999"),
            2 => format!("{whole}.{:06}", 1 + dice.below(9)),
            _ => format!("{whole}.{:06}", 1 + dice.below(999_999)),
        }
    };
    let words = [
        "",
        "a",
        "Zażółć",
        "e\u{301}",
        "😀",
        "'",
        "\"",
        "\\",
        "\\N",
        "$1",
        "%s",
        "\t",
        "\r\n",
        "\u{1}",
        " ",
        "NULL",
        "\u{feff}",
        "\u{fffd}",
    ];
    let bits = dice.next();
    match column {
        "yes" => [["FALSE", "TRUE"], ["0", "1"]][kind][dice.below(2)].to_owned(),
        "small" => ["-32768", "32767", "0", "7"][dice.below(4)].to_owned(),
        "mid" => [i64::from(i32::MIN), i64::from(i32::MAX), 0, bits.cast_signed() >> 32]
            [dice.below(4)]
        .to_string(),
        // The literal of the smallest one is no whole number to either of them.
        "big" => [i64::MIN + 1, i64::MAX, bits.cast_signed(), -1][dice.below(4)].to_string(),
        "single" => match f32::from_bits(u32::try_from(bits >> 32).unwrap()) {
            number if number.is_normal() => format!("{:?}", f64::from(number)),
            _ => "0.5".to_owned(),
        },
        "double" => match (f64::from_bits(bits), dice.below(9)) {
            (_, 0) => ["'Infinity'", "9e999"][kind].to_owned(),
            (_, 1) => "0.1".to_owned(),
            (number, _) if number.is_normal() => format!("{number:?}"),
            _ => "5e-324".to_owned(),
        },
        "num" => format!("{}.{:04}", dice.below(99_999_999_999), dice.below(10_000)),
        "free" => ["0", "-0.001", "123456789012345", "1e20", "0.000000000000001"][dice.below(5)]
            .to_owned(),
        "word" => text(&(0..dice.below(30)).map(|_| dice.pick(&words)).collect::<String>()),
        "short" => {
            text(&(0..dice.below(9)).map(|_| ["ż", "😀", "a"][dice.below(3)]).collect::<String>())
        }
        "hex" => format!("'{:032x}'", (u128::from(bits) << 64) | u128::from(dice.next())),
        "bin" => bytes(dice, 90, ["'\\x", "x'"].map(|begin| if postgres { "'\\x" } else { begin })),
        "at" if postgres => format!("'{} {}+00'", day(dice), clock(dice)),
        "at" | "local" => format!("'{} {}'", day(dice), clock(dice)),
        "day" => format!("'{}'", day(dice)),
        "clock" => format!("'{}'", clock(dice)),
        "length" => {
            let micros = (bits.cast_signed()) % 3_000_000_000_000_000;
            if postgres {
                format!("{micros} * interval '1 microsecond'")
            } else {
                micros.to_string()
            }
        }
        "doc" => text(
            [
                "null",
                "[]",
                "{}",
                "1.5",
                "12345678901234567890",
                "\"ł\\\"\"",
                "{\"a\": [1, true, null], \"bb\": {\"\": 0.25}}",
                "\"\\u0001\"",
            ][dice.below(8)],
        ),
        "address" => {
            text(["10.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1", "10.0.0.0/8"][dice.below(5)])
        }
        other => panic!("{other}"),
    }
}

fn fill(url: &str, many: usize) {
    let mut dice = Dice(7);
    let mut sql = String::new();
    for id in 1..=many {
        let values = COLUMNS.map(|(name, _, _)| {
            if dice.one_in(8) { "NULL".to_owned() } else { value(&mut dice, name, url) }
        });
        let _ = write!(sql, "INSERT INTO value VALUES ({id}, {});", values.join(", "));
    }
    execute(url, &sql);
}

fn there_and_back_again_is_the_same_value(home: &Home) {
    for (place, (from, to)) in pairs(home).into_iter().enumerate() {
        let back = alike(home, &from, &format!("back{place}"));
        for url in [&from, &to, &back] {
            make(url, "");
        }
        fill(&from, 600);
        let there = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&there, "value"), (600, 600, 0, vec![]));
        let again = moved(&local(&to, &back), &to, &back);
        assert_eq!(again.tables[0].checksum, there.tables[0].checksum);
        same(&rows(&from, "value").join("\n"), &rows(&back, "value").join("\n"), "values");
    }
}

/// As other programs than Django have written it, or as each database prefers to.
fn what_is_written_in_two_ways_is_one_value(home: &Home) {
    for (from, to) in pairs(home) {
        make(&from, "");
        make(&to, "");
        let both = [
            (
                "doc",
                "'{\"bb\": 1e2, \"a\": -0.0, \"c\": 1E+16, \"d\": 1.50, \"e\": 1e-7, \"a\": 12345678901234567890123}'",
            ),
            ("num", "12.5"),
            ("double", "-0.0"),
        ];
        add(&from, 1, &both);
        add(
            &from,
            2,
            &[("doc", "' [ 1e300 , \"\\u00e9\" ] '"), ("free", "'-0.00'"), ("num", "0.10")],
        );
        if !is_postgres(&from) {
            add(
                &from,
                3,
                &[
                    ("at", "'2026-01-02T03:04:05.5+01:00'"),
                    ("local", "'2026-01-02 03:04'"),
                    ("clock", "'3:04'"),
                ],
            );
            add(&from, 4, &[("hex", "'00112233-4455-6677-8899-AABBCCDDEEFF'"), ("yes", "'true'")]);
            add(&from, 5, &[("hex", "x'00112233445566778899aabbccddeeff'"), ("bin", "'text'")]);
            // What SQLite makes of 0.1 + 0.2, and Django of that.
            add(&from, 6, &[("num", "0.1 + 0.2"), ("address", "'2001:DB8:0::1'")]);
        }
        moved(&local(&from, &to), &from, &to);
        if is_postgres(&to) && !is_postgres(&from) {
            let one = |columns: &str, id: usize| {
                crate::support::database::text(
                    &to,
                    &format!("SELECT concat_ws(' ', {columns}) FROM value WHERE id = {id}"),
                )
            };
            assert_eq!(
                one("at AT TIME ZONE 'UTC', local, clock", 3),
                "2026-01-02 02:04:05.5 2026-01-02 03:04:00 03:04:00"
            );
            assert_eq!(one("hex, yes", 4), "00112233-4455-6677-8899-aabbccddeeff t");
            assert_eq!(one("hex, bin", 5), "00112233-4455-6677-8899-aabbccddeeff \\x74657874");
            assert_eq!(one("num, address", 6), "0.3000 2001:db8::1");
        }
    }
}

/// What SQLite can have in a column that PostgreSQL has not; `geheim` is nobody's business.
const NOT_FOR_POSTGRES: [(&str, &str, &str); 32] = [
    ("word", "'geheim' || char(0) || 'x'", "a text with a NUL character"),
    ("short", "'geheim-geheim'", "13 characters, and 8 are the most"),
    ("small", "32768", "a number of more than 2 bytes"),
    ("mid", "-2147483649", "a number of more than 4 bytes"),
    ("mid", "'geheim'", "no whole number"),
    ("mid", "1.5", "no whole number"),
    ("big", "9.3e18", "no whole number"),
    ("single", "1e300", "a number of more than 4 bytes"),
    ("single", "1e-300", "a number of more than 4 bytes"),
    ("double", "'geheim'", "no number"),
    ("num", "'geheim'", "no number"),
    ("num", "0.12345", "more than 4 digits behind the point"),
    ("num", "123456789012", "more than 11 digits before the point"),
    ("free", "x'00ff'", "bytes that are no text"),
    ("yes", "2", "neither true nor false"),
    ("yes", "'geheim'", "neither true nor false"),
    ("at", "'geheim'", "no time"),
    ("at", "'0000-01-01 00:00:00'", "a year of no calendar"),
    ("at", "'2026-02-30 00:00:00'", "no time"),
    ("at", "1700000000", "no time"),
    ("local", "'12026-01-01 00:00:00'", "no time"),
    ("local", "'2026-01-01 24:00:00'", "no time"),
    ("day", "'2026-13-01'", "no date"),
    ("day", "'0000-01-01'", "no date"),
    ("clock", "'25:00:00'", "no time of a day"),
    ("clock", "'23:59:60'", "no time of a day"),
    ("hex", "'geheim'", "no UUID"),
    ("length", "'geheim'", "no whole number"),
    ("doc", "'{geheim'", "no JSON"),
    ("doc", "'[\"geheim\\u0000\"]'", "JSON with a NUL character, or half of a letter"),
    ("doc", "'\"geheim\\ud800\"'", "JSON with a NUL character, or half of a letter"),
    ("address", "'geheim'", "no address"),
];

const NOT_FOR_SQLITE: [(&str, &str, &str); 13] = [
    ("double", "'NaN'", "NaN"),
    ("single", "'NaN'", "NaN"),
    ("num", "'NaN'", "more digits than SQLite keeps, or no number"),
    ("free", "12345678901234567890.5", "more digits than SQLite keeps, or no number"),
    ("at", "'10000-01-01'", "a time outside of the years 1 to 9999"),
    ("at", "'infinity'", "a time outside of the years 1 to 9999"),
    ("at", "'0044-03-15 BC'", "a time outside of the years 1 to 9999"),
    ("local", "'-infinity'", "a time outside of the years 1 to 9999"),
    ("day", "'10000-01-01'", "a date outside of the years 1 to 9999"),
    ("day", "'infinity'", "a date outside of the years 1 to 9999"),
    ("day", "'0044-03-15 BC'", "a date outside of the years 1 to 9999"),
    ("clock", "'24:00:00'", "no time of a day"),
    ("length", "'1 month'", "months, which are no number of days"),
];

fn what_cannot_go_is_named_and_stops_the_move(home: &Home) {
    for (from, to) in pairs(home) {
        make(&from, ", must varchar(20) NULL");
        make(&to, ", must varchar(10) NOT NULL");
        let bad: &[_] = match (is_postgres(&from), is_postgres(&to)) {
            (false, true) => &NOT_FOR_POSTGRES,
            (true, false) => &NOT_FOR_SQLITE,
            _ => &[],
        };
        let good = [("must", "'x'"), ("short", "'fine'")];
        for (column, value, problem) in bad.iter().chain(&[("must", "NULL", "no value (NULL)")]) {
            execute(&from, "DELETE FROM value");
            add(&from, 4, &good);
            for id in [7, 9] {
                let others = good.iter().filter(|(name, _)| name != column);
                add(&from, id, &others.chain([&(*column, *value)]).copied().collect::<Vec<_>>());
            }
            let said = refused(&local(&from, &to), &from, &to);
            let names = format!(
                "the row with id 7 of value has in {column} what TO cannot hold: {problem}; "
            );
            assert!(
                said.starts_with(&names) && said.contains("(1 more such values;"),
                "{value}: {said}"
            );
            let plan = local(&from, &to).plan().unwrap();
            assert!(
                plan.problems.len() == 1 && said.starts_with(&plan.problems[0]),
                "{value}: {plan}"
            );
            assert!(!(said + &plan.to_json()).contains("geheim"), "{value}");
        }
        if is_postgres(&from) && is_postgres(&to) {
            execute(
                &from,
                "DELETE FROM value; INSERT INTO value (id, must) VALUES (1, 'geheim-geheim')",
            );
            let said = refused(&local(&from, &to), &from, &to);
            assert!(
                said.contains("in must what TO cannot hold: 13 characters, and 10 are the most"),
                "{said}"
            );
        }
        // All at once: a plan names each kind.
        execute(&from, "DELETE FROM value");
        for (id, (column, value, _)) in bad.iter().enumerate() {
            add(&from, id, &[("must", "'x'"), (column, value)]);
        }
        add(&from, 99, &[("must", "'x'")]);
        let mut kinds: Vec<_> = bad.iter().map(|(column, _, problem)| (column, problem)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let plan = local(&from, &to).plan().unwrap();
        assert_eq!(plan.problems.len(), kinds.len(), "{plan}");
        let table = &plan.tables[0];
        assert_eq!((table.found, table.moved), (bad.len() as u64 + 1, 1));
    }
}

/// Between two SQLite files nothing is judged.
fn what_sqlite_takes_and_nobody_else_stays_as_it_is(home: &Home) {
    if home.is_postgres() {
        return;
    }
    let (from, to) = (home.local_url("from"), home.local_url("to"));
    make(&from, "");
    make(&to, "");
    for (id, (column, value, _)) in NOT_FOR_POSTGRES.iter().enumerate() {
        add(&from, id, &[(column, value)]);
    }
    moved(&local(&from, &to), &from, &to);
    same(&rows(&from, "value").join("\n"), &rows(&to, "value").join("\n"), "values");
}

fn bytes_that_are_no_text_stop_the_move(home: &Home) {
    for (from, to) in pairs(home).into_iter().filter(|(from, _)| !is_postgres(from)) {
        make(&from, "");
        make(&to, "");
        add(&from, 3, &[("word", "CAST(x'ff676568' AS text)"), ("big", "1")]);
        let moved = local(&from, &to).run(|_| {});
        if is_postgres(&to) {
            let said = moved.unwrap_err().to_string();
            let names = "the row with id 3 of value has in word what TO cannot hold: bytes that are no text;";
            assert!(said.starts_with(names), "{said}");
            assert_eq!(rows(&to, "value").len(), 0);
        } else {
            let same = "SELECT count(*) FROM value WHERE hex(word) = 'FF676568'";
            assert_eq!(crate::support::database::count(&to, same), 1);
        }
    }
}

/// They go as texts, and only PostgreSQL can say that one is none of them.
fn types_that_only_postgresql_has(home: &Home) {
    const COLUMNS: &str = "id integer NOT NULL PRIMARY KEY, mood mood NULL, tags text[] NULL, \
        words varchar(5)[] NULL, span int4range NULL, late timetz NULL, about tsvector NULL, spot point NULL, \
        address_of email NULL, bits bit varying(5) NULL, price money NULL, net cidr NULL, doc json NULL, \
        fixed char(5) NULL, stamp timestamptz(3) NULL, span_of interval NULL";
    const VALUES: &str = "INSERT INTO special VALUES \
        (1, 'so so', '{a,\"b c\",NULL,\"\\\"\"}', '{ab,cd}', '[1,5)', '12:00:00.5+02', '''a'':1 ''b'':2', '(1.5,-2)', \
         'ada@example.org', '10110', '12.50', '10.0.0.0/8', ' {\"b\": 1,  \"a\": 2}', 'ab', \
         '2026-01-02 03:04:05.678+02', '1 year 2 mons 3 days 04:05:06.7'), \
        (2, NULL, '{}', NULL, 'empty', '00:00:00-12', '', NULL, NULL, '', '-0.01', '::/0', 'null', '', 'infinity', \
         '-1 mons +1 day')";
    for (from, to) in pairs(home).into_iter().filter(|(_, to)| is_postgres(to)) {
        let types = "CREATE TYPE mood AS ENUM ('bad', 'so so'); \
            CREATE DOMAIN email AS varchar(20) CHECK (VALUE LIKE '%@%');";
        execute(&to, &format!("{types} CREATE TABLE special ({COLUMNS})"));
        if is_postgres(&from) {
            execute(&from, &format!("{types} CREATE TABLE special ({COLUMNS}); {VALUES}"));
            moved(&local(&from, &to), &from, &to);
            same(&rows(&from, "special").join("\n"), &rows(&to, "special").join("\n"), "values");
            continue;
        }
        execute(
            &from,
            "CREATE TABLE special (id integer NOT NULL PRIMARY KEY, mood text, tags text)",
        );
        execute(&from, "INSERT INTO special VALUES (1, 'so so', '{x}'), (2, 'geheim', NULL)");
        let said = refused(&local(&from, &to), &from, &to);
        assert!(said.starts_with("TO failed, and nothing was moved"), "{said}");
        assert!(said.contains("enum mood") && !said.contains("geheim"), "{said}");
        execute(&from, "UPDATE special SET mood = 'bad' WHERE id = 2");
        moved(&local(&from, &to), &from, &to);
    }
}
