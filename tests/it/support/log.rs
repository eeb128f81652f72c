//! What the library says to its log and which spans it opens, on the thread of one test.
//!
//! One recorder serves all tests: when only some threads of a process listen, `tracing` may decide on
//! another thread that nobody does.

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// What was said, a line each: `WARN ...` and the like, and spans by their names.
pub(crate) type Lines = Arc<Mutex<Vec<String>>>;

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// Warnings of all threads.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The apps of whom every thread is listened to, with what was said of them.
static OF_APPS: Mutex<Vec<(String, Vec<String>)>> = Mutex::new(Vec::new());

struct Recorder;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let joint = if self.0.is_empty() { "" } else { " " };
        let _ = match field.name() {
            "message" => write!(self.0, "{joint}{value:?}"),
            name => write!(self.0, "{joint}{name}={value:?}"),
        };
    }
}

fn say(line: &str) {
    LINES.with_borrow(|lines| {
        if let Some(lines) = lines {
            lines.lock().unwrap().push(line.to_owned());
        }
    });
}

impl Subscriber for Recorder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours =
            metadata.target().starts_with("housekey") && *metadata.level() <= Level::DEBUG;
        let is_wanted = || {
            *metadata.level() <= Level::WARN
                || LINES.with_borrow(Option::is_some)
                || !OF_APPS.lock().unwrap().is_empty()
        };
        is_ours && is_wanted()
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        say(&format!("{} {}", span.metadata().name(), fields.0));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let line = format!("{} {}", event.metadata().level(), fields.0);
        say(&line);
        for (app, lines) in OF_APPS.lock().unwrap().iter_mut() {
            if line.contains(&format!("app={app:?}")) {
                lines.push(line.clone());
            }
        }
        if *event.metadata().level() == Level::WARN {
            WARNINGS.lock().unwrap().push(line);
        }
    }
    fn enter(&self, _: &Id) {
        say("begin");
    }
    fn exit(&self, _: &Id) {
        say("end");
    }
}

/// What is said while this runs.
pub(crate) fn recorded(work: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    write_down(&lines);
    work();
    LINES.take();
    lines.lock().unwrap().clone()
}

/// From now on, what is said on this thread.
pub(crate) fn write_down(lines: &Lines) {
    listen();
    LINES.set(Some(Arc::clone(lines)));
}

/// From now on warnings are kept, whichever thread has them.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Recorder).unwrap());
}

/// The warnings that the app of that name has had on any thread since [`listen`].
pub(crate) fn warnings_of(app: &str) -> Vec<String> {
    let of = format!("app={app:?}");
    let all = WARNINGS.lock().unwrap();
    all.iter().filter(|line| line.split(' ').any(|word| word == of)).cloned().collect()
}

/// What is said of this app while this runs, on any thread; no two tests listen to apps of one name.
pub(crate) fn said_of(app: &str, work: impl FnOnce()) -> Vec<String> {
    listen();
    OF_APPS.lock().unwrap().push((app.to_owned(), Vec::new()));
    work();
    let mut apps = OF_APPS.lock().unwrap();
    let place = apps.iter().position(|(name, _)| name == app).unwrap();
    apps.remove(place).1
}
