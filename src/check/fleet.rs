//! The apps beside each other: one cookie for all, one cost of passwords, and hosts that the cookie reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Finding, Findings, Level, seen};
use crate::db::SharedPool;
use crate::error::Error;
use crate::hosts::is_loopback;
use crate::place::DatabaseKind;
use crate::registry::{CookieProfile, Profile, Seen, apps};

/// Compares the apps that are there, and one that has told of itself otherwise.
pub(super) fn alike(shared: &SharedPool, guest: Option<&Profile>) -> Vec<Finding> {
    seen("apps", look(shared, guest))
}

fn look(shared: &SharedPool, guest: Option<&Profile>) -> Result<Vec<Finding>, Error> {
    let apps = shared.run(|conn| apps::seen(conn, Seen::NOW))?;
    let hosts: BTreeSet<&str> = apps.iter().map(|app| app.host.as_str()).collect();
    let profiles: Vec<&Profile> = apps.iter().map(|app| &app.profile).chain(guest).collect();
    let names: BTreeSet<&str> = apps.iter().map(|app| app.app.as_str()).collect();
    let mut found = registered(&profiles, &names, &hosts, shared.kind());
    if !profiles.is_empty() {
        found.extend(cookies(&profiles));
        found.extend(reach(&profiles));
    }
    Ok(found)
}

fn registered(
    profiles: &[&Profile],
    names: &BTreeSet<&str>,
    hosts: &BTreeSet<&str>,
    kind: DatabaseKind,
) -> Vec<Finding> {
    let mut findings = Findings::about("apps");
    if hosts.len() > 1 && kind == DatabaseKind::Sqlite {
        let hosts: Vec<&str> = hosts.iter().copied().collect();
        findings.wrong(
            format!("apps on {} hosts ({}) write one SQLite file", hosts.len(), hosts.join(", ")),
            "file locks do not hold between hosts: move the house to PostgreSQL, or all apps to one host",
        );
    }
    differing(&mut findings, Level::Warning, "PASSWORD_HASHER (and its cost)", profiles, |app| {
        // A Django app cannot tell the cost of each algorithm.
        app.password_hasher.clone().filter(|hasher| !hasher.ends_with("$?"))
    });
    differing(&mut findings, Level::Error, "SESSION_SALT", profiles, |app| {
        app.session_salt.clone()
    });
    let names: Vec<&str> = names.iter().copied().collect();
    findings.ok(if names.is_empty() {
        "no app has reported within two hours".to_owned()
    } else {
        format!("the apps that are there: {}", names.join(", "))
    });
    findings.found
}

fn cookies(profiles: &[&Profile]) -> Vec<Finding> {
    let mut findings = Findings::about("cookies");
    let mut compare = |level, setting, value: fn(&CookieProfile) -> String| {
        differing(&mut findings, level, setting, profiles, |app| {
            app.session_cookie.as_ref().map(value)
        });
    };
    compare(Level::Error, "SESSION_COOKIE_NAME", |cookie| cookie.name.clone());
    compare(Level::Error, "SESSION_COOKIE_PATH", |cookie| cookie.path.clone());
    compare(Level::Error, "SESSION_COOKIE_DOMAIN", |cookie| {
        // With a dot before it or without is one domain to a browser.
        let domain = cookie.domain.as_deref().map(|it| it.trim_start_matches('.').to_lowercase());
        domain.unwrap_or_else(|| "(not set)".to_owned())
    });
    compare(Level::Warning, "SESSION_COOKIE_SAMESITE", |cookie| cookie.samesite.clone());
    compare(Level::Warning, "SESSION_COOKIE_AGE", |cookie| cookie.age.to_string());
    differing(&mut findings, Level::Warning, "SESSION_COOKIE_SECURE", profiles, |app| {
        // What is tried out on one machine needs no TLS.
        let is_here = Address::of(app).is_some_and(|address| address.is_here());
        let cookie = app.session_cookie.as_ref().filter(|_| !is_here);
        cookie.map(|cookie| cookie.secure.to_string())
    });
    findings.unless_any("the apps set the session cookie alike")
}

/// One value in all apps that say any.
fn differing(
    findings: &mut Findings,
    level: Level,
    setting: &str,
    profiles: &[&Profile],
    value: impl Fn(&Profile) -> Option<String>,
) {
    let mut apps: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for profile in profiles {
        if let Some(value) = value(profile) {
            apps.entry(value).or_default().insert(&profile.app);
        }
    }
    if apps.len() > 1 {
        let each = apps.iter().map(|(value, apps)| {
            let apps: Vec<String> = apps.iter().map(|app| format!("`{app}`")).collect();
            format!("{value} in {}", apps.join(", "))
        });
        let each: Vec<String> = each.collect();
        findings.put(
            level,
            format!("{setting} is {}", each.join("; ")),
            format!("set the same {setting} in every app of the house"),
        );
    }
}

