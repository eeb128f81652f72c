//! The pages are HTML as the standard wants it, can be used by everyone, ask nothing of anybody else, and are light.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use housekey::pages::{
    Choice, EditGroup, EditUser, Frame, Language, SessionRow, Sessions, UserRow, Users, stylesheet,
};

use crate::support::document::{Document, Element};
use crate::support::sheets::{LANGUAGES, Words, now};

const ADA: Words<'_> = Words("Ada");

#[test]
fn every_page_is_well_formed() {
    for language in LANGUAGES {
        let sheets = ADA.everything(language);
        assert_eq!(sheets.len(), 3 * (13 + 20));
        for (name, html) in sheets {
            let page = Document::of(&html);
            assert_eq!(page.errors, [""; 0], "{name}");
            is_one_document(name, &page, language);
            has_names_for_everything(name, &page);
            guards_its_forms(name, &page);
            stays_in_the_house(name, &page, &html);
        }
    }
}

fn is_one_document(name: &str, page: &Document, language: Language) {
    assert_eq!(page.elements[0].attribute("lang"), Some(language.tag()), "{name}");
    let heading: Vec<_> = page.all("h1").collect();
    assert!(heading.len() == 1 && !heading[0].content.trim().is_empty(), "{name}");
    assert!(page.all("title").all(|title| !title.content.trim().is_empty()), "{name}");
    let mut ids = BTreeSet::new();
    for id in page.elements.iter().filter_map(|element| element.attribute("id")) {
        assert!(ids.insert(id), "{name} has {id} twice");
    }
    for list in page.all("ul") {
        assert!(page.within(list).any(|element| element.name == "li"), "{name}: an empty list");
    }
}

fn has_names_for_everything(name: &str, page: &Document) {
    let is_field = |element: &Element| ["input", "textarea"].contains(&element.name.as_str());
    let mut named = BTreeSet::new();
    for label in page.all("label") {
        assert!(!label.content.trim().is_empty(), "{name}: a label says nothing");
        let fields: Vec<_> = match label.attribute("for") {
            Some(id) => page.with_id(id),
            None => page.within(label).filter(|element| is_field(element)).collect(),
        };
        assert!(fields.len() == 1 && is_field(fields[0]), "{name}: {}", label.content);
        named.insert(std::ptr::from_ref(fields[0]));
    }
    for field in page.elements.iter().filter(|element| is_field(element)) {
        let hidden =
            field.attribute("type") == Some("hidden") || field.attribute("hidden").is_some();
        let label = named.contains(&std::ptr::from_ref(field));
        assert!(hidden != label, "{name}: {:?}", field.attributes);
    }
    for ids in page.elements.iter().filter_map(|element| element.attribute("aria-describedby")) {
        for id in ids.split(' ') {
            assert_eq!(page.with_id(id).len(), 1, "{name}: {id}");
        }
    }
    for element in page.all("button").chain(page.all("a")) {
        let label = element.attribute("aria-label").unwrap_or(&element.content);
        assert!(!label.trim().is_empty(), "{name}: {:?}", element.attributes);
    }
    for nav in page.all("nav") {
        assert!(nav.attribute("aria-label").is_some(), "{name}");
    }
}

