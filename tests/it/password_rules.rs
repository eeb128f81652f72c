//! A new password is weak here when Django's forms refuse it, and for the same reasons.

use std::collections::BTreeSet;

use housekey::password::{Attribute, Person, Weakness, weaknesses};
use serde_json::{Value, json};

use crate::support::Home;
use crate::support::cases::{bent, dice, text};
use crate::support::dice::Dice;
use crate::support::django::Django;

const CASES: usize = 20_000;
const BATCH: usize = 1_000;

/// A password, then user name, first name, last name and e-mail address.
type Case = [String; 5];

fn ours([password, username, first_name, last_name, email]: &Case) -> Value {
    let person = Person::new(username).email(email).names(first_name, last_name);
    let spelled = |weakness: &Weakness| match weakness {
        Weakness::TooSimilar { to } => json!([weakness.code(), verbose_name(*to)]),
        _ => json!([weakness.code(), null]),
    };
    weaknesses(password, person).iter().map(spelled).collect()
}

/// As Django calls its fields.
fn verbose_name(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Username => "username",
        Attribute::FirstName => "first name",
        Attribute::LastName => "last name",
        Attribute::Email => "email address",
        _ => unreachable!("Django has four"),
    }
}

#[track_caller]
fn assert_agree(django: &mut Django, cases: &[Case]) {
    let mut compared = 0;
    for cases in cases.chunks(BATCH) {
        let theirs = django.call("weaknesses", json!({ "cases": cases }));
        let answered = cases.iter().zip(theirs.as_array().unwrap()).filter(|(_, it)| !it.is_null());
        for (case, theirs) in answered {
            assert_eq!(ours(case), *theirs, "{case:?}");
            compared += 1;
        }
    }
    assert!(compared > cases.len() / 2, "only {compared} of {} were compared", cases.len());
}

fn common_passwords(django: &mut Django) -> Vec<String> {
    serde_json::from_value(django.call("common_passwords", json!({}))).unwrap()
}

#[test]
fn a_password_is_weak_here_as_it_is_there() {
    let home = Home::sqlite();
    let Some(mut django) = Django::start(&home) else { return };
    let common = common_passwords(&mut django);
    let dice = &mut dice("password_rules");
    let cases: Vec<Case> = (0..CASES).map(|_| case(dice, &common)).collect();
    assert_agree(&mut django, &cases);
    let seen: BTreeSet<String> = cases.iter().map(|case| ours(case).to_string()).collect();
    assert!(seen.len() > 12, "{seen:?}");
}

fn case(dice: &mut Dice, common: &[String]) -> Case {
    let name = [name(dice), name(dice), name(dice), name(dice) + "@" + &name(dice) + ".example"];
    let mut values = name.map(|value| if dice.one_in(4) { text(dice) } else { value });
    let [username, first_name, last_name, email] = values.each_mut();
    for value in [username, first_name, last_name, email] {
        // The sigma at the end of a word, and letters that are two in lower case or upper case.
        if dice.one_in(10) {
            value.push_str(dice.pick(&["Σ", "ΑΣ.", "İ", "ẞ", "ǅ", "ΌΔΟΣ Σ"]));
        }
    }
    let mut password = match dice.below(8) {
        0 => text(dice),
        1 => common[dice.below(common.len())].clone(),
        2 => (0..dice.below(12)).map(|_| dice.pick(&["1", "٣", "²", "①", "𝟘", "½", "Ⅷ"])).collect(),
        3 => values[dice.below(4)].repeat(1 + dice.below(12)),
        4 => values[dice.below(4)].chars().rev().collect(),
        5 => values[dice.below(4)].split('@').next().unwrap().to_uppercase(),
        _ => values[dice.below(4)].clone(),
    };
    for _ in 0..dice.below(6) {
        password = bent(dice, &password);
    }
    if dice.one_in(6) {
        password = dice.pick(&[" ", "\u{1c}", "\u{a0}\n", "\u{200b}"]).to_owned() + &password;
    }
    let [username, first_name, last_name, email] = values;
    [password, username, first_name, last_name, email]
}

