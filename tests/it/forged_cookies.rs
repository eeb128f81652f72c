//! 100,000 requests with random, malformed, oversized and forged cookies: no row, no error, and no query
//! for those that fail shape or proof.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;

use axum::Router;
use axum::routing::get;
use housekey::axum::HousekeyLayer;
use housekey::{Rejected, User};

use crate::support::dice::Dice;
use crate::support::{Home, House, OTHER_KEY, login, on_both_databases, user};

on_both_databases!(
    a_hundred_thousand_bad_cookies_over_http,
    ten_thousand_bad_cookies_in_the_core,
    what_is_no_http_is_refused_before_the_house_sees_it,
);

const CLIENTS: u64 = 4;
/// Of each client: those that fail shape or proof, and those that the database must be asked about.
const HOPELESS: usize = 22_500;
const UNKNOWN: usize = 2_500;
/// So many requests are sent before the first of their answers is read.
const BATCH: usize = 50;

const LOWER_ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Session keys to forge others from.
struct Keys {
    /// Of a session that lives.
    live: String,
    /// Of a session that was ended.
    ended: String,
    /// Of another house, with another `SECRET_KEY`.
    foreign: String,
}

impl Keys {
    fn new(house: &House) -> Self {
        user(house, "ada");
        let ended = login(house, "ada");
        house.logout(&house.session(Some(&ended)).unwrap()).unwrap();
        let elsewhere = Home::sqlite();
        let other = elsewhere.open_with(elsewhere.config_with_key("other", OTHER_KEY));
        user(&other, "ada");
        Self { live: login(house, "ada"), ended, foreign: login(&other, "ada") }
    }

    /// A value that has not the shape of a session key, or a false proof.
    fn hopeless(&self, random: &mut Dice) -> Vec<u8> {
        match random.below(10) {
            0 => {
                let length = random.below(80);
                (0..length).map(|_| random.next().to_le_bytes()[0]).collect()
            }
            1 => random.text(LOWER_ALPHANUMERIC, 40),
            2 => {
                // Not 31: some lines add a letter, and 32 is the length of Django's keys.
                let lengths = [1, 8, 16, 30, 33, 39, 41, 64];
                let length = lengths[random.below(lengths.len())];
                random.text(LOWER_ALPHANUMERIC, length)
            }
            3 => {
                let mut key = self.live.clone().into_bytes();
                let at = random.below(key.len());
                let others: Vec<u8> = LOWER_ALPHANUMERIC
                    .iter()
                    .copied()
                    .filter(|letter| *letter != key[at])
                    .collect();
                key[at] = others[random.below(others.len())];
                key
            }
            4 => {
                let mut key = self.live.clone().into_bytes();
                let at = random.below(key.len());
                key[at] ^= 1 << random.below(8);
                // Still a letter of keys, or the end of the value: these are cases of their own.
                if LOWER_ALPHANUMERIC.contains(&key[at]) || key[at] == b';' {
                    key[at] = b'\xff';
                }
                key
            }
            5 => self.foreign.clone().into_bytes(),
            // The random part of a live key with the proof of another.
            6 => [&self.live.as_bytes()[..27], &self.ended.as_bytes()[27..]].concat(),
            7 => "größe-メモ-😀-\u{202e}".repeat(1 + random.below(4)).into_bytes(),
            8 => {
                let texts: [&[u8]; 6] = [
                    b"../../etc/passwd",
                    b"' OR 1=1 --",
                    b"{\"_auth_user_id\":\"1\"}",
                    b"%00%0a",
                    b"eyJhIjoxfQ:1veFHC:umzqH3e0EDI5o4tdOB5Itq6DAPGG4tUlh4MvlX3rplQ",
                    b"\"",
                ];
                texts[random.below(texts.len())].to_vec()
            }
            _ => {
                let length = if random.below(100) == 0 { 60_000 } else { 400 };
                random.text(LOWER_ALPHANUMERIC, length)
            }
        }
    }

