//! Django's admin, opened with a login that was made in a Rust app.

use serde_json::json;

use crate::support::apps::{App, Browser, FORM, Neighbours, Sending};
use crate::support::django::Version::{V4_2, V5_2};
use crate::support::{Home, PASSWORD, on_both_databases, user};

on_both_databases!(
    a_login_in_rust_opens_the_admin_and_its_changes_are_logged,
    who_is_not_staff_is_not_let_in,
);

/// Sends a form of the admin as its page does.
pub(crate) fn submit(browser: &mut Browser, app: &App, path: &str, fields: &str) -> u16 {
    let token = browser.csrf_token(app).unwrap();
    let body = format!("csrfmiddlewaretoken={token}&{fields}");
    let headers = [("Content-Type", FORM)];
    browser.exchange(app, Sending { method: "POST", path, headers: &headers, body }).status()
}

fn a_login_in_rust_opens_the_admin_and_its_changes_are_logged(home: &Home) {
    let house = home.open("setup");
    let root = house.create_superuser("root", "", PASSWORD).unwrap();
    let ada = user(&house, "ada");
    let apps = Neighbours::start(home, &[V5_2, V4_2]);
    for django in &apps.djangos {
        let mut browser = Browser::new();
        browser.sign_in(&apps.rust, "root");
        let page = browser.get(django, "/admin/");
        assert_eq!(page.status(), 200);
        assert!(page.text.contains("Site administration"), "{}", page.text);

        // Something shared: Rust sees it at once.
        let permission = home
            .count("SELECT CAST(id AS bigint) FROM auth_permission WHERE codename = 'share_note'");
        let fields = format!("name=writers+{}&permissions={permission}", django.name);
        assert_eq!(submit(&mut browser, django, "/admin/auth/group/add/", &fields), 302);
        home.execute(&format!(
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT {}, id FROM auth_group",
            ada.id
        ));
        let mut reader = Browser::new();
        reader.sign_in(&apps.rust, "ada");
        assert_eq!(reader.whoami(&apps.rust)["perms"], json!(["diary.share_note"]));

        // And something of the app's own.
        let fields = format!("user_id={}&text=from+the+admin", ada.id);
        assert_eq!(submit(&mut browser, django, "/admin/diary/note/add/", &fields), 302);
        let notes = reader.get(django, "/notes").json();
        assert_eq!(notes, json!({"notes": ["from the admin"]}));

        for logged in ["c.model = 'group' AND l.object_repr LIKE 'writers %'", "c.model = 'note'"] {
            let rows = home.count(&format!(
                "SELECT count(*) FROM django_admin_log l JOIN django_content_type c \
                 ON c.id = l.content_type_id WHERE l.user_id = {} AND l.action_flag = 1 AND {logged}",
                root.id
            ));
            assert_eq!(rows, 1, "{logged}");
        }
        home.execute(
            "DELETE FROM django_admin_log; DELETE FROM auth_user_groups; \
             DELETE FROM auth_group_permissions; DELETE FROM auth_group",
        );
        browser.post(&apps.rust, "/logout", "");
        assert_eq!(browser.get(django, "/admin/").status(), 302);
    }
}

fn who_is_not_staff_is_not_let_in(home: &Home) {
    user(&home.open("setup"), "ada");
    let apps = Neighbours::start(home, &[V5_2]);
    for django in &apps.djangos {
        let mut browser = Browser::new();
        browser.sign_in(&apps.rust, "ada");
        let answer = browser.get(django, "/admin/");
        let to = answer.header("location").unwrap_or_default();
        assert_eq!((answer.status(), to), (302, "/admin/login/?next=/admin/"));
        assert_eq!(submit(&mut browser, django, "/admin/auth/group/add/", "name=writers"), 302);
        assert_eq!(home.count("SELECT count(*) FROM auth_group"), 0);
        assert_eq!(browser.name_at(&apps.rust), "ada");
    }
}
