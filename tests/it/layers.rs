//! The order of the modules in `lib.rs` is the order of the layers: a module uses only those above it.

use std::path::{Path, PathBuf};

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// The modules of `lib.rs`, lowest layer first.
fn modules() -> Vec<String> {
    let lib = std::fs::read_to_string(format!("{SRC}/lib.rs")).unwrap();
    let names = lib.lines().filter_map(|line| {
        line.strip_prefix("pub mod ").or(line.strip_prefix("mod "))?.strip_suffix(';')
    });
    names.filter(|name| *name != "vectors").map(str::to_owned).collect()
}

fn sources(module: &str) -> Vec<PathBuf> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                walk(&entry.unwrap().path(), found);
            }
        } else if path.exists() && !path.ends_with("tests.rs") {
            found.push(path.to_owned());
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(SRC).join(module), &mut found);
    walk(&Path::new(SRC).join(module).with_extension("rs"), &mut found);
    assert!(!found.is_empty(), "no source for {module}");
    found
}

/// Lines of code: without comments, and up to the tests.
fn code(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(str::to_owned).collect()
}

#[test]
fn a_module_uses_only_lower_layers() {
    let modules = modules();
    assert!(modules.len() > 10, "{modules:?}");
    for (layer, module) in modules.iter().enumerate() {
        for path in sources(module) {
            for line in code(&path) {
                for higher in &modules[layer + 1..] {
                    let uses = line.contains(&format!("crate::{higher}::"));
                    assert!(!uses, "{} uses the higher layer {higher}: {line}", path.display());
                }
            }
        }
    }
}

/// Some words belong to some files alone (ARCHITECTURE.md, invariants).
#[test]
fn what_is_deliberately_absent_stays_absent() {
    const ONLY_IN: [(&str, &[&str]); 10] = [
        ("SystemTime::now", &["clock.rs"]),
        ("Instant::now", &["clock.rs", "micro.rs"]),
        ("env::var", &["config/mod.rs", "fuzz.rs"]),
        ("getrandom::", &["key.rs"]),
        (
            "axum_core::",
            &[
                "web/axum/extract.rs",
                "web/axum/layer.rs",
                "web/axum/pages.rs",
                "web/axum/profile.rs",
                "web/axum/required.rs",
                "web/axum/response.rs",
                "web/axum/view.rs",
            ],
        ),
        (
            "actix_web::",
            &[
                "web/actix/extract.rs",
                "web/actix/middleware.rs",
                "web/actix/pages.rs",
                "web/actix/profile.rs",
                "web/actix/required.rs",
                "web/actix/view.rs",
            ],
        ),
        ("actix_session::storage", &["stores/actix_session.rs"]),
        ("tower_sessions_core", &["stores/tower_sessions.rs"]),
        ("println!", &["fuzz.rs", "micro.rs"]),
        ("i-implement-a-third-party-backend", &[]),
    ];
    for module in modules() {
        for path in sources(&module) {
            let name = path.strip_prefix(SRC).unwrap().to_string_lossy().into_owned();
            for line in code(&path) {
                for (word, files) in ONLY_IN {
                    let allowed = files.contains(&name.as_str()) || !line.contains(word);
                    assert!(allowed, "{name} has `{word}`: {line}");
                }
            }
        }
    }
}

#[test]
fn a_file_is_small_enough_to_be_read() {
    for module in modules() {
        for path in sources(&module) {
            let lines = code(&path).len();
            assert!(lines <= 400, "{} has {lines} lines of code", path.display());
        }
    }
}