fn name(dice: &mut Dice) -> String {
    let words = (0..dice.below(4)).map(|_| {
        let length = 1 + dice.below(10);
        String::from_utf8(dice.text(b"abcdeABCDE12_", length)).unwrap()
    });
    let words: Vec<String> = words.collect();
    words.join(dice.pick(&[".", "-", "..", " ", "é", "_", "\u{301}"]))
}

#[test]
fn each_password_of_djangos_list_is_refused() {
    let home = Home::sqlite();
    let Some(mut django) = Django::start(&home) else { return };
    let common = common_passwords(&mut django);
    assert!(common.len() > 19_000);
    for password in &common {
        for spelled in [password.clone(), format!(" {}\t", password.to_uppercase())] {
            let found = weaknesses(&spelled, Person::default());
            assert!(found.contains(&Weakness::TooCommon), "{spelled:?}: {found:?}");
        }
    }
}

/// Each character as the only one of a password, and between the words of a name.
#[test]
fn digits_and_words_are_pythons() {
    let home = Home::sqlite();
    let Some(mut django) = Django::start(&home) else { return };
    let characters = django.text("characters", json!({}));
    assert!(characters.chars().count() > 30_000);
    let nothing = String::new;
    let cases: Vec<Case> = characters
        .chars()
        .flat_map(|character| {
            let digits = character.to_string().repeat(9);
            let name = format!("abcdefgh{character}12345678");
            [
                [digits, nothing(), nothing(), nothing(), nothing()],
                ["hgfedcba".to_owned(), name, nothing(), nothing(), nothing()],
            ]
        })
        .collect();
    assert_agree(&mut django, &cases);
}

/// The right side is Django's answer; `tests/django/live.py` gives it again where there is a Django.
#[test]
fn what_is_at_the_edge_is_told_as_django_tells_it() {
    use Weakness::{EntirelyNumeric, TooCommon, TooShort};
    let cases: [(&str, &str, &[Weakness]); 13] = [
        ("", "", &[TooShort]),
        ("", "ada", &[TooShort]),
        ("ääääää7", "", &[TooShort]),
        ("ääääää78", "", &[]),
        ("👩‍👩‍👧‍👦x", "", &[]),
        (" PassWord\n", "", &[TooCommon]),
        ("pass word", "", &[]),
        ("12345678", "", &[TooCommon, EntirelyNumeric]),
        ("٠١٢٣٤٥٦٧٨", "", &[EntirelyNumeric]),
        ("²³¹⁰①⓪🄀❶", "", &[EntirelyNumeric]),
        ("½⅓¼⅛⅔¾⅞⅜", "", &[]),
        ("1234567 8", "", &[]),
        ("lovelace-424242", "not lovelaced", &[]),
    ];
    let home = Home::sqlite();
    let mut django = Django::start(&home);
    for (password, username, expected) in cases {
        assert_eq!(weaknesses(password, Person::new(username)), expected, "{password:?}");
        let [first_name, last_name, email] = [String::new(), String::new(), String::new()];
        let case = [password.to_owned(), username.to_owned(), first_name, last_name, email];
        if let Some(django) = &mut django {
            assert_agree(django, &[case]);
        }
    }
}

/// Nobody is to be kept waiting by a password that will not be taken, or by a name without an end. Django
/// would look at such a name; `create_user` refuses it.
#[test]
fn what_no_house_would_store_costs_little() {
    let long = "a.b ".repeat(2_500_000);
    let begin = std::time::Instant::now();
    assert_eq!(weaknesses(&long, Person::new("ada").email("ada@example.org")), []);
    assert_eq!(weaknesses("~", Person::new(&long).names(&long, &long)), [Weakness::TooShort]);
    assert!(weaknesses(&long, Person::new(&long)).is_empty());
    let most = std::time::Duration::from_secs(5);
    assert!(begin.elapsed() < most, "{:?}", begin.elapsed());
}

#[test]
fn a_user_of_the_house_is_known() {
    let home = Home::sqlite();
    let house = home.open("notes");
    let ada = house.create_user("ada-lovelace", "enchantress@example.org", "x").unwrap();
    let to = |password: &str| weaknesses(password, &ada);
    assert_eq!(to("lovelace"), [Weakness::TooSimilar { to: Attribute::Username }]);
    assert_eq!(to("Enchantress!"), [Weakness::TooSimilar { to: Attribute::Email }]);
    assert_eq!(to("correct horse battery staple"), []);
}