fn guards_its_forms(name: &str, page: &Document) {
    for form in page.all("form") {
        let tokens = page
            .within(form)
            .filter(|element| element.attribute("name") == Some("csrfmiddlewaretoken"))
            .map(|token| token.attribute("value"));
        let expected: &[_] = match form.attribute("method") {
            Some("post") => &[Some("Ada-csrf")],
            Some("get") => &[],
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(tokens.collect::<Vec<_>>(), expected, "{name}");
    }
}

fn stays_in_the_house(name: &str, page: &Document, html: &str) {
    assert!(!html.to_lowercase().contains("<script"), "{name}");
    for element in &page.elements {
        for (attribute, value) in &element.attributes {
            assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: {attribute}");
            if ["href", "action", "src", "formaction", "srcset"].contains(&attribute.as_str()) {
                let own = value.starts_with("/account/") || ["/home", "#main"].contains(&&**value);
                assert!(own || value == "https://Ada-url", "{name}: {value}");
            } else {
                assert!(!value.contains("//"), "{name}: {attribute}={value}");
            }
        }
    }
    assert!(page.all("style").next().is_none(), "{name}");
    let urls = html.matches("://").count();
    assert_eq!(urls, html.matches("https://Ada-url").count(), "{name}");
}

#[test]
fn the_stylesheet_is_small_and_asks_for_nothing() {
    let css = stylesheet();
    assert!(css.len() < 8_000, "{}", css.len());
    for word in ["url(", "@import", "@font-face", "//"] {
        assert!(!css.contains(word), "{word}");
    }
}

fn choices(count: usize, label: impl Fn(usize) -> (String, String)) -> Vec<Choice> {
    let choice = |at| {
        let (value, label) = label(at);
        Choice { value, label, is_chosen: at % 4 == 0, is_open: at % 10 != 0 }
    };
    (0..count).map(choice).collect()
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn sessions(count: i64) -> Vec<SessionRow> {
    let session = |at: i64| SessionRow {
        id: format!("{at:024}"),
        agent: FIREFOX.to_owned(),
        app: "billing".to_owned(),
        address: format!("192.0.2.{at}"),
        created: now() - TimeDelta::hours(at),
        last_seen: Some(now() - TimeDelta::minutes(at)),
        is_current: at == 0,
    };
    (0..count).map(session).collect()
}

#[test]
fn a_big_house_breaks_no_page() {
    let frame = || ADA.frame(Language::German);
    let permissions =
        choices(1_000, |at| (format!("app.may_do_{at}"), format!("App: may do {at}")));
    let user = EditUser {
        permissions: permissions.clone(),
        groups: choices(1_000, |at| (at.to_string(), "G".repeat(150))),
        by_groups: (0..1_000).map(|at| format!("app.may_see_{at}")).collect(),
        sessions: sessions(500),
        ..ADA.edit_user(frame())
    };
    let page = Document::of(&user.to_html());
    let named = |page: &Document, name: &str| {
        page.elements.iter().filter(|element| element.attribute("name") == Some(name)).count()
    };
    assert_eq!(page.errors, [""; 0]);
    assert_eq!((named(&page, "permission"), named(&page, "group")), (1_000, 1_000));
    assert_eq!(named(&page, "end"), 500, "each but the current one, and all of them");
    let group = EditGroup { permissions, ..ADA.edit_group(frame()) };
    let page = Document::of(&group.to_html());
    assert_eq!((page.errors.len(), named(&page, "permission")), (0, 1_000));
    let page = Document::of(&Sessions { frame: frame(), sessions: sessions(500) }.to_html());
    assert_eq!((page.errors.len(), named(&page, "end")), (0, 500));

    let longest = |id| UserRow {
        id: i64::MAX - id,
        username: "\u{fdfa}".repeat(150),
        name: "\u{1f469}".repeat(301),
        email: format!("{}@example.org", "e".repeat(242)),
        is_superuser: true,
        ..UserRow::default()
    };
    let users = Users { users: (0..50).map(longest).collect(), ..ADA.users(frame()) };
    let page = Document::of(&users.to_html());
    let rows = page.all("bdi").filter(|name| name.content == "\u{fdfa}".repeat(150));
    assert_eq!((page.errors.len(), rows.count()), (0, 50));
}

/// Fifty people of a house.
pub(crate) fn people() -> Vec<UserRow> {
    const FIRST: [&str; 10] = [
        "Wilhelmine",
        "Johannes",
        "Elisabeth",
        "Friedrich",
        "Magdalena",
        "Sebastian",
        "Katharina",
        "Alexander",
        "Charlotte",
        "Maximilian",
    ];
    const LAST: [&str; 5] =
        ["Schwarzenberger", "Oberhofer", "Lindemann", "Hinterleitner", "Kaltenbrunner"];
    let person = |at: i64| {
        let first = FIRST[usize::try_from(at % 10).unwrap()];
        let last = LAST[usize::try_from(at / 10).unwrap()];
        let username = format!("{first}.{last}").to_lowercase();
        UserRow {
            id: 1_000 + at,
            email: format!("{username}@example-company.org"),
            username,
            name: format!("{first} {last}"),
            is_active: at % 10 != 0,
            is_staff: at % 8 == 0,
            is_superuser: at % 16 == 0,
            last_login: Some(now() - TimeDelta::hours(at * 13)),
        }
    };
    (0..50).map(person).collect()
}

#[test]
fn a_page_and_its_style_weigh_less_than_30_kb() {
    let weigh = |name: &str, html: &str| {
        let weight = html.len() + stylesheet().len();
        assert!(weight < 30_000, "{name} weighs {weight} bytes");
    };
    for language in LANGUAGES {
        for (name, html) in ADA.everything(language) {
            weigh(name, &html);
        }
        let frame = || Frame { csrf_token: "c".repeat(64), ..ADA.frame(language) };
        let users = Users { users: people(), ..ADA.users(frame()) };
        weigh("Users", &users.to_html());
        let permissions = choices(40, |at| {
            let model = ["invoice", "customer", "reminder", "contract"][at % 4];
            let verb = ["add", "change", "delete", "view", "approve"][at % 5];
            (format!("billing.{verb}_{model}_{at}"), format!("Billing: can {verb} {model} {at}"))
        });
        let user = EditUser {
            permissions: permissions.clone(),
            groups: choices(10, |at| {
                (format!("{}", 40 + at), format!("Accountants of floor {at}"))
            }),
            by_groups: (0..10).map(|at| format!("billing.view_customer_{at}")).collect(),
            sessions: sessions(20),
            ..ADA.edit_user(frame())
        };
        weigh("EditUser", &user.to_html());
        weigh("EditGroup", &EditGroup { permissions, ..ADA.edit_group(frame()) }.to_html());
        weigh("Sessions", &Sessions { frame: frame(), sessions: sessions(20) }.to_html());
    }
}
