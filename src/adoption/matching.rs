//! Who is who: pure, and nobody becomes somebody else by chance.

use std::collections::{HashMap, HashSet};

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::ledger::Adopted;
use super::plan::{Conflict, Fate, Person};
use super::{Answer, MatchBy};
use crate::username::{admit, normalize};

/// A user, on either side.
pub(super) struct Someone {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) email: String,
    pub(super) is_active: bool,
}

/// How an operator wants it done.
pub(super) struct Rules<'a> {
    pub(super) by: MatchBy,
    pub(super) trusts_usernames: bool,
    pub(super) answers: &'a HashMap<String, Answer>,
}

/// What was found out about one local user.
enum Verdict<'a> {
    Same(&'a Someone, Fate, &'static str),
    New(String, &'static str),
    Open { reason: &'static str, remedy: &'static str, house: String },
}

const MAPPED: &str = "the map says so";
const BY_MAP: &str =
    "settle it by the map: `same` if both are one person, or `new` under another name";

/// The users of the house, as they are looked for.
struct House<'a> {
    names: HashMap<&'a str, &'a Someone>,
    ids: HashMap<i64, &'a Someone>,
    looks: HashMap<String, &'a Someone>,
    emails: HashMap<String, Vec<&'a Someone>>,
}

impl<'a> House<'a> {
    fn new(people: &'a [Someone]) -> Self {
        let mut emails: HashMap<String, Vec<&Someone>> = HashMap::new();
        for one in people.iter().filter(|one| !one.email.is_empty()) {
            emails.entry(address(&one.email)).or_default().push(one);
        }
        Self {
            names: people.iter().map(|one| (one.username.as_str(), one)).collect(),
            ids: people.iter().map(|one| (one.id, one)).collect(),
            looks: people.iter().map(|one| (look(&one.username), one)).collect(),
            emails,
        }
    }
}

/// None when there is nothing to compare.
fn same_address(one: &Someone, other: &Someone) -> Option<bool> {
    let is_missing = one.email.is_empty() || other.email.is_empty();
    (!is_missing).then(|| address(&one.email) == address(&other.email))
}

/// Only letters of ASCII are taken for each other: others have been used to take over accounts.
fn address(email: &str) -> String {
    email.trim().to_ascii_lowercase()
}

/// Names that people take for each other: in upper and lower case, in Unicode's forms, and with letters that nobody
/// sees.
fn look(name: &str) -> String {
    let seen: String = name.chars().filter(|letter| !unseen(*letter)).collect();
    let seen: String = seen.split_whitespace().collect();
    normalize(&normalize(&seen).to_uppercase().to_lowercase())
}

