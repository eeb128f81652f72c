//! A way to the PostgreSQL server that can be disturbed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::Home;

/// What becomes of what is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Open,
    /// Each answer takes so long.
    Slow(Duration),
    /// Nothing comes through until the way is another one; then it does.
    Stuck,
    /// New connections are closed at once.
    Refused,
}

/// It forwards until the test process ends.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: String,
    now: Mutex<Now>,
    changed: Condvar,
}

struct Now {
    way: Way,
    /// Both sides of each connection that was made, in their order.
    links: Vec<[TcpStream; 2]>,
    /// Those before this one never get through again, and are never told.
    stranded: usize,
    /// How many pieces are held up at the moment.
    held_up: usize,
    /// How many pieces have come from clients.
    sent: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl Proxy {
    /// A way to the server of this home.
    pub(crate) fn before(home: &Home) -> Self {
        Self::to(&home.shared_url())
    }

    /// A way to the server that a URL names.
    pub(crate) fn to(url: &str) -> Self {
        let server = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let now = Now { way: Way::Open, links: Vec::new(), stranded: 0, held_up: 0, sent: 0 };
        let state = Arc::new(State { server, now: Mutex::new(now), changed: Condvar::new() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                accepting.connect(client.unwrap());
            }
        });
        Self { address, state }
    }

    /// The URL of that database, by this way.
    pub(crate) fn url(&self, home: &Home) -> String {
        self.through(&home.shared_url())
    }

    /// A URL of that server, by this way.
    pub(crate) fn through(&self, url: &str) -> String {
        url.replace(&self.state.server, &self.address.to_string())
    }

    pub(crate) fn set(&self, way: Way) {
        self.state.now.lock().unwrap().way = way;
        self.state.changed.notify_all();
    }

    /// Closes what is open, and lets nobody in.
    pub(crate) fn refuse(&self) {
        self.set(Way::Refused);
        self.cut();
    }

    /// Closes what is open now.
    pub(crate) fn cut(&self) {
        for [client, server] in &self.state.now.lock().unwrap().links {
            // One side may be gone already.
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// What is open now stays open, and nothing comes through by it any more.
    pub(crate) fn strand(&self) {
        let mut now = self.state.now.lock().unwrap();
        now.stranded = now.links.len();
    }

    /// Waits until at least so many pieces are held up.
    pub(crate) fn wait_until_held_up(&self, pieces: usize) {
        let now = self.state.now.lock().unwrap();
        let _now = self.state.changed.wait_while(now, |now| now.held_up < pieces).unwrap();
    }

    /// How many pieces were sent to the server up to now: with each the sender waits for an answer.
    pub(crate) fn sent(&self) -> usize {
        self.state.now.lock().unwrap().sent
    }

    /// How many were made up to now.
    pub(crate) fn connections(&self) -> usize {
        self.state.now.lock().unwrap().links.len()
    }
}

impl State {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        let mut now = self.now.lock().unwrap();
        if now.way == Way::Refused {
            return;
        }
        // Where nobody listens, nobody is let in.
        let Ok(server) = TcpStream::connect(&self.server) else { return };
        let link = now.links.len();
        now.links.push([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        drop(now);
        let ways = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
        for ((from, to), direction) in
            ways.into_iter().zip([Direction::ToServer, Direction::ToClient])
        {
            let state = Arc::clone(self);
            std::thread::spawn(move || state.pump(link, from, to, direction));
        }
    }

    fn pump(&self, link: usize, mut from: TcpStream, mut to: TcpStream, direction: Direction) {
        let mut piece = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            self.hold_up(link, direction);
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    fn hold_up(&self, link: usize, direction: Direction) {
        let is_stuck = |now: &Now| now.way == Way::Stuck || link < now.stranded;
        let mut now = self.now.lock().unwrap();
        now.sent += usize::from(direction == Direction::ToServer);
        let slow = match now.way {
            Way::Slow(by) if direction == Direction::ToClient => Some(by),
            _ => None,
        };
        if slow.is_none() && !is_stuck(&now) {
            return;
        }
        now.held_up += 1;
        self.changed.notify_all();
        if let Some(by) = slow {
            drop(now);
            std::thread::sleep(by);
            now = self.now.lock().unwrap();
        }
        now = self.changed.wait_while(now, |now| is_stuck(now)).unwrap();
        now.held_up -= 1;
    }
}
