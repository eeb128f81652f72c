//! The gathered floor: axum, and two threads that answer whatever waits by one `= ANY`; no house.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use diesel::{Connection, PgConnection};
use housekey_peers_house::{postgres, postgres_find_each, serve, session_key, variable};
use tokio::sync::oneshot;

type Ask = (String, oneshot::Sender<Option<String>>);

#[derive(Default)]
struct Line {
    waiting: Mutex<VecDeque<Ask>>,
    called: Condvar,
}

#[tokio::main]
async fn main() {
    let url = variable("DATABASE");
    let line = Arc::new(Line::default());
    for _ in 0..2 {
        let mut conn = PgConnection::establish(&url).expect("the database answers");
        let line = Arc::clone(&line);
        std::thread::spawn(move || {
            loop {
                let mut waiting = line.waiting.lock().expect("no panic");
                while waiting.is_empty() {
                    waiting = line.called.wait(waiting).expect("no panic");
                }
                let many = waiting.len().min(64);
                let asked: Vec<Ask> = waiting.drain(..many).collect();
                drop(waiting);
                if let [(key, _)] = &asked[..] {
                    let user = postgres::find(&mut conn, key).expect("answers");
                    for (_, reply) in asked {
                        let _ = reply.send(user.as_ref().map(|(_, user)| user.username.clone()));
                    }
                } else {
                    let keys: Vec<&str> = asked.iter().map(|(key, _)| key.as_str()).collect();
                    let found: HashMap<String, String> = postgres_find_each(&mut conn, keys)
                        .expect("answers")
                        .into_iter()
                        .map(|(key, _, user)| (key, user.username))
                        .collect();
                    for (key, reply) in asked {
                        let _ = reply.send(found.get(&key).cloned());
                    }
                }
            }
        });
    }
    serve(Router::new().route("/whoami", get(whoami)).with_state(line)).await;
}

async fn whoami(State(line): State<Arc<Line>>, headers: HeaderMap) -> Result<String, StatusCode> {
    let key = session_key(&headers).ok_or(StatusCode::UNAUTHORIZED)?.to_owned();
    let (reply, told) = oneshot::channel();
    line.waiting.lock().expect("no panic").push_back((key, reply));
    line.called.notify_one();
    told.await.expect("no panic").ok_or(StatusCode::UNAUTHORIZED)
}
