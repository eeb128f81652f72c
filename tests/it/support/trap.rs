//! Where all hosts that are not ours lead a browser of the tests: a server that takes note of who comes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Hosts that Chromium asks for by itself.
const ITS_OWN: &[&str] =
    &["*.google.com", "*.googleapis.com", "*.gstatic.com", "*.gvt1.com", "*.duckduckgo.com"];

pub(crate) struct Trap {
    port: u16,
    visits: Arc<Mutex<Vec<String>>>,
}

impl Trap {
    pub(crate) fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let visits = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&visits);
        std::thread::spawn(move || {
            for visitor in listener.incoming().map_while(Result::ok) {
                let book = Arc::clone(&book);
                std::thread::spawn(move || welcome(visitor, &book));
            }
        });
        Self { port, visits }
    }

    /// For the command line of Chromium: each host but these leads here, whatever its port.
    pub(crate) fn rules(&self, ours: &[&str]) -> String {
        let ours = ours.iter().map(|host| format!("MAP {host} 127.0.0.1"));
        let its_own = ITS_OWN.iter().map(|host| format!("MAP {host} ~NOTFOUND"));
        let rest = format!("MAP * 127.0.0.1:{}", self.port);
        let rules: Vec<_> = ours.chain(its_own).chain([rest]).collect();
        format!("--host-resolver-rules={}", rules.join(","))
    }

    /// What visitors have said since this was asked last.
    pub(crate) fn visits(&self) -> Vec<String> {
        std::mem::take(&mut *self.visits.lock().unwrap())
    }
}

/// What may be the names of hosts in it: those of a header or of TLS.
fn names(said: &[u8]) -> String {
    let words = said.split(|byte| !byte.is_ascii_alphanumeric() && !b"-.".contains(byte));
    let names = words.filter(|word| word.len() > 4 && word.contains(&b'.'));
    let names: Vec<_> = names.map(String::from_utf8_lossy).collect();
    names.join(" ")
}

/// Whoever connects has come, even one who wants TLS.
fn welcome(mut visitor: TcpStream, book: &Mutex<Vec<String>>) {
    let mut said = [0; 2048];
    visitor.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let length = visitor.read(&mut said).unwrap_or_default();
    book.lock().unwrap().push(names(&said[..length]));
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntrapped";
    let _ = visitor.write_all(answer.as_bytes());
}
