//! Pages, and what stands on them.

use serde_json::{Value, json};

use super::Browser;

/// The name under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Something on the page.
pub(crate) struct Element<'a> {
    browser: &'a Browser,
    path: String,
}

impl Browser {
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The same, or why no page came of it.
    pub(crate) fn try_open(&self, url: &str) -> Result<(), String> {
        self.try_post("/url", &json!({ "url": url })).map(drop)
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// What the visitor's button does.
    pub(crate) fn back(&self) {
        self.post("/back", &json!({}));
    }

    /// Presses a button that sends a form, and waits for the page that comes of it.
    pub(crate) fn press(&self, selector: &str) {
        self.leave_by(|| self.find(selector).click());
    }

    /// Does what leads to another page, and waits for that.
    pub(crate) fn leave_by(&self, deed: impl FnOnce()) {
        self.run("document.documentElement.dataset.left = ''", &[]);
        deed();
        self.find("html:not([data-left])");
    }

    /// What stands in the address bar.
    pub(crate) fn url(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    pub(crate) fn source(&self) -> String {
        self.get("/source").as_str().unwrap().to_owned()
    }

    /// What the body of a function in the page returns, which finds these in its `arguments`.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// What the body of a function in the page hands to its only argument, sooner or later. Where the scripts of
    /// pages are off, that is never.
    pub(crate) fn run_until_told(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// The status of the answer that this page is.
    pub(crate) fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.run(script, &[]).as_u64().unwrap()
    }

    /// The cookies of this page, as the protocol tells them.
    pub(crate) fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.get("/cookie");
        cookies.as_array().unwrap().iter().find(|cookie| cookie["name"] == name).cloned()
    }

    /// The first element of that CSS selector, as soon as there is one.
    pub(crate) fn find(&self, selector: &str) -> Element<'_> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.try_post("/element", &wanted);
        let found = found.unwrap_or_else(|error| panic!("{error} at {}", self.url()));
        Element::new(self, &found)
    }

    /// What has the focus: the body when nothing has.
    pub(crate) fn focused(&self) -> Element<'_> {
        Element::new(self, &self.get("/element/active"))
    }

    /// How many elements there are of that CSS selector, now.
    pub(crate) fn count(&self, selector: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.run(script, &[selector]).as_u64().unwrap()
    }

    /// How many pixels of the page are beyond the right edge of the window.
    pub(crate) fn overflow(&self) -> i64 {
        // A phone zooms out from what is too wide: seen through the zoom, the window would always be wide enough.
        let script = "return document.documentElement.scrollWidth
            - Math.round(visualViewport.width * visualViewport.scale)";
        self.run(script, &[]).as_i64().unwrap()
    }
}

impl<'a> Element<'a> {
    fn new(browser: &'a Browser, found: &Value) -> Self {
        let id = found[ELEMENT].as_str().unwrap();
        Self { browser, path: format!("/element/{id}") }
    }

    pub(crate) fn click(&self) {
        self.browser.post(&format!("{}/click", self.path), &json!({}));
    }

    pub(crate) fn type_in(&self, text: &str) {
        self.browser.post(&format!("{}/value", self.path), &json!({ "text": text }));
    }

    pub(crate) fn attribute(&self, name: &str) -> String {
        let value = self.browser.get(&format!("{}/attribute/{name}", self.path));
        value.as_str().unwrap().to_owned()
    }

    /// As a visitor reads it.
    pub(crate) fn text(&self) -> String {
        let text = self.browser.get(&format!("{}/text", self.path));
        text.as_str().unwrap().to_owned()
    }
    /// What a screen reader calls it.
    pub(crate) fn label(&self) -> String {
        let label = self.browser.get(&format!("{}/computedlabel", self.path));
        label.as_str().unwrap().to_owned()
    }

    /// What a screen reader says that it is: "button", "textbox", "link".
    pub(crate) fn role(&self) -> String {
        let role = self.browser.get(&format!("{}/computedrole", self.path));
        role.as_str().unwrap().to_owned()
    }
}
