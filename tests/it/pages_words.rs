//! What the pages say: in the visitor's language, with right plurals, and in words that people know.

use std::collections::BTreeSet;

use Language::{English, German};
use chrono::{DateTime, TimeDelta, Utc};
use housekey::pages::{
    EditGroup, EditUser, Frame, GroupRow, Groups, Language, Message, PasswordLink, SessionRow,
    Sessions,
};
use housekey::password::{Attribute, Weakness};

use crate::support::document::Document;
use crate::support::sheets::{Words, now};

/// What is called the same in both.
const SHARED: [&str; 3] = ["Link", "Name", "Problem: Ada-title – Ada-app"];

const MESSAGES: [Message; 35] = [
    Message::PasswordChanged,
    Message::PasswordSet,
    Message::SessionEnded,
    Message::SessionsEnded,
    Message::Saved,
    Message::Activated,
    Message::Deactivated,
    Message::Unlocked,
    Message::GroupCreated,
    Message::GroupDeleted,
    Message::WrongCredentials,
    Message::WrongOldPassword,
    Message::PasswordsDiffer,
    Message::PasswordMissing,
    Message::PasswordTooLong,
    Message::PasswordWeak,
    Message::LinkSpent,
    Message::SessionGone,
    Message::UsernameMissing,
    Message::UsernameInvalid,
    Message::UsernameTaken,
    Message::TooLong,
    Message::GroupNameMissing,
    Message::GroupTaken,
    Message::GroupInUse,
    Message::Unconfirmed,
    Message::NotStaff,
    Message::Lacks,
    Message::MoreThanYours,
    Message::Yourself,
    Message::LastSuperuser,
    Message::Inactive,
    Message::NotFound,
    Message::Away,
    Message::TooManyAttempts { seconds: 9 },
];

/// All that is said in a language; not what is told of the house.
fn said(language: Language) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for (_, html) in Words("Ada").everything(language) {
        let page = Document::of(&html);
        for element in &page.elements {
            said.extend(element.texts.iter().map(|text| text.trim().to_owned()));
            said.extend(element.attribute("aria-label").map(str::to_owned));
        }
    }
    said.extend(MESSAGES.iter().map(|message| message.text(language)));
    said.extend(weaknesses().iter().map(|weakness| language.weakness(*weakness).to_owned()));
    said.retain(|text| text.contains(char::is_alphabetic));
    said.retain(|text| !text.starts_with("Ada") && !text.starts_with("xAda"));
    said
}

fn weaknesses() -> [Weakness; 7] {
    let similar = |to| Weakness::TooSimilar { to };
    [
        Weakness::TooShort,
        Weakness::TooCommon,
        Weakness::EntirelyNumeric,
        similar(Attribute::Username),
        similar(Attribute::Email),
        similar(Attribute::FirstName),
        similar(Attribute::LastName),
    ]
}

#[test]
fn the_languages_have_nothing_in_common() {
    let (english, german) = (said(English), said(German));
    assert!(english.len() > 140 && german.len() > 140, "{} {}", english.len(), german.len());
    let both: Vec<_> = english.intersection(&german).map(String::as_str).collect();
    let unknown: Vec<_> = both.iter().filter(|text| !SHARED.contains(text)).collect();
    assert_eq!(unknown, [&""; 0]);
    for text in german {
        let informal = text.split(|letter: char| !letter.is_alphabetic()).any(|word| {
            ["du", "dich", "dir", "dein", "deine", "euch"].contains(&&*word.to_lowercase())
        });
        assert!(!informal, "{text}");
    }
}

fn frame(language: Language) -> Frame {
    Frame { now: now(), ..Words("Ada").frame(language) }
}

fn message_after(language: Language, seconds: u64) -> String {
    Message::TooManyAttempts { seconds }.text(language)
}

