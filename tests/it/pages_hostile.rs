//! Whatever the fields of a page hold is text in it.

use housekey::pages::{Account, App, Frame};

use crate::support::document::{Document, Element};
use crate::support::sheets::{LANGUAGES, Words};

const HOSTILE: [&str; 13] = [
    "\"><script>alert(1)</script>",
    "'\" onfocus=x autofocus=\"",
    "</textarea><img src=x>",
    "</title></bdi></p></form>",
    "<!--",
    "&lt;&amp;&quot;&#0;&notit;",
    "javascript:alert(1)",
    "{{ page }}{% if %}",
    "\u{202e}\u{2066}\u{2069}\u{200f}\u{61c}gpj",
    "\u{1f469}\u{200d}\u{1f680}\u{1f1e9}\u{1f1ea}",
    "a\u{301}\u{489}\u{489}\u{489}",
    "ad\0min\u{1}\u{7f}\u{9f}",
    "\n\n a\n\tb ",
];

/// The same page with another text: what is read and where it is must be the same but for the text.
fn is_the_same_with(text: &str, name: &str, harmless: &str, hostile: &str) {
    let (harmless, hostile) = (Document::of(harmless), Document::of(hostile));
    assert_eq!(hostile.errors, [""; 0], "{name} with {text:?}");
    assert_eq!(hostile.structure(), harmless.structure(), "{name} with {text:?}");
    for (expected, found) in harmless.elements.iter().zip(&hostile.elements) {
        let told = |value: &str| told(value, text, expected);
        let texts: Vec<_> = expected.texts.iter().map(|value| told(value)).collect();
        assert_eq!(found.texts, texts, "{name} with {text:?}");
        for (attribute, value) in &expected.attributes {
            let found = decoded(&found.attributes[attribute]);
            assert_eq!(found, told(&decoded(value)), "{name}, {attribute} with {text:?}");
        }
    }
}

/// What must stand where "Ada" stood.
fn told(value: &str, text: &str, element: &Element) -> String {
    let told = value.replace("xAda-agent", &Words(text).agent()).replace("Ada", text);
    let is_turn = |letter| "\u{202e}\u{2066}\u{2069}\u{200f}\u{61c}".contains(letter);
    let told = if element.name == "title" { told.replace(is_turn, "") } else { told };
    told.replace(['\0', '\u{1}', '\u{7f}', '\u{9f}'], "\u{fffd}")
}

/// Queries are encoded; nothing else is.
fn decoded(value: &str) -> String {
    let Some((path, query)) = value.split_once("/users?") else { return value.to_owned() };
    let query = query.replace('+', " ");
    let query = percent_encoding::percent_decode_str(&query).decode_utf8().unwrap();
    // In a query a control character is seen by nobody.
    format!("{path}/users?{}", query.replace(['\0', '\u{1}', '\u{7f}', '\u{9f}'], "\u{fffd}"))
}

#[test]
fn what_others_have_written_is_text_and_nothing_else() {
    let long = "W".repeat(150);
    for language in LANGUAGES {
        let harmless = Words("Ada").everything(language);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            let hostile = Words(text).everything(language);
            for ((name, harmless), (_, hostile)) in harmless.iter().zip(&hostile) {
                is_the_same_with(text, name, harmless, hostile);
            }
        }
    }
}

#[test]
fn letters_that_turn_the_direction_turn_nothing_around_them() {
    let text = "\u{202e}gpj";
    for language in LANGUAGES {
        for (name, html) in Words(text).everything(language) {
            let document = Document::of(&html);
            for element in &document.elements {
                let holds = ["bdi", "textarea"].contains(&element.name.as_str());
                let is_free = element.texts.iter().any(|one| one.contains('\u{202e}'));
                assert!(holds || !is_free, "{name}: {:?}", element.texts);
            }
        }
    }
    // An element that is isolated inline ends at a stray U+2069; a box does not.
    assert!(housekey::pages::stylesheet().contains("bdi { display: inline-block;"));
}

#[test]
fn only_web_addresses_of_apps_are_links() {
    let page = |url: &str| {
        let app = App { name: "wiki".to_owned(), url: url.to_owned() };
        Document::of(&Account { frame: Frame::default(), apps: vec![app] }.to_html())
    };
    for url in ["https://wiki.example.org/", "http://10.0.0.1:8080", "HTTPS://wiki.example.org"] {
        let page = page(url);
        let link = page.all("a").find(|link| link.attribute("href") == Some(url)).unwrap();
        assert_eq!(link.content, "wiki");
    }
    for url in [
        "",
        "javascript:alert(1)",
        " https://wiki.example.org/",
        "JaVaScRiPt://https://%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//wiki.example.org/",
        "https:wiki.example.org",
        "https\u{df}//",
        "ftp://wiki.example.org/",
        "/account/logout",
    ] {
        let page = page(url);
        assert!(page.all("a").all(|link| link.content != "wiki"), "{url:?}");
        assert!(page.all("bdi").any(|name| name.content == "wiki"), "{url:?}");
    }
}