    /// A value that only the database can tell to be no session of this house.
    fn unknown(&self, random: &mut Dice) -> Vec<u8> {
        match random.below(2) {
            0 => self.ended.clone().into_bytes(),
            _ => random.text(LOWER_ALPHANUMERIC, 32),
        }
    }

    /// The `Cookie` lines of a request. What is not a `sessionid`, or not the last one, does not count.
    fn lines(&self, random: &mut Dice, value: &[u8]) -> Vec<u8> {
        let live = self.live.as_bytes();
        let value: Vec<u8> = value.iter().filter(|byte| is_field_byte(**byte)).copied().collect();
        let value = value.as_slice();
        let parts: &[&[u8]] = match random.below(8) {
            0 => &[b"Cookie: sessionid=", live, b"; sessionid=", value, b"x"],
            1 => &[b"Cookie: sessionid=", live, b"\r\nCookie: sessionid=x", value],
            2 => &[b"Cookie: a=b; c; =; ;;sessionid=", value, b"x; d=e"],
            3 => &[b"Cookie: Sessionid=", live, b"; session id=", live, b"; xsessionid=", live],
            4 => &[b"cookie:sessionid =  ", value, b"x "],
            5 => &[b"Cookie: sessionid=\"", value, b"x\""],
            _ => &[b"Cookie: sessionid=", value],
        };
        parts.concat()
    }
}

/// May the byte stand in a header? What HTTP forbids has a test of its own.
fn is_field_byte(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f
}

fn rows(home: &Home) -> [i64; 4] {
    ["django_session", "housekey_session", "auth_user", "housekey_key"]
        .map(|table| home.count(&format!("SELECT count(*) FROM {table}")))
}

/// So many queries were asked since, and no rows made. Once a second at most the thread of the house writes down that
/// a key was strange, which is no request's query: one of these may be under way.
#[track_caller]
fn has_cost(home: &Home, house: &House, before: (u64, [i64; 4]), queries: RangeInclusive<u64>) {
    let asked = house.stats().shared.checkouts - before.0;
    let told = home.count("SELECT count(*) FROM housekey_event WHERE kind = 'key_mismatch'");
    let most = queries.end() + 1 + u64::try_from(told).unwrap();
    assert!((*queries.start()..=most).contains(&asked), "{asked} and not {queries:?}");
    assert_eq!(rows(home), before.1);
}

async fn who(user: Option<User>) -> String {
    user.map_or("nobody".to_owned(), |user| user.username)
}

/// Serves on a port of its own, until the runtime is dropped.
fn serve(house: &House) -> (tokio::runtime::Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(who)).layer(HousekeyLayer::new(house));
    runtime.spawn(async move { axum::serve(listener, app).await });
    (runtime, address)
}

/// A connection that is kept for many requests.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends the requests in one piece, and checks that each is answered to nobody.
    fn send(&mut self, cookies: &[Vec<u8>]) {
        let request = |lines: &Vec<u8>| {
            [b"GET / HTTP/1.1\r\nHost: house\r\n", lines.as_slice(), b"\r\n\r\n"].concat()
        };
        let requests: Vec<u8> = cookies.iter().flat_map(request).collect();
        self.0.get_mut().write_all(&requests).unwrap();
        for lines in cookies {
            let (head, body) = self.answer();
            let shown = String::from_utf8_lossy(&lines[..lines.len().min(200)]).into_owned();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head} for {shown}");
            assert!(!head.to_ascii_lowercase().contains("set-cookie"), "{head} for {shown}");
            assert_eq!(body, "nobody", "for {shown}");
        }
    }

    fn answer(&mut self) -> (String, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "no answer after {head:?}");
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}

/// Sends so many requests from each of several clients at once.
fn storm(address: SocketAddr, each: usize, cookies: impl Fn(&mut Dice) -> Vec<u8> + Sync) {
    let cookies = &cookies;
    std::thread::scope(|scope| {
        for seed in 0..CLIENTS {
            scope.spawn(move || {
                let (mut random, mut client) = (Dice(seed), Client::connect(address));
                for _ in 0..each / BATCH {
                    let batch: Vec<_> = (0..BATCH).map(|_| cookies(&mut random)).collect();
                    client.send(&batch);
                }
            });
        }
    });
}

