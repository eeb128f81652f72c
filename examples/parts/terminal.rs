//! What a program is told, and what it has to say.

use std::process::ExitCode;

/// What the command line asks for.
pub(crate) enum Task<O> {
    Serve(O),
    Help,
}

/// The options, or how the program ends without any.
pub(crate) fn options<O>(parsed: Result<Task<O>, String>, help: &str) -> Result<O, ExitCode> {
    match parsed {
        Ok(Task::Serve(options)) => Ok(options),
        Ok(Task::Help) => {
            say(help);
            Err(ExitCode::SUCCESS)
        }
        Err(problem) => {
            eprintln!("error: {problem}; --help lists the options");
            Err(ExitCode::from(2))
        }
    }
}

/// How the program ends.
pub(crate) fn ended(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", with_causes(&failure));
            ExitCode::FAILURE
        }
    }
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[expect(clippy::print_stdout, reason = "what a program has to say")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// An error and what lies behind it, on one line.
fn with_causes(failure: &Failure) -> String {
    let causes = std::iter::successors(failure.source(), |cause| cause.source());
    let texts = std::iter::once(failure.to_string()).chain(causes.map(ToString::to_string));
    texts.collect::<Vec<_>>().join(": ")
}

/// Why nothing can be served on that port.
pub(crate) fn no_port(port: u16, option: &str, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return format!("port {port} is in use; stop what listens there, or choose with {option}")
            .into();
    }
    format!("cannot listen on port {port}: {error}").into()
}