/// Takes no room, or says how the letters beside it are written.
pub(super) fn unseen(letter: char) -> bool {
    letter.general_category() == GeneralCategory::Format
        || matches!(letter, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
        || matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Every local user, with what becomes of them, and what is not settled.
pub(super) fn decide(
    local: &[Someone],
    house: &[Someone],
    ledger: &[Adopted],
    rules: &Rules<'_>,
) -> (Vec<Person>, Vec<Conflict>) {
    let found = House::new(house);
    let known: HashMap<&str, &Adopted> =
        ledger.iter().map(|one| (one.username.as_str(), one)).collect();
    let names: HashMap<&str, &Someone> =
        local.iter().map(|one| (one.username.as_str(), one)).collect();
    let renamed: HashMap<i64, &Adopted> = ledger
        .iter()
        .filter(|one| !names.contains_key(one.username.as_str()))
        .map(|one| (i64::from(one.user_id), one))
        .collect();
    let mut addresses: HashMap<String, usize> = HashMap::new();
    for one in local.iter().filter(|one| !one.email.is_empty()) {
        *addresses.entry(address(&one.email)).or_default() += 1;
    }
    // Another app under the name of one lacks somebody who is written down.
    let is_here =
        |one: &Adopted| names.get(one.username.as_str()).is_some_and(|local| is_still(one, local));
    let is_the_app = ledger.iter().all(is_here);
    let is_trusted = |one: &Someone, same: &Someone| {
        let is_rewritten = one.id == same.id;
        (is_rewritten && is_the_app)
            || same_address(one, same).unwrap_or(is_rewritten || is_the_app)
    };
    let mut verdicts: Vec<Verdict<'_>> = local
        .iter()
        .map(|one| {
            let before = known.get(one.username.as_str());
            if let Some(before) = before.filter(|before| is_still(before, one)) {
                match found.ids.get(&i64::from(before.user_id)) {
                    Some(same) if is_trusted(one, same) => {
                        return Verdict::Same(same, Fate::Before, "adopted before");
                    }
                    Some(_) => {}
                    None => return by_map(one, &found, rules).unwrap_or_else(deleted),
                }
            }
            if let Some(verdict) = by_map(one, &found, rules) {
                return verdict;
            }
            match before.or_else(|| renamed.get(&one.id)) {
                Some(_) => another_before(),
                None => by_rule(one, &found, &addresses, rules),
            }
        })
        .collect();
    part_those_who_would_be_one(&mut verdicts);
    part_those_with_one_new_name(&mut verdicts);
    told(local, verdicts)
}

/// Is it the user of that line, in a database before or after its ids were rewritten?
fn is_still(before: &Adopted, one: &Someone) -> bool {
    one.id == before.local_id || one.id == i64::from(before.user_id)
}

fn deleted<'a>() -> Verdict<'a> {
    Verdict::Open {
        reason: "was adopted before, and deleted from the house since",
        remedy: "settle it by the map: `new` makes the user again, `same` takes another one",
        house: String::new(),
    }
}

fn another_before<'a>() -> Verdict<'a> {
    Verdict::Open {
        reason: "has the name or the id of a user who was adopted before",
        remedy: BY_MAP,
        house: String::new(),
    }
}

fn by_map<'a>(one: &Someone, house: &House<'a>, rules: &Rules<'_>) -> Option<Verdict<'a>> {
    Some(match rules.answers.get(&one.username)? {
        Answer::Same(name) => match house.names.get(name.as_str()) {
            Some(same) => Verdict::Same(same, Fate::Matched, MAPPED),
            None => Verdict::Open {
                reason: "the map names a user who is not in the house",
                remedy: "correct that line of the map",
                house: name.clone(),
            },
        },
        // A name of long ago may have letters that no new name may have.
        Answer::New(name) if *name != one.username && admit(name).ok().as_ref() != Some(name) => {
            Verdict::Open {
                reason: "the map gives a name that no user may have",
                remedy: "give another one: up to 150 letters, digits and @.+-_, in Unicode's form NFKC",
                house: name.clone(),
            }
        }
        Answer::New(name) => match house.names.get(name.as_str()) {
            Some(_) => Verdict::Open {
                reason: "the map gives a name that another user of the house has",
                remedy: "give another one",
                house: name.clone(),
            },
            None => Verdict::New(name.clone(), MAPPED),
        },
    })
}

fn by_rule<'a>(
    one: &Someone,
    house: &House<'a>,
    addresses: &HashMap<String, usize>,
    rules: &Rules<'_>,
) -> Verdict<'a> {
    let same_name = house.names.get(one.username.as_str()).copied();
    if rules.by == MatchBy::Username {
        return match same_name {
            Some(same) => compared(one, same, rules),
            None => under_its_own_name(one, house),
        };
    }
    let mine = address(&one.email);
    match house.emails.get(&mine).map(Vec::as_slice) {
        Some([same]) if addresses.get(&mine) == Some(&1) => {
            Verdict::Same(same, Fate::Matched, "same e-mail")
        }
        Some(several) => Verdict::Open {
            reason: "more than one user has the e-mail",
            remedy: BY_MAP,
            house: several.first().map(|one| one.username.clone()).unwrap_or_default(),
        },
        None => match same_name {
            Some(same) => Verdict::Open {
                reason: "the name is that of a house user with another e-mail, or none",
                remedy: BY_MAP,
                house: same.username.clone(),
            },
            None => under_its_own_name(one, house),
        },
    }
}

fn compared<'a>(one: &Someone, same: &'a Someone, rules: &Rules<'_>) -> Verdict<'a> {
    let house = same.username.clone();
    match same_address(one, same) {
        Some(true) => Verdict::Same(same, Fate::Matched, "same name, same e-mail"),
        Some(false) => Verdict::Open { reason: "same name, other e-mail", remedy: BY_MAP, house },
        None if rules.trusts_usernames => {
            Verdict::Same(same, Fate::Matched, "same name, trusted without an e-mail")
        }
        None => Verdict::Open {
            reason: "same name, and no e-mail to compare",
            remedy: "settle it by the map, or all of them by --trust-usernames, if names are enough",
            house,
        },
    }
}