#[test]
fn one_is_one_and_two_are_many() {
    assert!(message_after(English, 1).ends_with("again in 1 second."));
    assert!(message_after(English, 2).ends_with("again in 2 seconds."));
    assert!(message_after(German, 1).ends_with("in 1 Sekunde noch einmal."));
    assert!(message_after(German, 90).ends_with("in 90 Sekunden noch einmal."));

    for (hours, english, german) in [
        (1, "for 1 hour.", "nur 1 Stunde lang."),
        (2, "for 2 hours.", "nur 2 Stunden lang."),
        (24, "for 1 day.", "nur 1 Tag lang."),
        (36, "for 36 hours.", "nur 36 Stunden lang."),
        (72, "for 3 days.", "nur 3 Tage lang."),
    ] {
        for (language, expected) in [(English, english), (German, german)] {
            let frame = frame(language);
            let html = PasswordLink { frame, hours, ..PasswordLink::default() }.to_html();
            assert!(html.contains(expected), "{expected}");
        }
    }

    for (members, permissions, english, german) in [
        (0, 0, "0 members · 0 permissions", "0 Mitglieder · 0 Rechte"),
        (1, 1, "1 member · 1 permission", "1 Mitglied · 1 Recht"),
        (2, 2, "2 members · 2 permissions", "2 Mitglieder · 2 Rechte"),
    ] {
        for (language, expected) in [(English, english), (German, german)] {
            let row = GroupRow { id: 1, name: "a".to_owned(), members, permissions };
            let page = Groups { frame: frame(language), groups: vec![row], ..Groups::default() };
            let page = Document::of(&page.to_html());
            assert!(page.all("p").any(|text| text.content == expected), "{expected}");
        }
    }

    for (member_count, english, german) in
        [(2, "and 1 more", "und 1 weitere"), (3, "and 2 more", "und 2 weitere")]
    {
        for (language, expected) in [(English, english), (German, german)] {
            let page = EditGroup { member_count, ..Words("Ada").edit_group(frame(language)) };
            let page = Document::of(&page.to_html());
            assert!(page.all("li").any(|text| text.content == expected), "{expected}");
        }
    }
}

/// What the page of sessions says of the one that is on it.
fn session(language: Language, agent: &str, last_seen: Option<DateTime<Utc>>) -> Document {
    let row =
        SessionRow { agent: agent.to_owned(), created: now(), last_seen, ..SessionRow::default() };
    Document::of(&Sessions { frame: frame(language), sessions: vec![row] }.to_html())
}

#[test]
fn a_browser_is_called_as_its_user_calls_it() {
    const KHTML: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
    const CHROME: &str = "Chrome/139.0.0.0 Safari/537.36";
    let windows = format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} {CHROME}");
    let android = format!("Mozilla/5.0 (Linux; Android 10; K) {KHTML}");
    let agents = [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, macOS",
        ),
        (&*format!("{android} Chrome/139.0.0.0 Mobile Safari/537.36"), "Chrome, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/17.6 Mobile/15E148 Safari/604.1",
            "Safari, iPad",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             CriOS/139.0.7258.76 Mobile/15E148 Safari/604.1",
            "Chrome, iPhone",
        ),
        (&*format!("{windows} Edg/139.0.0.0"), "Edge, Windows"),
        (
            &*format!("{android} Chrome/139.0.0.0 Mobile Safari/537.36 EdgA/139.0.0.0"),
            "Edge, Android",
        ),
        (&*format!("{windows} OPR/121.0.0.0"), "Opera, Windows"),
        (
            &*format!("{android} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"),
            "Samsung Internet, Android",
        ),
        (&*windows, "Chrome, Windows"),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/139.0.0.0 Safari/537.36",
            "Chrome, ChromeOS",
        ),
        ("curl/8.5.0", "curl"),
        ("Edgar's reader", "Edgar's reader"),
        (" my-script/1.0 ", "my-script/1.0"),
    ];
    for (agent, name) in agents {
        let page = session(English, agent, None);
        assert_eq!(page.all("strong").last().unwrap().content, name, "{agent}");
    }
    for (language, name) in [(English, "Unknown browser"), (German, "Unbekannter Browser")] {
        for agent in ["", " \n"] {
            let page = session(language, agent, None);
            assert_eq!(page.all("strong").last().unwrap().content, name);
        }
    }
    let page = session(English, &"\u{e4}".repeat(10_000), None);
    assert_eq!(page.all("strong").last().unwrap().content, "\u{e4}".repeat(60));
}