fn a_hundred_thousand_bad_cookies_over_http(home: &Home) {
    let house = home.open("notes");
    let keys = Keys::new(&house);
    let (_runtime, address) = serve(&house);
    let before = (house.stats().shared.checkouts, rows(home));

    storm(address, HOPELESS, |random| {
        let value = keys.hopeless(random);
        keys.lines(random, &value)
    });
    has_cost(home, &house, before, 0..=0);

    storm(address, UNKNOWN, |random| [b"Cookie: sessionid=", &*keys.unknown(random)].concat());
    // Who comes at the same time is looked up together.
    let clients = usize::try_from(CLIENTS).unwrap();
    has_cost(home, &house, before, 0..=u64::try_from(clients * UNKNOWN).unwrap());
    assert_eq!(house.session(Some(&keys.live)).unwrap().user().unwrap().username, "ada");
    eprintln!(
        "{} bad cookies cost no query, {} that only the database can tell cost one each",
        clients * HOPELESS,
        clients * UNKNOWN,
    );
}

fn ten_thousand_bad_cookies_in_the_core(home: &Home) {
    let house = home.open("notes");
    let keys = Keys::new(&house);
    let mut random = Dice(7);
    let before = (house.stats().shared.checkouts, rows(home));
    let mut seen = std::collections::HashMap::<Rejected, u32>::new();
    for _ in 0..9_000 {
        let value = keys.hopeless(&mut random);
        let session = house.session(Some(&String::from_utf8_lossy(&value))).unwrap();
        assert_eq!((session.user(), session.key()), (None, None));
        house.save(&session).unwrap();
        *seen.entry(session.rejected().unwrap()).or_default() += 1;
    }
    has_cost(home, &house, before, 0..=0);
    for reason in [Rejected::Malformed, Rejected::BadProof, Rejected::UnknownKey] {
        assert!(seen.remove(&reason).unwrap() > 500, "{reason}");
    }
    assert!(seen.is_empty(), "{seen:?}");

    for _ in 0..1_000 {
        let value = String::from_utf8(keys.unknown(&mut random)).unwrap();
        let session = house.session(Some(&value)).unwrap();
        assert_eq!((session.user(), session.rejected()), (None, Some(Rejected::Gone)));
        house.save(&session).unwrap();
    }
    has_cost(home, &house, before, 1_000..=1_000);
}

/// The status, unless the connection was broken off while too much was being sent.
fn status_of(address: SocketAddr, cookie: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = [b"GET / HTTP/1.1\r\nHost: house\r\nCookie: ", cookie, b"\r\n\r\n"].concat();
    let sent = stream.write_all(&request);
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    if sent.is_err() || read.is_err() || line.is_empty() {
        return None;
    }
    Some(line.split(' ').nth(1).unwrap().parse().unwrap())
}

fn what_is_no_http_is_refused_before_the_house_sees_it(home: &Home) {
    let house = home.open("notes");
    let keys = Keys::new(&house);
    let (_runtime, address) = serve(&house);
    let before = (house.stats().shared.checkouts, rows(home));
    for byte in (0..=31).chain([127]) {
        let cookie = [b"sessionid=", keys.live.as_bytes(), &[byte, b'x']].concat();
        let status = status_of(address, &cookie);
        // A tab may stand in a header, and makes this no session key. A line end begins another line.
        assert_eq!(status, Some(if byte == b'\t' { 200 } else { 400 }), "{byte}");
    }
    let cookie = |length: usize| [b"sessionid=".to_vec(), vec![b'a'; length]].concat();
    assert_eq!(status_of(address, &cookie(300_000)), Some(200));
    assert!([None, Some(431)].contains(&status_of(address, &cookie(1_000_000))));
    has_cost(home, &house, before, 0..=0);
}