/// An app with the host that its visitors know it by.
struct Address<'a> {
    app: &'a str,
    host: String,
    is_https: bool,
    cookie: &'a CookieProfile,
}

impl<'a> Address<'a> {
    fn of(profile: &'a Profile) -> Option<Self> {
        let url = profile.public_url.as_deref()?.to_ascii_lowercase();
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
        .to_owned();
        let cookie = profile.session_cookie.as_ref()?;
        Some(Self { app: &profile.app, host, is_https: scheme == "https", cookie })
    }

    fn is_here(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Does a browser that visits this app keep, and send, a cookie of that domain?
    fn takes(&self, domain: &str) -> bool {
        let (host, domain) = (&self.host, domain.to_ascii_lowercase());
        let domain = domain.trim_start_matches('.');
        let is_name = host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
        *host == domain
            || (is_name && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
    }
}

fn reach(profiles: &[&Profile]) -> Vec<Finding> {
    let mut findings = Findings::about("hosts");
    let addresses: Vec<Address<'_>> = profiles.iter().filter_map(|app| Address::of(app)).collect();
    for address in &addresses {
        one_host(&mut findings, address);
    }
    several_hosts(&mut findings, &addresses);
    let silent: BTreeSet<&str> = profiles
        .iter()
        .filter(|app| app.public_url.is_none())
        .map(|app| app.app.as_str())
        .collect();
    if silent.is_empty() {
        return findings.unless_any("the session cookie reaches the hosts of all apps");
    }
    let silent: Vec<&str> = silent.into_iter().collect();
    findings.ok(format!(
        "not compared, because they do not say their PUBLIC_URL: {}",
        silent.join(", ")
    ));
    findings.found
}

fn one_host(findings: &mut Findings, address: &Address<'_>) {
    let Address { app, host, cookie, .. } = address;
    if let Some(domain) = cookie.domain.as_deref().filter(|domain| !address.takes(domain)) {
        findings.wrong(
            format!("app `{app}` is at {host}, where browsers refuse a cookie of the domain {domain}"),
            "set SESSION_COOKIE_DOMAIN to a parent domain of all apps, or, for apps on one host, do not set it",
        );
    }
    if cookie.secure && !address.is_https && !address.is_here() {
        findings.wrong(
            format!(
                "app `{app}` is visited over HTTP, and its session cookie goes over HTTPS alone"
            ),
            "serve it over HTTPS; where there is no TLS at all, SESSION_COOKIE_SECURE=false lets anybody on the way \
             read the cookie",
        );
    }
    if !cookie.secure && address.is_https {
        findings.warn(
            format!(
                "app `{app}` is visited over HTTPS, and its session cookie goes over HTTP as well"
            ),
            "set SESSION_COOKIE_SECURE=true",
        );
    }
}

/// A cookie without a domain stays on its host, whatever the ports; to get to others it needs their parent.
fn several_hosts(findings: &mut Findings, addresses: &[Address<'_>]) {
    let alone = addresses.iter().find(|one| {
        addresses.iter().any(|other| {
            let reached = match &one.cookie.domain {
                Some(domain) => other.takes(domain),
                None => one.host == other.host,
            };
            !reached
        })
    });
    let Some(one) = alone else { return };
    let hosts: BTreeSet<&str> = addresses.iter().map(|address| address.host.as_str()).collect();
    let places: BTreeMap<&str, &str> = addresses.iter().map(|a| (a.app, a.host.as_str())).collect();
    let places: Vec<String> =
        places.iter().map(|(app, host)| format!("`{app}` at {host}")).collect();
    let domain = one.cookie.domain.as_deref().unwrap_or("(not set)");
    let remedy = common_parent(&hosts).map_or_else(
        || "give the apps hosts under one parent domain: a cookie reaches no further".to_owned(),
        |parent| format!("set SESSION_COOKIE_DOMAIN={parent} in every app"),
    );
    findings.wrong(
        format!(
            "SESSION_COOKIE_DOMAIN {domain} of app `{}` does not cover all apps: {}",
            one.app,
            places.join(", ")
        ),
        remedy,
    );
}

/// The labels that all hosts end in, if they are two or more: browsers take no cookie for a single one.
fn common_parent(hosts: &BTreeSet<&str>) -> Option<String> {
    if hosts.iter().any(|host| host.parse::<IpAddr>().is_ok()) {
        return None;
    }
    let mut labels = hosts.iter().map(|host| host.rsplit('.').collect::<Vec<_>>());
    let mut common = labels.next()?;
    for other in labels {
        let same = common.iter().zip(&other).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        common.truncate(same);
    }
    common.reverse();
    (common.len() > 1).then(|| common.join("."))
}