fn under_its_own_name<'a>(one: &Someone, house: &House<'a>) -> Verdict<'a> {
    match house.looks.get(&look(&one.username)) {
        Some(alike) => Verdict::Open {
            reason: "the name differs from that of a house user only by case or Unicode form",
            remedy: "settle it by the map: `same` if both are one person, else `new`",
            house: alike.username.clone(),
        },
        None => Verdict::New(one.username.clone(), "not in the house"),
    }
}

fn part_those_who_would_be_one(verdicts: &mut [Verdict<'_>]) {
    let mut count: HashMap<i64, usize> = HashMap::new();
    for verdict in &*verdicts {
        if let Verdict::Same(same, ..) = verdict {
            *count.entry(same.id).or_default() += 1;
        }
    }
    for verdict in verdicts {
        if let Verdict::Same(same, fate, _) = verdict
            && *fate != Fate::Before
            && count.get(&same.id).is_some_and(|count| *count > 1)
        {
            *verdict = Verdict::Open {
                reason: "another user of this app would become the same house user",
                remedy: "settle it by the map: `new` for one of them",
                house: same.username.clone(),
            };
        }
    }
}

fn part_those_with_one_new_name(verdicts: &mut [Verdict<'_>]) {
    let mut count: HashMap<String, usize> = HashMap::new();
    for verdict in &*verdicts {
        if let Verdict::New(name, _) = verdict {
            *count.entry(name.clone()).or_default() += 1;
        }
    }
    for verdict in verdicts {
        if let Verdict::New(name, _) = verdict
            && count.get(name).is_some_and(|count| *count > 1)
        {
            *verdict = Verdict::Open {
                reason: "another user of this app would get the same name",
                remedy: "give one of them another name by the map",
                house: name.clone(),
            };
        }
    }
}

fn told(local: &[Someone], verdicts: Vec<Verdict<'_>>) -> (Vec<Person>, Vec<Conflict>) {
    let mut conflicts = Vec::new();
    let people = local.iter().zip(verdicts).map(|(one, verdict)| {
        let (fate, house, user_id, why) = match verdict {
            Verdict::Same(same, fate, why) => (fate, same.username.clone(), Some(same.id), why),
            Verdict::New(name, why) => (Fate::Moved, name, None, why),
            Verdict::Open { reason, remedy, house } => {
                conflicts.push(Conflict::of_user(&one.username, &house, reason, remedy));
                (Fate::Unsettled, house, None, reason)
            }
        };
        let username = one.username.clone();
        Person { local_id: one.id, username, fate, house, user_id, why: why.to_owned() }
    });
    (people.collect(), conflicts)
}

/// The e-mails of users who move, that a house user of another name has: worth a look, and no more.
pub(super) fn same_addresses(people: &[Person], local: &[Someone], house: &[Someone]) -> usize {
    let found = House::new(house);
    let moving = people.iter().zip(local).filter(|(person, _)| person.fate == Fate::Moved);
    moving.filter(|(_, one)| found.emails.contains_key(&address(&one.email))).count()
}

/// Who was deactivated in the app, and is a user of the house who may sign in; by the local names.
pub(super) fn let_in(people: &[Person], local: &[Someone], house: &[Someone]) -> Vec<String> {
    let active: HashSet<i64> = house.iter().filter(|one| one.is_active).map(|one| one.id).collect();
    let both = people.iter().zip(local).filter(|(person, one)| {
        person.fate == Fate::Matched
            && !one.is_active
            && person.user_id.is_some_and(|id| active.contains(&id))
    });
    both.map(|(person, _)| person.username.clone()).collect()
}

/// The users who move whose names look like that of another one who does.
pub(super) fn same_looks(people: &[Person]) -> usize {
    let mut looks: HashMap<String, usize> = HashMap::new();
    let moving = || people.iter().filter(|person| person.fate == Fate::Moved);
    for person in moving() {
        *looks.entry(look(&person.house)).or_default() += 1;
    }
    moving()
        .filter(|person| looks.get(&look(&person.house)).is_some_and(|count| *count > 1))
        .count()
}