#[test]
fn a_time_is_told_as_people_tell_it() {
    let far = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let ago = |seconds| now() - TimeDelta::seconds(seconds);
    for (then, english, german) in [
        (ago(0), "just now", "gerade eben"),
        (ago(59), "just now", "gerade eben"),
        (ago(60), "1 minute ago", "vor 1 Minute"),
        (ago(119), "1 minute ago", "vor 1 Minute"),
        (ago(120), "2 minutes ago", "vor 2 Minuten"),
        (ago(59 * 60 + 59), "59 minutes ago", "vor 59 Minuten"),
        (ago(3_600), "1 hour ago", "vor 1 Stunde"),
        (ago(23 * 3_600 + 3_599), "23 hours ago", "vor 23 Stunden"),
        (ago(24 * 3_600), "1 day ago", "vor 1 Tag"),
        (ago(13 * 86_400), "13 days ago", "vor 13 Tagen"),
        (ago(14 * 86_400 - 1), "13 days ago", "vor 13 Tagen"),
        (ago(14 * 86_400), "on 6 May 2026", "am 06.05.2026"),
        (far("1999-12-31T23:59:59Z"), "on 31 Dec 1999", "am 31.12.1999"),
        (DateTime::<Utc>::MIN_UTC, "on 1 Jan -262143", "am 01.01.-262143"),
        // The clocks of two machines differ.
        (ago(-1), "just now", "gerade eben"),
        (ago(-3_600), "just now", "gerade eben"),
        (DateTime::<Utc>::MAX_UTC, "just now", "gerade eben"),
    ] {
        for (language, expected) in [(English, english), (German, german)] {
            let page = session(language, "curl/8.5.0", Some(then));
            assert_eq!(page.all("time").next().unwrap().content, expected, "{then}");
        }
    }
    let page = session(English, "curl/8.5.0", Some(far("2026-05-20T09:05:07.9Z")));
    let time = page.all("time").next().unwrap();
    assert_eq!(time.attribute("datetime"), Some("2026-05-20T09:05:07Z"));
    assert_eq!(time.attribute("title"), Some("2026-05-20 09:05 UTC"));
    let date_joined = far("2026-05-20T09:05:07Z");
    for (language, expected) in
        [(English, "created on 20 May 2026"), (German, "angelegt am 20.05.2026")]
    {
        let page = EditUser { date_joined, frame: frame(language), ..EditUser::default() };
        let page = Document::of(&page.to_html());
        assert!(page.all("p").any(|text| text.content.contains(expected)), "{expected}");
    }
}

/// RFC 9110, 12.4.2 (weights) and 12.5.4, and RFC 4647, 2.1 (ranges).
#[test]
fn a_visitor_reads_the_language_that_the_browser_asks_for() {
    for (header, language) in [
        ("de", German),
        ("DE-at", German),
        ("de-Latn-DE-1996", German),
        ("en-GB,en;q=0.9,de;q=0.8", English),
        ("de-AT, de;q=0.9, en;q=0.5", German),
        ("de;q=0.5,en;q=0.501", English),
        ("de;Q=0.9 , en;q=0.8", German),
        ("fr;q=1, de;q=0.001", German),
        ("de,en", German),
        ("en,de", English),
        ("de ; q=1.000 , en;q=0.999", German),
        ("\tde\t;\tq=0.5", German),
        (",, ,de,,", German),
        // Nothing that is there.
        ("", English),
        ("fr, it;q=0.9", English),
        ("deutsch, den, d, de_DE", English),
        // Not acceptable at all; any other is better.
        ("de;q=0", English),
        ("de;q=0.0, en;q=0.1", English),
        ("en;q=0, de;q=0.1", German),
        ("en;q=0, *", German),
        ("en;q=0.000, *;q=0.001", German),
        ("de;q=0, *", English),
        ("de;q=0, en;q=0", English),
        ("*", English),
        ("*;q=0", English),
        ("fr, *;q=0.1", English),
        ("en;q=0.2, *;q=0.1", English),
        ("de;q=0.2, *;q=0.1", German),
        ("de;q=0.1, *;q=0.2", English),
        // No weights by the grammar, so no word about the language.
        ("en, de;q=2", English),
        ("de;q=inf, en;q=0.1", English),
        ("de;q=NaN, en;q=0.1", English),
        ("de;q=1e3, en;q=0.1", English),
        ("de;q=1.001, en;q=0.1", English),
        ("de;q=0.9999, en;q=0.1", English),
        ("de;q=+0.9, en;q=0.1", English),
        ("de;q=-1, en;q=0.1", English),
        ("de;q=, en;q=0.1", English),
        ("de;q, en;q=0.1", English),
        ("de;, en;q=0.1", English),
        ("de;q=.9, en;q=0.1", English),
        ("de;q=0.\u{664}, en;q=0.1", English),
        ("de;level=1, en;q=0.1", English),
        (";;;q=1,=;,\u{202e}de,-de", English),
    ] {
        assert_eq!(Language::of(header), language, "{header:?}");
    }
    let long = |end: &str| format!("{}{end}", "fr-FR;q=0.7,".repeat(100_000));
    assert_eq!(Language::of(&long("de;q=0.1")), German);
    assert_eq!(Language::of(&"de-".repeat(100_000)), German);
    assert_eq!(Language::of(&",;".repeat(100_000)), English);
}
